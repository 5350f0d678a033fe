"""The names under which the app is reached, where it listens on this machine alone.

Else a web page anywhere reads the app through its visitor's browser: it gives its own host name the address of this machine
(DNS rebinding), and the browser then takes the app for a part of that site.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from artsim.ui.auth import host_name, is_loopback

_REFUSAL = "This app is open on its own machine only, under names such as 127.0.0.1. ARTSIM_HOSTS allows other names."


class HostCheck:
    """ASGI middleware that refuses requests to other names than `names` and those of this machine."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            name = host_name(f"//{Headers(scope=scope).get('host', '')}")
            if not is_loopback(name) and name not in self._names:
                await PlainTextResponse(_REFUSAL, status_code=421)(scope, receive, send)
                return
        await self._app(scope, receive, send)
