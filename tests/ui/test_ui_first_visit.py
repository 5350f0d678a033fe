"""First visit: the responses that a new visitor waits for."""

import gradio as gr
import httpx
import pytest
from gradio.state_holder import SessionState

from artsim.ui.assets import asset_address
from artsim.ui.gradio_overrides.stylesheets import STYLES
from artsim.ui.http.guard import GuardedBlocks


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


def test_no_configuration_is_made_for_a_new_visitor() -> None:
    with GuardedBlocks(refusal="no") as blocks:
        box = gr.Textbox("hello", label="Name")
    given = SessionState(blocks)
    assert set(given.config_values) == set(blocks.blocks)
    assert not any(given.config_values.values())
    assert given[box._id] is box
    sent = {component["id"]: component for component in blocks.get_config_file()["components"]}
    assert sent[box._id]["props"]["label"] == "Name"
