"""Language of a visitor: from the address, then from the cookie of an earlier choice, then from `Accept-Language`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from artsim.messages.strings import DEFAULT_LANGUAGE, languages
from artsim.ui.cookies import set_cookie

COOKIE = "artsim-language"
_YEAR = 31_536_000  # seconds


def language_of(request: Request) -> str:
    """Language code of the request: one of `languages()`."""
    candidates = (request.query_params.get("lang"), request.cookies.get(COOKIE), *_accepted(request))
    return next((code for code in candidates if code in languages()), DEFAULT_LANGUAGE)


def remember_language(request: Request, response: Response) -> Response:
    """Store the language of the address, if it has one, in a cookie for the following pages."""
    if request.query_params.get("lang") in languages():
        set_cookie(request, response, COOKIE, request.query_params["lang"], max_age=_YEAR, samesite="lax")
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
