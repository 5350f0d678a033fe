"""Pictures that come into an MCP tool, and answers that go out of it."""

import base64
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from tiny_apps import app_of, call_tool, launched, still_needed

from artsim.ui.gradio_overrides.json_component import Typed
from artsim.ui.gradio_overrides.mcp_io import set_tool_io

FOUR = base64.b64encode(b"four").decode()
ANSWER = {"size": 4, "close": True, "artist": None}


def measure(image: str) -> dict[str, Any]:
    return {**ANSWER, "size": len(Path(image).read_bytes())}


def answer() -> dict[str, Any]:
    return ANSWER


def test_an_app_whose_tools_cannot_be_adapted_does_not_start() -> None:
    with pytest.raises(RuntimeError, match="cannot be adapted"):
        set_tool_io(app_of(), lambda arguments, _: arguments, lambda outputs, _: [])


def test_gradio_still_takes_addresses_and_no_base64_and_writes_python(uploads: Path, looked_up: list[str]) -> None:
    blocks = app_of(measure=(measure, [gr.Image(type="filepath")], Typed({})), answer=(answer, [], Typed({})))
    with launched(blocks, mcp_server=True) as address:
        in_base64 = call_tool(address, "measure", image=FOUR)
        call_tool(address, "measure", image="http://tool.invalid/a.jpg")
        [written] = call_tool(address, "answer").content
    still_needed("provide a url" in in_base64.content[0].text, "mcp_io, for base64")
    still_needed("tool.invalid" in looked_up, "mcp_io, for addresses")
    still_needed(written.text == str(ANSWER), "mcp_io, for answers")
