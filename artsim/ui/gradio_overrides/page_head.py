"""Middleware that writes the head of the search page: language, icon, stylesheets, and what it is given for each request.

Gradio: tried with 6.31.0.
Reason: Gradio adds what it is given as `head` or `css` with a script, after the first of its components are drawn: the page
    would be seen without its style first, and then jump (related: gradio-app/gradio#6426). Its `og:` and `twitter:` elements
    are its own, the same for every address, and its page is in English.
Remove when: Gradio writes `head` into the HTML that it sends, by request, in place of its own elements.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from markupsafe import Markup
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artsim.messages.strings import DEFAULT_LANGUAGE, languages
from artsim.ui.addresses import path_in_app
from artsim.ui.assets import asset_address

STYLES = ("style.css", "frame.css", "why.css", "echoes.css")
_END = b"</head>"
_SCRIPTS = b"<script"
_GRADIOS = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')


class PageHead:
    """ASGI middleware that writes links to the icon and `styles`, and `content(request, language)`, into the head of the page."""

    def __init__(self, app: ASGIApp, styles: Sequence[str], content: Callable[[Request, str], Markup]) -> None:
        link = Markup('<link rel="stylesheet" href="{}">')
        icon = Markup('<link rel="icon" href="{}" type="image/svg+xml">').format(asset_address("icon.svg"))
        links = icon + Markup("").join(link.format(asset_address(name)) for name in styles)
        self._app, self._links, self._content = app, links, content
        self._pages = {"", *languages()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = path_in_app(scope).strip("/")
        if scope["type"] != "http" or scope["method"] != "GET" or name not in self._pages:
            await self._app(scope, receive, send)
            return
        language = name or DEFAULT_LANGUAGE

        async def with_head(message: Message) -> None:
            if message["type"] == "http.response.start":  # the server works out how long it is
                headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"content-length"]
                message = {**message, "headers": headers}
            elif _END in message.get("body", b""):
                ours = f"{self._content(Request(scope), language)}{self._links}".encode()
                message = {**message, "body": _written(message["body"], ours, language)}
            await send(message)

        await self._app(scope, receive, with_head)


def _written(page: bytes, ours: bytes, language: str) -> bytes:
    """The page with our elements in place of Gradio's."""
    head, scripts, rest = page.partition(_SCRIPTS)
    head = _GRADIOS.sub(b"", head).replace(b'lang="en"', f'lang="{language}"'.encode(), 1)
    return head + ours + scripts + rest
