"""First visit: the responses that a new visitor waits for."""

import httpx
import pytest

from artsim.ui.assets import asset_address
from artsim.ui.gradio_overrides.stylesheets import STYLES


@pytest.mark.parametrize("page", ["", "de"])
def test_the_search_comes_with_its_styles(address: str, page: str) -> None:
    answer = httpx.get(f"{address}{page}", headers={"Accept-Language": "en"})
    head, _ = answer.text.split("</head>", 1)
    assert [name for name in STYLES if f'href="{asset_address(name)}"' not in head] == []


def test_a_thumbnail_is_cacheable(address: str) -> None:
    source = httpx.get(f"{address}browse").text.split('src="thumbnails/')[1].split('"')[0]
    answer = httpx.get(f"{address}thumbnails/{source}")
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert len(answer.content) == int(answer.headers["content-length"]) > 0
