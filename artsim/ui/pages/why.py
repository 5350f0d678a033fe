"""`/why?work=ID&match=ID`: why a work was found with another, as a page, or with `part=1` as the piece that the detail shows.

For the search with an upload that piece has no `work`: the header `X-Upload` names the file.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from artsim.analysis.explain import Explanation, explain
from artsim.snapshot.state import State
from artsim.ui.context import Context
from artsim.ui.error_text import TranslatedError
from artsim.ui.gradio_overrides.uploads import uploaded_path
from artsim.ui.labels import label_of
from artsim.ui.markup import element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.tiles import page_link, search_link, tile
from artsim.ui.pages.why_section import why_section
from artsim.ui.search_service import read_upload

_KEPT = 24  # explanations; each some 3 MB of pictures
_Known = OrderedDict[tuple[str, str], tuple[State, Explanation]]


def routes(context: Context) -> list[Route]:
    known: _Known = OrderedDict()
    one_at_a_time = threading.Lock()  # an explanation costs some 25 runs of the encoder

    def why(speaking: Context, request: Request) -> Response:
        work, match = request.query_params.get("work", ""), request.query_params.get("match", "")
        part, upload = request.query_params.get("part"), request.headers.get("X-Upload")
        pair = (work, match)
        if part and not work and upload and match:
            file = uploaded_path(unquote(upload), speaking.strings("notice.url"))
            with one_at_a_time:
                explanation = explain(speaking.collection, match, image=read_upload(file, speaking.strings))
        elif all(pair):
            with one_at_a_time:
                explanation = _explained(speaking, pair, known)
        else:
            raise TranslatedError(speaking.strings("why.nothing"))
        if part:
            names = _names(speaking, pair) if request.query_params.get("named") and work else None
            section = why_section(speaking, explanation, names=names)
            return HTMLResponse(str(section), headers={"Cache-Control": "no-store"})
        return _page(speaking, pair, explanation)

    return [Route("/why", view(context, "why", why))]


def _explained(context: Context, pair: tuple[str, str], known: _Known) -> Explanation:
    """The explanation, made once for the collection as it is."""
    state = context.collection.state
    kept = known.get(pair)
    if kept is None or kept[0] is not state:
        known[pair] = (state, explain(context.collection, pair[1], work=pair[0]))
        while len(known) > _KEPT:
            known.popitem(last=False)
    known.move_to_end(pair)
    return known[pair][1]


def _names(context: Context, pair: tuple[str, str]) -> tuple[str, str]:
    """What two works are called, where neither was searched with."""
    labels = [label_of(context.collection.work(identity)) for identity in pair]
    first, second = (
        context.strings("picture.alt" if label.by else "picture.alt.plain", title=label.title, by=label.by)
        for label in labels
    )
    return first, second


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
        why_section(context, explanation, names=_names(context, pair)),
        element("p", element("a", strings("why.compare"), href=page_link("compare", a=pair[0], b=pair[1]))),
        title=title,
        styles=("why.css",),
    )
