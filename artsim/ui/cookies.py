"""Cookies that also reach the app in a frame of another site, such as the page of a Space."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response


def is_https(request: Request) -> bool:
    """Whether the browser asked over https, here or at a proxy in front of the app."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", "").split(",")[0].strip())


def set_cookie(
    request: Request,
    response: Response,
    name: str,
    value: str,
    *,
    max_age: int,
    samesite: Literal["lax", "strict"],
) -> None:
    """Set a cookie that no script can read.

    Over https it is partitioned: sent in frames too, but for each surrounding site there is another one, so that no other
    site can use it. Over http browsers accept no such cookie; there it has `samesite`.
    """
    if not is_https(request):
        response.set_cookie(name, value, max_age=max_age, httponly=True, samesite=samesite)
        return
    response.set_cookie(name, value, max_age=max_age, httponly=True, samesite="none", secure=True)
    key, cookie = response.raw_headers.pop()  # Starlette writes `Partitioned` from Python 3.14 on
    response.raw_headers.append((key, cookie + b"; Partitioned"))
