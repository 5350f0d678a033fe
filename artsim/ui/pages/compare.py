"""`/compare?a=ID&b=ID`: two works side by side, zoomed together, with their scores and shared metadata."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from artsim.analysis.explain import shared_metadata
from artsim.errors import QueryError
from artsim.messages.message import Translated
from artsim.messages.strings import Strings
from artsim.search.query import Part, Query
from artsim.ui.addresses import page_address
from artsim.ui.context import Context
from artsim.ui.labels import aspect_word, label_of, metadata_of, word_of
from artsim.ui.pages.layout import page, view


def routes(context: Context) -> list[Route]:
    return [Route("/compare", view(context, "compare", _render, seated=True))]


def _render(context: Context, request: Request) -> Response:
    strings = context.strings
    ids = [request.query_params.get(side, "") for side in ("a", "b")]
    if not all(ids):
        a, b = _completed(context, *ids)
        return RedirectResponse(page_address("compare", a=a, b=b), 303, {"Cache-Control": "no-store"})
    first, second = (context.collection.work(identity) for identity in ids)
    if ids[0] == ids[1]:
        raise QueryError(Translated(strings("compare.same")))
    has_pictures = context.collection.manifest.embeds_pictures
    return page(
        context,
        "compare",
        title=strings("compare.of", a=label_of(first).title, b=label_of(second).title),
        styles=("compare.css", "why.css"),
        scripts=("compare.js",) if has_pictures else (),
        facts={"words": strings.starting_with("compare.js.")},
        pictured=first,
        a=first,
        b=second,
        has_pictures=has_pictures,
        likeness=_likeness(context, *ids),
        metadata=_metadata(context, first, second),
    )


def _completed(context: Context, a: str, b: str) -> tuple[str, str]:
    """Both ids if one or both are missing: a random work, and the work most like it."""
    if len(context.collection) < 2:
        raise QueryError(Translated(context.strings("compare.too-few")))
    work = a or b or random.choice(context.collection.ids)
    nearest = context.collection.search(work=work, k=1)[0].id
    return (nearest, work) if b and not a else (work, nearest)


def _likeness(context: Context, a: str, b: str) -> list[tuple[str, float, str]]:
    """Overall at balanced weights, then each aspect: its name, how long its bar is, in percent, and its word."""
    strings, space = context.strings, context.collection.state.spaces[0]
    weights = {name: share for name, share in space.presets["balanced"].items() if name in space.statistics.aspects}
    matches = context.collection.run(Query((Part(work=a),), weights, where={"id": b}, k=1, ranking="likeness"))
    if not matches:
        raise QueryError(Translated(strings("compare.gone")))
    match = matches[0]
    bars = [(strings("aspect.overall"), 100 * (match.score or 0.0), word_of(match, strings))]
    for aspect, share in match.aspect_percentiles.items():
        if share == share:  # nan: too few works for a percentile
            bars.append((strings.aspect(aspect), share, aspect_word(share, strings)))
    return bars


def _metadata(context: Context, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Heading, both texts, and whether a value is shared."""
    strings = context.strings
    shared = {strings.column(item.column) for item in shared_metadata(context.collection.state.table, a, b)}
    first, second = _texts(a, strings), _texts(b, strings)
    rows = [(heading, first.get(heading, ""), second.get(heading, "")) for heading in first | second]
    return [(heading, one, other, heading in shared or one == other != "") for heading, one, other in rows]


def _texts(work: Mapping[str, Any], strings: Strings) -> dict[str, str]:
    """Heading -> text."""
    label = label_of(work)
    first = {strings.column("artist"): label.artist, strings.column("date"): label.year}
    return {heading: text for heading, text in first.items() if text} | dict(metadata_of(work, strings))
