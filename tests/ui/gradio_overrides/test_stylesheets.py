"""Stylesheets in the page as it is sent, before any script has run."""

from html.parser import HTMLParser

import httpx
import pytest
from tiny_apps import app_of, launched, still_needed

from artsim.ui.assets import asset_address
from artsim.ui.gradio_overrides.stylesheets import STYLES


class Links(HTMLParser):
    """The stylesheets that a page links to, in the text as it is sent."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "link" and attributes.get("rel") == "stylesheet":
            self.found.append(attributes.get("href"))


@pytest.mark.parametrize("page", ["", "de"])
def test_the_page_links_to_the_styles_when_it_is_sent(address: str, page: str) -> None:
    text = httpx.get(f"{address}{page}").text
    assert set(map(asset_address, STYLES)) <= set(Links(text).found)
    assert text.rstrip().endswith("</html>")


def test_gradio_still_adds_the_head_with_a_script() -> None:
    with launched(app_of(), head='<link rel="stylesheet" href="art/style.css">') as address:
        still_needed("art/style.css" not in Links(httpx.get(address).text).found, "stylesheets")
