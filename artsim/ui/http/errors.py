"""What a browser sees of an address that leads nowhere, and of an exception: pages; programs get short answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from artsim.errors import QueryError
from artsim.ui.context import Context
from artsim.ui.http.response_headers import protect
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
        """Starlette sends this answer past all middleware."""
        if _wants_page(request):
            answer: Response = await run_in_threadpool(broken_page, localized(request))
        else:
            answer = PlainTextResponse("Internal Server Error", status_code=500)
        protect(answer.headers)
        return answer

    return {400: _refused, 404: missing, RequestValidationError: _malformed, Exception: broken}


async def _malformed(request: Request, error: RequestValidationError) -> Response:
    """One sentence about the first fault. It repeats no value: FastAPI's own answer does, and breaks on those like NaN."""
    fault = error.errors()[0]
    place = ".".join(str(name) for name in fault["loc"] if isinstance(name, str) and name != "body")
    return _sentence(f"The request is malformed{f' at {place}' if place else ''}: {fault['msg']}", 422)


async def _refused(request: Request, error: HTTPException) -> Response:
    return _sentence(error.detail, error.status_code)


def _sentence(text: str, status: int) -> Response:
    return JSONResponse({"error": f"{text.rstrip('.')}.", "code": QueryError.code}, status)


def _wants_page(request: Request) -> bool:
    """Whether a browser asks for a page; scripts and programs do not accept HTML."""
    return "text/html" in request.headers.get("accept", "")
