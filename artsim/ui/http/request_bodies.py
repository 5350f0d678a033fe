"""Limits of request bodies: 256 KiB, except on the few routes that receive a file or a picture.

Gradio and Starlette hold JSON and forms in memory as a whole, whatever their length and content type, before they look
at who sent them.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UPLOAD_MB = 30
"""The largest file that is accepted."""

SMALL = 256 * 1024
"""Bytes, on every route that is not in `LARGE`. The longest in use: the form of a download with 100 works, 200 kB; a
filter with 1000 values. What the search page sends has about one kB."""

_ANY = ""
_FILE = UPLOAD_MB * 2**20
_FORM = 64 * 1024  # around a file that is sent in a form: boundaries and names
_TOOLS = ("application/json", 4 * 2**20)  # as much as the MCP library takes

LARGE: Mapping[tuple[str, str], tuple[str, int]] = {
    ("POST", "/gradio_api/upload"): ("multipart/form-data", _FILE + _FORM),  # goes to disk as it comes in
    ("PUT", "/collection/file"): (_ANY, _FILE),  # likewise, and only once it is known to be the owner's
    ("POST", "/gradio_api/mcp"): _TOOLS,  # answered with the way to the next, unread
    ("POST", "/gradio_api/mcp/"): _TOOLS,
    ("POST", "/gradio_api/mcp/http"): _TOOLS,
    ("POST", "/gradio_api/mcp/http/"): _TOOLS,
    ("POST", "/gradio_api/mcp/messages/"): _TOOLS,
}
"""Method and path, exactly as routing compares them -> content type and bytes."""


class TooLong(ClientDisconnect):
    """Raised in the reader of a body that is too long, as if the client had disconnected."""


class BodyLimit:
    """ASGI middleware that answers a body over the limit with 413. It reads at most the limit and one chunk.

    A small body is read here as a whole, so that no route does anything before it is known to be short enough. A large
    one goes on as it comes and is counted on the way: a route may ask first whose it is, and write it to disk.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        large = _large(scope, headers)
        most = SMALL if large is None else large
        if _declared(headers) > most:
            await _refusal(most)(scope, receive, send)
        elif large is None:
            await self._read_first(scope, receive, send)
        else:
            await self._count(most, scope, receive, send)

    async def _read_first(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, ended = bytearray(), False
        while not ended:
            message = await receive()
            if message["type"] != "http.request":  # the client went away
                return
            chunk = message.get("body", b"")
            if len(body) + len(chunk) > SMALL:
                await _refusal(SMALL, ends=True)(scope, receive, send)
                return
            body += chunk
            ended = not message.get("more_body", False)
        await self._app(scope, _replay(bytes(body), receive), send)

    async def _count(self, most: int, scope: Scope, receive: Receive, send: Send) -> None:
        came, answered = 0, False

        async def counted() -> Message:
            nonlocal came
            if came <= most:
                message = await receive()
                came += len(message.get("body", b""))
                if came <= most:
                    return message
            raise TooLong(_sentence(most))

        async def answer(message: Message) -> None:
            nonlocal answered
            if came <= most:  # else it is about the error above
                answered = True
                await send(message)

        try:
            await self._app(scope, counted, answer)
        except Exception:
            if came <= most:
                raise
        if came > most and not answered:
            await _refusal(most, ends=True)(scope, receive, send)


def _large(scope: Scope, headers: Headers) -> int | None:
    """The limit in bytes on the routes of `LARGE`, else None."""
    path, root = scope["path"], scope.get("root_path", "")
    if root and path.startswith(f"{root}/"):  # as routing has it, below a path of a proxy
        path = path[len(root) :]
    kind, most = LARGE.get((scope["method"], path), (None, 0))
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    return most if kind in (_ANY, given) else None


def _declared(headers: Headers) -> int:
    """The Content-Length in bytes, 0 without one. Used only to refuse early: the body is counted in any case."""
    try:
        return int(headers.get("content-length", "0"))
    except ValueError:
        return 0


def _sentence(most: int) -> str:
    return f"The request is longer than {most} bytes."


def _refusal(most: int, *, ends: bool = False) -> PlainTextResponse:
    """`ends`: the connection, too, as no one knows how long the body goes on. Of one with a length the server throws the
    rest away, so that clients that send all before they read get their answer."""
    return PlainTextResponse(_sentence(most), status_code=413, headers={"Connection": "close"} if ends else None)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return `body` once, then pass on later messages, such as the disconnect."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
