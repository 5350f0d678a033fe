"""How the arguments of an MCP tool come in, and how its answer goes out, by functions of our own.

Gradio: tried with 6.31.0.
Reason: Gradio takes a picture as a web address, which it fetches, and refuses base64 without a data URL; an answer that is
    an object goes out as Python's `repr`, not as JSON (related: gradio-app/gradio#10984, #11508).
Remove when: Gradio lets an app say how a tool's files are read and its answers written, and fetches nothing by default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

ReadArguments = Callable[[dict[str, Any], Sequence[Sequence[str | int]]], dict[str, Any]]
"""Arguments of a call and the positions of the files among them -> the arguments, with files as `uploads.file_json`."""
WriteAnswer = Callable[[Sequence[Any], str], Sequence[Any]]
"""Outputs of an endpoint and the address of the app -> contents of an MCP answer."""

_IN, _OUT = "convert_strings_to_filedata", "postprocess_output_data"


def set_tool_io(blocks: gr.Blocks, read: ReadArguments, write: WriteAnswer) -> None:
    """Call after `blocks.launch(mcp_server=True)`. `RuntimeError` when this Gradio has no such functions to replace."""
    server = blocks.mcp_server_obj
    if not all(callable(getattr(server, name, None)) for name in (_IN, _OUT)):
        raise RuntimeError(f"The MCP server of Gradio {gr.__version__} cannot be adapted; see {__name__}.")
    setattr(server, _IN, read)
    setattr(server, _OUT, write)
