"""Middleware that closes Gradio's routes that fetch an address for whoever asks.

Gradio: tried with 6.31.0.
Reason: `/gradio_api/file=ADDRESS` and `/gradio_api/file/ADDRESS` stream any public address through this server
    (gradio-app/gradio#13593, #13596); `/gradio_api/proxy=ADDRESS` does so for Spaces that were loaded with `gr.load`. artsim
    needs none of them.
Remove when: Gradio has a setting that turns these routes off.
"""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_FETCHING = ("/gradio_api/file=http", "/gradio_api/file/http", "/gradio_api/proxy=")


class NoFetching:
    """ASGI middleware that answers those routes with 403."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _asks_to_fetch(scope["path"]):
            response = PlainTextResponse("This app does not fetch addresses.", status_code=403)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _asks_to_fetch(path: str) -> bool:
    return any(part in path.lower() for part in _FETCHING)
