"""Middleware that compresses the search page.

Gradio: tried with 6.31.0.
Reason: Gradio compresses what has an extension in its address, such as scripts. Its pages have none: 370 kB for the search, where
    50 do.
Remove when: Gradio compresses its pages, too.
"""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from artsim.messages.strings import languages
from artsim.ui.addresses import path_in_app

_LEVEL = 5  # of zlib: 6 ms for the search; the highest takes three times as long for a twentieth less


class CompressedPages:
    """ASGI middleware. It leaves all other pages alone: those of the owner hold keys, which compression would give away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._compressed = app, GZipMiddleware(app, compresslevel=_LEVEL)
        self._pages = {"", *languages()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"] == "GET" and path_in_app(scope).strip("/") in self._pages
        await (self._compressed if asked else self._app)(scope, receive, send)
