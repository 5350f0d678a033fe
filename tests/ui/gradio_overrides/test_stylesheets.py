"""Stylesheets in the page as it is sent, before any script has run."""

from html.parser import HTMLParser

import httpx
from starlette.middleware import Middleware
from tiny_apps import app_of, launched, still_needed

from artsim.ui.assets import asset_address
from artsim.ui.gradio_overrides.stylesheets import STYLES, Styled


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


def test_the_page_links_to_the_styles_when_it_is_sent() -> None:
    with launched(app_of(), app_kwargs={"middleware": [Middleware(Styled, styles=STYLES)]}) as address:
        page = httpx.get(address).text
        assert set(map(asset_address, STYLES)) <= set(Links(page).found)
        assert page.rstrip().endswith("</html>")
        assert "art/" not in httpx.get(f"{address}config").text


def test_gradio_still_adds_the_head_with_a_script() -> None:
    with launched(app_of(), head='<link rel="stylesheet" href="art/style.css">') as address:
        still_needed("art/style.css" not in Links(httpx.get(address).text).found, "stylesheets")
