"""Files of this machine that a caller of an MCP tool names."""

from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from tiny_apps import call_tool, launched, still_needed

from artsim.ui.gradio_overrides.no_stubs import WithoutStub
from artsim.ui.gradio_overrides.unqueued_endpoint import add_endpoint
from artsim.ui.gradio_overrides.uploads import file_json


class Anything(gr.JSON, metaclass=WithoutStub):
    """JSON that a tool can be called with; files in it are as Gradio treats them."""

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def read(given: dict[str, Any]) -> str:
    return Path(given["path"]).read_text(encoding="utf-8") if "path" in given else "nothing"


@pytest.fixture
def private(uploads: Path, tmp_path: Path) -> dict[str, Any]:
    """A file that no one uploaded, as a caller would name it."""
    path = tmp_path / "private.txt"
    path.write_text("a secret", encoding="utf-8")
    return file_json(str(path))


def test_no_file_of_this_machine_reaches_a_tool(private: dict[str, Any]) -> None:
    with gr.Blocks() as blocks:
        add_endpoint(read, [Anything()], gr.Textbox())
    with launched(blocks, mcp_server=True) as address:
        assert list(httpx.get(f"{address}gradio_api/info").json()["named_endpoints"]) == ["/read"]
        assert call_tool(address, "read", given={"a": 1}).content[0].text == "nothing"
        answer = call_tool(address, "read", given=private)
        assert answer.isError and "a secret" not in answer.content[0].text


def test_gradio_still_opens_files_that_a_caller_of_a_queued_tool_names(private: dict[str, Any]) -> None:
    with gr.Blocks() as blocks:
        gr.Button().click(read, Anything(), gr.Textbox())
    with launched(blocks, mcp_server=True) as address:
        answer = call_tool(address, "read", given=private)
    still_needed("a secret" in answer.content[0].text, "unqueued_endpoint")
