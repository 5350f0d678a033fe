"""What no caller may make the server do: fetch an address, or hold a body of any size in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artsim.ui.sessions import LeanBlocks

_MULTIPART = b"multipart/form-data"  # uploads: Gradio writes them to disk and has a limit of its own


class GuardedBlocks(LeanBlocks):
    """Blocks that never fetch: an address in place of an upload is refused, whichever input it is sent to.

    Gradio looks for files in the value of every input, those of numbers and texts too, and downloads addresses there.
    All calls come through here: queued, direct, and those of MCP tools.
    """

    def __init__(self, *, refusal: str, **more: Any) -> None:
        super().__init__(**more)
        self._refusal = refusal

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *more: Any, **options: Any) -> list[Any]:
        if any("://" in path for path in _paths_in(inputs)):
            raise gr.Error(self._refusal, print_exception=False)
        return await super().preprocess_data(block_fn, inputs, *more, **options)


def _paths_in(value: Any) -> Iterator[str]:
    """The paths of what Gradio takes for files in a JSON value, at any depth."""
    if isinstance(value, dict):
        meta, path = value.get("meta"), value.get("path")
        if isinstance(path, str) and isinstance(meta, dict) and meta.get("_type") == "gradio.FileData":
            yield path
        for item in value.values():
            yield from _paths_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths_in(item)


class BodyLimit:
    """ASGI middleware: a call of Gradio's API longer than `most` bytes is answered with 413 before anything reads it."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_call(scope):
            await self._app(scope, receive, send)
            return
        body, ended = b"", False
        while not ended and len(body) <= self._most:
            message = await receive()
            if message["type"] != "http.request":  # the client went away
                return
            body += message.get("body", b"")
            ended = not message.get("more_body", False)
        if len(body) > self._most:
            refusal = PlainTextResponse(f"The request is longer than {self._most} bytes.", status_code=413)
            await refusal(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


def _is_call(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST" or "/gradio_api/" not in scope["path"]:
        return False
    return not dict(scope["headers"]).get(b"content-type", b"").startswith(_MULTIPART)


def _replay(body: bytes, receive: Receive) -> Receive:
    """`body` once, then what else comes, such as the end of the connection."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
