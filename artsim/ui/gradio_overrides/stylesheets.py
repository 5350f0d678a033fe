"""Middleware that puts the stylesheets of the search into the head of its page.

Gradio: tried with 6.31.0.
Reason: Gradio adds what it is given as `head` or `css` with a script, after the first of its components are drawn: the page
    would be seen without its style first, and then jump (related: gradio-app/gradio#6426).
Remove when: Gradio writes `head` into the HTML that it sends.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artsim.messages.strings import languages
from artsim.ui.assets import asset_address

STYLES = ("style.css", "frame.css", "why.css")
_END = b"</head>"


class Styled:
    """ASGI middleware that puts links to `styles` into the head of the search, in every language."""

    def __init__(self, app: ASGIApp, styles: Sequence[str]) -> None:
        link = Markup('<link rel="stylesheet" href="{}">')
        links = Markup("").join(link.format(asset_address(name)) for name in styles)
        self._app, self._links = app, links.encode()
        self._pages = {"", *languages()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].strip("/") not in self._pages:
            await self._app(scope, receive, send)
            return

        async def styled(message: Message) -> None:
            if message["type"] == "http.response.start":  # the server works out how long it is
                headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"content-length"]
                message = {**message, "headers": headers}
            elif _END in message.get("body", b""):
                message = {**message, "body": message["body"].replace(_END, self._links + _END, 1)}
            await send(message)

        await self._app(scope, receive, styled)
