"""`/path?from=ID&to=ID&steps=N`: works that lead from one work to another. Missing ends are drawn at random."""

from __future__ import annotations

import random

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from artsim.errors import QueryError
from artsim.messages.message import Translated
from artsim.ui.addresses import page_address
from artsim.ui.context import Context
from artsim.ui.labels import label_of
from artsim.ui.pages.layout import page, view

_LENGTHS = (5, 8, 12, 16)
_DEFAULT_LENGTH = 8


def routes(context: Context) -> list[Route]:
    return [Route("/path", view(context, "path", _render, seated=True))]


def _render(context: Context, request: Request) -> Response:
    """The path; if an end is missing, a redirect to a random one, so that the address can be kept."""
    strings, collection, parameters = context.strings, context.collection, request.query_params
    start, end = parameters.get("from", ""), parameters.get("to", "")
    length = next((length for length in _LENGTHS if parameters.get("steps") == str(length)), _DEFAULT_LENGTH)
    if not (start and end):
        start, end = _completed(context, start, end)
        address = page_address("path", from_=start, to=end, steps=length)
        return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})
    steps = collection.path(start, end, steps=length)
    return page(
        context,
        "path",
        title=strings("path.of", start=label_of(steps[0].work).title, end=label_of(steps[-1].work).title),
        styles=("path.css",),
        scripts=("path.js",),
        facts={"words": strings.starting_with("path.js.")},
        pictured=steps[0].work,
        steps=steps,
        length=length,
        lengths=_LENGTHS,
    )


def _completed(context: Context, start: str, end: str) -> tuple[str, str]:
    """Both ends, drawn at random where they are missing."""
    ends = [identity for identity in (start, end) if identity]
    for identity in ends:
        context.collection.work(identity)  # raises `QueryError` if there is none
    candidates = [identity for identity in context.collection.ids if identity not in ends]
    if len(candidates) + len(ends) < 2:
        raise QueryError(Translated(context.strings("path.too-few")))
    drawn = random.sample(candidates, 2 - len(ends))
    return start or drawn.pop(), end or drawn.pop()
