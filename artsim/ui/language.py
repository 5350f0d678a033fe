"""Which language a visitor reads: what the address says, then what they chose before, then what the browser asks for."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from artsim.messages.strings import DEFAULT_LANGUAGE, languages

COOKIE = "artsim-language"
_YEAR = 31_536_000  # seconds


def language_of(request: Request) -> str:
    """The code of one of `languages()`."""
    asked = (request.query_params.get("lang"), request.cookies.get(COOKIE), *_accepted(request))
    return next((code for code in asked if code in languages()), DEFAULT_LANGUAGE)


def remember_language(request: Request, response: Response) -> Response:
    """Keep what the address asked for, if it did, for the pages that follow."""
    if request.query_params.get("lang") in languages():
        response.set_cookie(COOKIE, request.query_params["lang"], max_age=_YEAR, samesite="lax", httponly=True)
    return response


def search_address(language: str) -> str:
    """The search in a language, relative to any other page."""
    return "./" if language == DEFAULT_LANGUAGE else f"./{language}"


def _accepted(request: Request) -> list[str]:
    """Codes from `Accept-Language`, the most wanted first; regions are left out (`de-AT` -> `de`)."""
    wanted = []
    for position, item in enumerate(request.headers.get("accept-language", "")[:500].split(",")):
        code, _, quality = item.partition(";q=")
        try:
            wanted.append((-float(quality or 1), position, code.strip().split("-")[0].lower()))
        except ValueError:
            continue
    return [code for *_, code in sorted(wanted)]


class LanguageRedirect:
    """Sends who opens the search (`/`) to it in their own language; the rest of the address goes along."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/":
            request = Request(scope)
            language = language_of(request)
            if language != DEFAULT_LANGUAGE or "lang" in request.query_params:
                more = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
                address = search_address(language) + (f"?{urlencode(more)}" if more else "")
                response = RedirectResponse(address, status_code=302, headers={"Vary": "Accept-Language, Cookie"})
                await remember_language(request, response)(scope, receive, send)
                return
        await self._app(scope, receive, send)
