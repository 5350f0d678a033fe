"""Status 503 with `Retry-After` for requests of programs that come when the app is busy.

Gradio answers every error of an endpoint with 500, or inside a stream of events.
"""

from __future__ import annotations

from contextvars import ContextVar

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artsim.errors import BusyError
from artsim.ui.addresses import path_in_app
from artsim.ui.seats import RETRY_AFTER, Seats

_API = ("/gradio_api/run/", "/gradio_api/call/")
_refusals: ContextVar[list[BusyError]] = ContextVar("refusals")


def tell_busy(error: BusyError) -> None:
    """Let the answer to the request that is being handled have status 503, if it has not begun."""
    refusals = _refusals.get(None)
    if refusals is not None:
        refusals.append(error)


class BusyStatus:
    """ASGI middleware. What cannot even wait for a seat is refused before its body is read."""

    def __init__(self, app: ASGIApp, seats: Seats) -> None:
        self._app, self._seats = app, seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = path_in_app(scope)
        if scope["type"] != "http" or scope["method"] != "POST" or not path.startswith(_API):
            await self._app(scope, receive, send)
            return
        if self._seats.are_full:
            await JSONResponse({"error": str(Seats.busy())}, 503, busy_headers())(scope, receive, send)
            return
        refusals: list[BusyError] = []
        _refusals.set(refusals)

        async def with_status(message: Message) -> None:
            if refusals and message["type"] == "http.response.start" and message["status"] == 500:
                message = {**message, "status": 503}
                MutableHeaders(scope=message).update(busy_headers())
            await send(message)

        await self._app(scope, receive, with_status)


def busy_headers() -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER)}
