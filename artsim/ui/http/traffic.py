"""Middleware that reports every HTTP exchange to watchers, for metrics and logs, without client identity or content."""

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
    """One request and its response."""

    id: str
    """In the response as `X-Request-Id`, and in every JSON log line that is written while the request is handled."""
    method: str
    """One of `METHODS`, or "other"."""
    route: str
    """The route's template, such as `/thumbnails/{size}/{identity}`, or `UNKNOWN_ROUTE`."""
    status: int
    """0 if the client disconnected before the response."""
    seconds: float
    streamed: bool
    """Whether the response is an event stream, which stays open as long as the page does."""


Watcher = Callable[[Exchange], None]


class Traffic:
    """ASGI middleware: assigns an id to every request and calls `watchers` once it is answered."""

    def __init__(self, app: ASGIApp, watchers: Sequence[Watcher]) -> None:
        self._app, self._watchers = app, tuple(watchers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        token = shared_fields.set({"request_id": request_id})
        started, status, streamed = time.perf_counter(), 0, False
        app, root = scope["app"], scope.get("root_path", "")

        async def record_and_send(message: Message) -> None:
            nonlocal status, streamed
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = dict(message.get("headers", ()))
                streamed = headers.get(b"content-type", b"").startswith(b"text/event-stream")
                message = {
                    **message,
                    "headers": [*message.get("headers", ()), (b"x-request-id", request_id.encode())],
                }
            await send(message)

        try:
            await self._app(scope, receive, record_and_send)
        except Exception:
            status = status or 500  # the response of Starlette's outer middleware
            raise
        finally:
            shared_fields.reset(token)
            method = scope["method"] if scope["method"] in METHODS else "other"
            seconds = time.perf_counter() - started
            exchange = Exchange(request_id, method, _route(scope, app, root), status, seconds, streamed)
            for watcher in self._watchers:
                watcher(exchange)


def _route(scope: Scope, app: Any, root: str) -> str:
    """Template of the route that handled the request, from the scope; for a mounted app, its mount path."""
    mount_path = scope.get("root_path", "")[len(root) :]
    if mount_path:
        return mount_path
    path = getattr(scope.get("route"), "path", None)
    if path is None and (endpoint := scope.get("endpoint")) is not None:
        path = next((route.path for route in app.routes if getattr(route, "endpoint", None) is endpoint), None)
    return path or UNKNOWN_ROUTE


def log_exchange(exchange: Exchange) -> None:
    """Log the exchange in one line; a JSON log has its values as fields."""
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
