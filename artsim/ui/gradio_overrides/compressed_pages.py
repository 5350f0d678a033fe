"""Middleware that compresses the search page.

Gradio: tried with 6.31.0.
Reason: Gradio compresses what has an extension in its address, such as scripts. Its pages have none: 370 kB for the search, where
    50 do.
Remove when: Gradio compresses its pages, too.
"""

from __future__ import annotations

import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artsim.messages.strings import languages
from artsim.ui.addresses import path_in_app

_LEVEL = 5  # of zlib: 6 ms for the search; the highest takes three times as long for a twentieth less
_GZIP = 31  # zlib's window, in gzip's format


class CompressedPages:
    """ASGI middleware. It leaves all other pages alone: those of the owner hold keys, which compression would give away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._pages = {"", *languages()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"] == "GET" and path_in_app(scope).strip("/") in self._pages
        if not asked or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self._app(scope, receive, send)
            return
        packer: zlib._Compress | None = None

        async def compressed(message: Message) -> None:
            nonlocal packer
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                if headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers:
                    packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
                    headers["content-encoding"] = "gzip"
                    headers.add_vary_header("Accept-Encoding")
                    del headers["content-length"]
                    message = {**message, "headers": headers.raw}
            elif packer is not None:
                body = packer.compress(message.get("body", b""))
                if not message.get("more_body", False):
                    body += packer.flush()
                message = {**message, "body": body}
            await send(message)

        await self._app(scope, receive, compressed)
