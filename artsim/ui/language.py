"""Language of a visitor: from the address, then from the cookie of an earlier choice, then from `Accept-Language`."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from artsim.messages.strings import DEFAULT_LANGUAGE, languages
from artsim.ui.addresses import search_address

COOKIE = "artsim-language"
_YEAR = 31_536_000  # seconds


def language_of(request: Request) -> str:
    """Language code of the request: one of `languages()`."""
    candidates = (request.query_params.get("lang"), request.cookies.get(COOKIE), *_accepted(request))
    return next((code for code in candidates if code in languages()), DEFAULT_LANGUAGE)


def remember_language(request: Request, response: Response) -> Response:
    """Store the language of the address, if it has one, in a cookie for the following pages."""
    if request.query_params.get("lang") in languages():
        response.set_cookie(COOKIE, request.query_params["lang"], max_age=_YEAR, samesite="lax", httponly=True)
    return response


def _accepted(request: Request) -> list[str]:
    """Codes from `Accept-Language`, most preferred first, without regions (`de-AT` -> `de`)."""
    ranked = []
    for position, item in enumerate(request.headers.get("accept-language", "")[:500].split(",")):
        code, _, quality = item.partition(";q=")
        try:
            ranked.append((-float(quality or 1), position, code.strip().split("-")[0].lower()))
        except ValueError:
            continue
    return [code for *_, code in sorted(ranked)]


class LanguageRedirect:
    """ASGI middleware: redirects `/` to the search page in the visitor's language, with the other query parameters."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/":
            request = Request(scope)
            language = language_of(request)
            if language != DEFAULT_LANGUAGE or "lang" in request.query_params:
                parameters = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
                address = search_address(language) + (f"?{urlencode(parameters)}" if parameters else "")
                response = RedirectResponse(address, status_code=302, headers={"Vary": "Accept-Language, Cookie"})
                await remember_language(request, response)(scope, receive, send)
                return
        await self._app(scope, receive, send)
