"""Headers of every answer that tell browsers what a page may do, and who may have it in a frame.

Pages of artsim bring a content policy of their own (`pages/layout.py`); those of Gradio need inline scripts and `eval`.
What is no page runs no script at all, whatever it is opened as.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artsim.ui.addresses import path_in_app

OWNERS_PAGES = "/collection"
"""The path of the owner's pages, and the beginning of the paths below it. No site may have them in a frame: its visitor could
be made to click there what the site has covered."""

_NO_PAGE = (
    "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_GRADIOS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob: https:; media-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:{connect}; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'"
)


class ResponseHeaders:
    """ASGI middleware that adds them. `framed_by`: sites that may have visitors' pages in a frame, beside the app itself.
    `asked`: image servers that the pages may ask."""

    def __init__(self, app: ASGIApp, framed_by: Iterable[str] = (), asked: Iterable[str] = ()) -> None:
        self._app = app
        self._ancestors = " ".join(("'self'", *sorted(framed_by)))
        self._gradios = _GRADIOS.format(connect="".join(f" https://{host}" for host in sorted(asked)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = path_in_app(scope)
        is_owners = path == OWNERS_PAGES or path.startswith(f"{OWNERS_PAGES}/")

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_page = headers.get("content-type", "").startswith("text/html")
                protect(headers, self._gradios if is_page else _NO_PAGE, "'none'" if is_owners else self._ancestors)
            await send(message)

        await self._app(scope, receive, protected)


def protect(headers: MutableHeaders, policy: str = _NO_PAGE, ancestors: str = "'none'") -> None:
    """Add the headers to those of an answer. `policy` holds unless the answer has one."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    policy = headers.get("content-security-policy", policy)
    headers["Content-Security-Policy"] = f"{policy}; frame-ancestors {ancestors}"
