"""The head of the search page as it is sent, before any script has run."""

import re
from html import unescape
from typing import Any

import httpx
import pytest
from tiny_apps import app_of, launched, still_needed

from artsim.ui.assets import asset_address
from artsim.ui.gradio_overrides.page_head import STYLES

LINK = '<link rel="stylesheet" href="{}">'


@pytest.mark.parametrize("page", ["", "de"])
def test_the_page_links_to_the_styles_when_it_is_sent(address: str, page: str) -> None:
    text = httpx.get(f"{address}{page}").text
    assert [name for name in STYLES if LINK.format(asset_address(name)) not in text] == []
    icon = f'<link rel="icon" href="{asset_address("icon.svg")}"'
    assert icon in text, "browsers ask for /favicon.ico, beside the path of a proxy"
    assert text.rstrip().endswith("</html>")


def shared(text: str) -> dict[str, str]:
    """What other sites read of a page: `og:title` -> its content. Each name once, or they show the first."""
    found = re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]*)"\s+content="([^"]*)"', text)
    assert len(found) == len(dict(found))
    return {name: unescape(content) for name, content in found}


def test_a_link_carries_the_title_the_text_and_the_picture_of_its_work_or_search(app_here: tuple[str, Any]) -> None:
    address, context = app_here
    work = context.collection.work("05.jpg")
    said = shared(httpx.get(f"{address}?detail=05.jpg&__theme=dark").text)
    assert said["og:title"] == said["twitter:title"] == work["title"]
    assert work["artist"] in said["og:description"]
    assert said["og:url"] == f"{address}?detail=05.jpg"
    assert httpx.get(said["og:image"]).headers["content-type"] == "image/webp"

    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "paintings.hf.space"}
    said = shared(httpx.get(f"{address}de?work=05.jpg", headers=proxied).text)
    assert said["og:title"] == f"Werke wie {work['title']}"
    assert said["twitter:image"].startswith("https://paintings.hf.space/thumbnails/")
    assert '<html\n\tlang="de"' in httpx.get(f"{address}de").text
    assert shared(httpx.get(address).text)["og:title"].endswith("artsim")
    assert shared(httpx.get(f"{address}timeline?work=05.jpg").text)["og:image"] == said["og:image"].replace(
        "https://paintings.hf.space/", address
    )


def test_gradio_still_adds_the_head_with_a_script_and_shares_its_own_name() -> None:
    with launched(app_of(), head=LINK.format("art/style.css")) as address:
        text = httpx.get(address).text
        still_needed(LINK.format("art/style.css") not in text and 'content="Gradio"' in text, "page_head")
