"""`/why?work=ID&match=ID`: why a work was found with another, as a page, or with `part=1` as the piece that the detail shows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from artsim.contents import Contents
from artsim.errors import QueryError
from artsim.explain import Explanation, explain
from artsim.ui.context import Context
from artsim.ui.labels import label_of
from artsim.ui.markup import element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.tiles import page_link, search_link, tile
from artsim.ui.why import why_section

_KEPT = 24  # explanations; each some 3 MB of pictures
_Known = OrderedDict[tuple[str, str], tuple[Contents, Explanation]]


def routes(context: Context) -> list[Route]:
    known: _Known = OrderedDict()
    one_at_a_time = threading.Lock()  # an explanation costs some 25 runs of the encoder

    def why(speaking: Context, request: Request) -> Response:
        pair = (request.query_params.get("work", ""), request.query_params.get("match", ""))
        if not all(pair):
            raise QueryError(speaking.strings("why.nothing"))
        with one_at_a_time:
            explanation = _explained(speaking, pair, known)
        if request.query_params.get("part"):
            return HTMLResponse(str(why_section(speaking, explanation)), headers={"Cache-Control": "no-store"})
        return _page(speaking, pair, explanation)

    return [Route("/why", view(context, "why", why))]


def _explained(context: Context, pair: tuple[str, str], known: _Known) -> Explanation:
    """The explanation, made once for the collection as it is."""
    contents = context.collection.contents
    kept = known.get(pair)
    if kept is None or kept[0] is not contents:
        known[pair] = (contents, explain(context.collection, pair[1], work=pair[0]))
        while len(known) > _KEPT:
            known.popitem(last=False)
    known.move_to_end(pair)
    return known[pair][1]


def _page(context: Context, pair: tuple[str, str], explanation: Explanation) -> Response:
    strings = context.strings
    works: list[dict[str, Any]] = [context.collection.work(identity) for identity in pair]
    title = strings("why.of", match=label_of(works[1]).title, work=label_of(works[0]).title)
    return document(
        context,
        "why",
        element("h1", title),
        element("p", strings("why.lead"), class_="lead"),
        element("ul", *(tile(work, strings, href=search_link(strings, work)) for work in works), class_="grid pair"),
        why_section(context, explanation),
        element("p", element("a", strings("why.compare"), href=page_link("compare", a=pair[0], b=pair[1]))),
        title=title,
        styles=("why.css",),
    )
