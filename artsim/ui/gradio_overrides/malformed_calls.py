"""Middleware that answers a call which Gradio cannot read with one sentence.

Gradio: tried with 6.31.0.
Reason: a call of an unknown endpoint or event, with unknown or missing parameters, ends as "Internal Server Error" with a
    traceback in the log, as if the app were broken. No issue known.
Remove when: Gradio answers such calls with a message, as it does for other faults of a caller.
"""

from __future__ import annotations

import logging

from gradio.route_utils import FnIndexInferError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

_FAULTS = (FnIndexInferError, LookupError, TypeError, ValueError, AttributeError, AssertionError, RuntimeError)
"""What Gradio's routes raise for a call that does not fit. What an endpoint itself raises they catch."""
_CALLS = {"POST": ("/gradio_api/",), "GET": ("/gradio_api/call/", "/gradio_api/queue/data")}
"""Method -> parts of the paths of calls, and of their answers."""
_SENTENCE = "There is no such endpoint, or its parameters have other names; gradio_api/info describes them."


class MalformedCalls:
    """ASGI middleware that answers those calls with 400."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        calls = _CALLS.get(scope["method"], ()) if scope["type"] == "http" else ()
        if not any(part in scope["path"] for part in calls):
            await self._app(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except _FAULTS as error:
            if begun and not isinstance(error.__cause__, HTTPException):
                raise
            log.info("A call is refused as malformed (%s).", type(error).__name__)
            if begun:  # a stream of events: its last one says what is wrong
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await JSONResponse({"error": _SENTENCE, "code": "query"}, 400)(scope, receive, send)
