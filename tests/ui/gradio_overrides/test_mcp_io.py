"""Pictures that come into an MCP tool, and answers that go out of it."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from mcp.types import TextContent
from tiny_apps import app_of, call_tool, launched, still_needed

from artsim.messages.strings import load_strings
from artsim.ui.gradio_overrides.json_component import Typed
from artsim.ui.gradio_overrides.mcp_io import set_tool_io
from artsim.ui.gradio_overrides.uploads import PictureFile, file_json, save_upload

FOUR = base64.b64encode(b"four").decode()
ANSWER = {"size": 4, "close": True, "artist": None}


def measure(image: str) -> dict[str, Any]:
    return {**ANSWER, "size": len(Path(image).read_bytes())}


def answer() -> dict[str, Any]:
    return ANSWER


def test_pictures_are_read_and_answers_are_written_by_functions_of_ours(uploads: Path) -> None:
    def read(arguments: dict[str, Any], positions: Sequence[Sequence[str | int]]) -> dict[str, Any]:
        assert [list(position) for position in positions] == [["image"]]
        return {"image": file_json(save_upload(base64.b64decode(arguments["image"])))}

    def write(outputs: Sequence[Any], root: str) -> list[TextContent]:
        return [TextContent(type="text", text=json.dumps({"root": root, "answers": list(outputs)}))]

    blocks = app_of(measure=(measure, [PictureFile(load_strings())], Typed({})))
    with launched(blocks, mcp_server=True) as address:
        set_tool_io(blocks, read, write)
        result = call_tool(address, "measure", image=FOUR)
        assert not result.isError, result.content
        assert json.loads(result.content[0].text) == {"root": address.rstrip("/"), "answers": [ANSWER]}


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
