"""HTTP requests as they are answered: told to whoever watches, for metrics and logs, without who asked or what was sent."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artsim.ui.http.json_log import shared_fields

log = logging.getLogger(__name__)

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
UNKNOWN_ROUTE = "unknown"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    id: str
    """The answer has it as `X-Request-Id`, and every line of a JSON log that is written on the way."""
    method: str
    """One of `METHODS`, or "other"."""
    route: str
    """The route's template, such as `/thumbnails/{size}/{identity}`, or `UNKNOWN_ROUTE`."""
    status: int
    """0 when the client went away before there was an answer."""
    seconds: float
    streamed: bool
    """Whether the answer is an event stream, which stays open as long as the page does."""


Watcher = Callable[[Exchange], None]


class Traffic:
    """ASGI middleware: gives every request an id and tells `watchers` of it once it is answered."""

    def __init__(self, app: ASGIApp, watchers: Sequence[Watcher]) -> None:
        self._app, self._watchers = app, tuple(watchers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = uuid.uuid4().hex
        token = shared_fields.set({"request_id": identity})
        started, status, streamed = time.perf_counter(), 0, False
        app, root = scope["app"], scope.get("root_path", "")

        async def watched(message: Message) -> None:
            nonlocal status, streamed
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = dict(message.get("headers", ()))
                streamed = headers.get(b"content-type", b"").startswith(b"text/event-stream")
                message = {
                    **message,
                    "headers": [*message.get("headers", ()), (b"x-request-id", identity.encode())],
                }
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            status = status or 500  # what Starlette answers further out
            raise
        finally:
            shared_fields.reset(token)
            method = scope["method"] if scope["method"] in METHODS else "other"
            seconds = time.perf_counter() - started
            exchange = Exchange(identity, method, _route(scope, app, root), status, seconds, streamed)
            for watcher in self._watchers:
                watcher(exchange)


def _route(scope: Scope, app: Any, root: str) -> str:
    """The template of the route that answered, as routing left it in the scope; of a mounted app, where it is mounted."""
    mounted = scope.get("root_path", "")[len(root) :]
    if mounted:
        return mounted
    path = getattr(scope.get("route"), "path", None)
    if path is None and (endpoint := scope.get("endpoint")) is not None:
        path = next((route.path for route in app.routes if getattr(route, "endpoint", None) is endpoint), None)
    return path or UNKNOWN_ROUTE


def log_exchange(exchange: Exchange) -> None:
    """One line of the log, with fields of its own where the log is JSON."""
    log.info(
        "%s %s %s",
        exchange.method,
        exchange.route,
        exchange.status,
        extra={
            "fields": {
                "method": exchange.method,
                "route": exchange.route,
                "status": exchange.status,
                "milliseconds": round(1000 * exchange.seconds, 1),
                "request_id": exchange.id,
            }
        },
    )
