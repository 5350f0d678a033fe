"""Where `/` leads: to the page that the query names, or to the search in the visitor's language."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artsim.messages.strings import DEFAULT_LANGUAGE
from artsim.ui.addresses import page_address, path_in_app, search_address
from artsim.ui.language import language_of, remember_language
from artsim.ui.pages.registry import page_names


class EntryRedirect:
    """ASGI middleware: leads from `/` to the page that the query names as `show`, or to the search in the visitor's language.

    A page around a frame, such as that of a Space, passes on a query and no path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or path_in_app(scope).strip("/"):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        language, shown = language_of(request), request.query_params.get("show")
        if shown in page_names():
            address, dropped = page_address(shown), {"show"}
        elif language != DEFAULT_LANGUAGE:
            address, dropped = search_address(language), {"lang", "show"}
        else:  # with `lang=en` as well, which stays in the address: without a cookie nothing else would remember it
            await self._app(scope, receive, _with_cookies(remember_language(request, Response()), send))
            return
        kept = [(key, value) for key, value in request.query_params.multi_items() if key not in dropped]
        address += f"?{urlencode(kept)}" if kept else ""
        response = RedirectResponse(address, status_code=302, headers={"Vary": "Accept-Language, Cookie"})
        await remember_language(request, response)(scope, receive, send)


def _with_cookies(cookies: Response, send: Send) -> Send:
    """`send` that adds the cookies of another response to the one that passes."""
    headers = [pair for pair in cookies.raw_headers if pair[0] == b"set-cookie"]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return sending
