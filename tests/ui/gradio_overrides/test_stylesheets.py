"""Stylesheets in the page as it is sent, before any script has run."""

import httpx
import pytest
from tiny_apps import app_of, launched, still_needed

from artsim.ui.assets import asset_address
from artsim.ui.gradio_overrides.stylesheets import STYLES

LINK = '<link rel="stylesheet" href="{}">'


@pytest.mark.parametrize("page", ["", "de"])
def test_the_page_links_to_the_styles_when_it_is_sent(address: str, page: str) -> None:
    text = httpx.get(f"{address}{page}").text
    assert [name for name in STYLES if LINK.format(asset_address(name)) not in text] == []
    assert text.rstrip().endswith("</html>")


def test_gradio_still_adds_the_head_with_a_script() -> None:
    with launched(app_of(), head=LINK.format("art/style.css")) as address:
        still_needed(LINK.format("art/style.css") not in httpx.get(address).text, "stylesheets")
