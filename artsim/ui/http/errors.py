"""What a browser sees of an address that leads nowhere, and of an exception: pages; programs get short answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from artsim.ui.context import Context
from artsim.ui.language import language_of
from artsim.ui.pages.layout import broken_page, missing_page

Handler = Callable[[Request, Any], Awaitable[Response]]


def error_handlers(context: Context) -> dict[int | type[Exception], Handler]:
    """The exception handlers of the app, as FastAPI takes them."""

    def localized(request: Request) -> Context:
        return context.for_visitor(language_of(request), request)

    async def missing(request: Request, error: HTTPException) -> Response:
        if not _wants_page(request):
            return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
        return await run_in_threadpool(missing_page, localized(request))

    async def broken(request: Request, error: Exception) -> Response:
        if not _wants_page(request):
            return PlainTextResponse("Internal Server Error", status_code=500)
        return await run_in_threadpool(broken_page, localized(request))

    return {404: missing, Exception: broken}


def _wants_page(request: Request) -> bool:
    """Whether a browser asks for a page; scripts and programs do not accept HTML."""
    return "text/html" in request.headers.get("accept", "")
