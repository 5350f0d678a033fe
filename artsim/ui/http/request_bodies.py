"""Request bodies: which routes take one, of what type and length, and how slowly it may arrive.

Gradio and Starlette hold JSON and forms in memory as a whole, whatever their length and content type, before they look
at who sent them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artsim.ui.addresses import path_in_app
from artsim.ui.http.arrivals import Arrival, Arrivals, GivenUp
from artsim.ui.kept_uploads import visitor

UPLOAD_MB = 30
"""The largest file that is accepted."""

SMALL = 256 * 1024
"""Bytes. The longest in use: the form of a download with 100 works, 200 kB; a filter with 1000 values. What the search page
sends has about one kB."""

IN_MEMORY = 64 * 2**20
"""Bytes of all bodies that are held in memory at the same time."""
ON_DISK = 512 * 2**20
"""Bytes of all files on their way to the disk at the same time."""

_FILE = UPLOAD_MB * 2**20
_FORM = 64 * 1024  # around a file that is sent in a form: boundaries and names
_TOOLS = 4 * 2**20  # as much as the MCP library takes
_JSON, _FIELDS, _FILES = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"


@dataclass(frozen=True)
class Body:
    """The body of the requests that match `method` and `path`, a pattern for a whole path as routing compares it."""

    method: str
    path: str
    kind: str | None
    """Its content type; None for any."""
    most: int
    """Bytes."""


BODIES: Sequence[Body] = (
    Body("POST", "/gradio_api/upload", _FILES, _FILE + _FORM),  # goes to disk as it comes in
    Body("PUT", "/collection/file", None, _FILE),  # likewise, and only once it is known to be the owner's
    Body("POST", "/gradio_api/mcp", _JSON, _TOOLS),  # answered with the way to the next, unread
    Body("POST", "/gradio_api/mcp/(http/?|messages/)?", _JSON, _TOOLS),
    Body("POST", "/gradio_api/.+", _JSON, SMALL),
    Body("POST", "/collection/log(in|out)", _FIELDS, SMALL),
    Body("POST", "/collection/[a-z]+", _JSON, SMALL),
    Body("POST", "/download[.][a-z]+", _FIELDS, SMALL),
)
"""The first that matches holds. Other requests have no body."""
_NONE = Body("", "", None, 0)


class TooLong(ClientDisconnect):
    """Raised in the reader of a body that is refused on the way, as if the client had disconnected."""


class BodyLimit:
    """ASGI middleware that refuses bodies that no route takes, and those over their limits. It reads at most the limit and
    one chunk.

    A small body is read here as a whole, so that no route does anything before it is known to be short enough. A large
    one goes on as it comes and is counted on the way: a route may ask first whose it is, and write it to disk.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._in_memory, self._on_disk = Arrivals(IN_MEMORY), Arrivals(ON_DISK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, declared = Headers(scope=scope), _declared(scope)
        if (refused := _refused(headers, declared)) is not None:
            await refused(scope, receive, send)
            return
        address = (scope.get("client") or ("",))[0]
        visitor.set(address)
        arrivals = self._on_disk if declared.kind in (_FILES, None) else self._in_memory
        arrival = arrivals.begin(address)
        try:
            read = self._read_first if declared.most <= SMALL else self._count
            await read(arrival, declared.most, scope, receive, send)
        finally:
            arrival.end()

    async def _read_first(self, arrival: Arrival, most: int, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        while not arrival.whole:
            try:
                message = await arrival.receive(receive)
            except GivenUp as error:
                await _given_up(error)(scope, receive, send)
                return
            if message["type"] != "http.request":  # the client went away
                return
            body += message.get("body", b"")
            if len(body) > most:
                await _too_long(most, ends=True)(scope, receive, send)
                return
        if not body:  # as of most requests, of which some, like streams of events, last for hours
            arrival.end()
        await self._app(scope, _replay(bytes(body), receive), send)

    async def _count(self, arrival: Arrival, most: int, scope: Scope, receive: Receive, send: Send) -> None:
        refusal: Response | None = None
        answered = False

        async def counted() -> Message:
            nonlocal refusal
            if refusal is None:
                try:
                    message = await arrival.receive(receive)
                except GivenUp as error:
                    refusal = _given_up(error)
                else:
                    if arrival.size <= most:
                        return message
                    refusal = _too_long(most, ends=True)
            raise TooLong

        async def answer(message: Message) -> None:
            nonlocal answered
            if refusal is None:  # else it is about the error above
                answered = True
                await send(message)

        try:
            await self._app(scope, counted, answer)
        except Exception:
            if refusal is None:
                raise
        if refusal is not None and not answered:
            await refusal(scope, receive, send)


def _declared(scope: Scope) -> Body:
    """The body that the route of a request takes."""
    path = path_in_app(scope)
    matching = (body for body in BODIES if body.method == scope["method"] and re.fullmatch(body.path, path))
    return next(matching, _NONE)


def _refused(headers: Headers, declared: Body) -> Response | None:
    """The answer to a request whose headers say that its body is not one that the route takes."""
    length = _length(headers)
    if length > declared.most:
        return _too_long(declared.most)
    if not length and "transfer-encoding" not in headers:
        return None
    if headers.get("content-encoding", "identity").lower() != "identity":
        return PlainTextResponse("The body of a request must not be compressed.", status_code=415)
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared.most and declared.kind not in (None, given):
        return PlainTextResponse(f"The body of this request must be {declared.kind}.", status_code=415)
    return None


def _length(headers: Headers) -> int:
    """The Content-Length in bytes, 0 without one. Used only to refuse early: the body is counted in any case."""
    try:
        return int(headers.get("content-length", "0"))
    except ValueError:
        return 0


def _too_long(most: int, *, ends: bool = False) -> Response:
    """`ends`: the connection, too, as no one knows how long the body goes on. Of one with a length the server throws the
    rest away, so that clients that send all before they read get their answer."""
    sentence = f"The request is longer than {most} bytes."
    return PlainTextResponse(sentence, status_code=413, headers={"Connection": "close"} if ends else None)


def _given_up(error: GivenUp) -> Response:
    headers = {"Connection": "close", **({"Retry-After": "10"} if error.status == 503 else {})}
    return PlainTextResponse(str(error), status_code=error.status, headers=headers)


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
