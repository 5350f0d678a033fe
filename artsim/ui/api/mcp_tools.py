"""Input and output of the endpoints as MCP tools. The protocol itself is Gradio's.

A picture is base64 or an upload, and an answer is JSON; the description of a work comes with its picture. How long a
request may be is up to the MCP library (4 MiB, so some 3 MB of picture in base64); uploads may be longer.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gradio as gr
import orjson
from mcp.types import ImageContent, TextContent

from artsim.errors import QueryError
from artsim.images.thumbnails import SMALL
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.mcp_io import ReadArguments, WriteAnswer, set_tool_io
from artsim.ui.gradio_overrides.uploads import file_json, save_upload, upload_folder

_UPLOADED = "/gradio_api/file="  # in the address of an upload, before its path
_PICTURES = ("thumbnail", "picture")  # keys of answers that hold addresses relative to the app


def finish_tools(blocks: gr.Blocks, context: Context) -> None:
    """Call after `blocks.launch(mcp_server=True)`."""
    set_tool_io(blocks, _picture_reader(context), _answer_writer(context))


def _picture_reader(context: Context) -> ReadArguments:
    def read(arguments: dict[str, Any], positions: Sequence[Sequence[str | int]]) -> dict[str, Any]:
        """Arguments with their pictures as files. Raises `ValueError` with a sentence that MCP passes on."""
        pictures = {str(position[0]) for position in positions}
        return {
            name: _file(value, context) if name in pictures and isinstance(value, str) else value
            for name, value in arguments.items()
        }

    return read


def _file(given: str, context: Context) -> dict[str, Any]:
    """The caller's picture as a Gradio file description; base64 is written to the upload folder."""
    strings, uploads = context.strings, upload_folder()
    uploaded = unquote(given.split(_UPLOADED, 1)[1]) if _UPLOADED in given else given
    if uploaded.startswith(uploads):  # nothing else that starts with a slash is a path: base64 of a JPEG does, too
        path = Path(uploaded).resolve()
        if not path.is_relative_to(Path(uploads).resolve()) or not path.is_file():
            raise ValueError(strings("notice.gone"))
        return file_json(str(path))
    if "://" in given:
        raise ValueError(strings("api.tool.address"))
    encoded = given.split(",", 1)[1] if given.startswith("data:") and "," in given else given
    try:
        data = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(strings("api.tool.picture")) from None
    return file_json(save_upload(data))


def _answer_writer(context: Context) -> WriteAnswer:
    def write(outputs: Sequence[Any], root: str) -> list[TextContent | ImageContent]:
        """JSON with absolute addresses; a described work comes with its picture."""
        contents: list[TextContent | ImageContent] = []
        for output in outputs:
            text = orjson.dumps(_with_addresses(output, root.rstrip("/"))).decode()
            contents.append(TextContent(type="text", text=text))
            if isinstance(output, dict) and "metadata" in output:
                contents += _picture_of(output["id"], context)
        return contents

    return write


def _with_addresses(answer: Any, root: str) -> Any:
    if isinstance(answer, list):
        return [_with_addresses(item, root) for item in answer]
    if not isinstance(answer, dict):
        return answer
    return {key: f"{root}/{value}" if key in _PICTURES and value else value for key, value in answer.items()}


def _picture_of(work: str, context: Context) -> list[TextContent | ImageContent]:
    if not context.collection.manifest.embeds_pictures:
        return []
    try:
        path = context.thumbnails.path(work, SMALL)
    except QueryError:  # removed from the collection meanwhile
        return []
    if path is None:
        return []
    data = base64.b64encode(path.read_bytes()).decode()
    return [ImageContent(type="image", data=data, mimeType="image/webp")]
