"""`/compare?a=ID&b=ID`: two works side by side, zoomed together, with their scores and shared metadata."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from artsim.analysis.explain import shared_metadata
from artsim.encoders.presets import PRESETS
from artsim.images.thumbnails import LARGE
from artsim.messages.strings import Strings
from artsim.search.match import Match
from artsim.search.query import Part, Query
from artsim.ui.assets import asset_address
from artsim.ui.cards import picture_address
from artsim.ui.context import Context
from artsim.ui.error_text import TranslatedError
from artsim.ui.labels import label_of, metadata_of, safe_link, share_text, word_of
from artsim.ui.markup import Markup, button, element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.registry import page_names
from artsim.ui.pages.tiles import page_link, search_link, work_picture

_SIDES = ("a", "b")


def routes(context: Context) -> list[Route]:
    return [Route("/compare", view(context, "compare", _render))]


def _render(context: Context, request: Request) -> Response:
    ids = [request.query_params.get(side, "") for side in _SIDES]
    if not all(ids):
        a, b = _completed(context, *ids)
        return RedirectResponse(page_link("compare", a=a, b=b), 303, {"Cache-Control": "no-store"})
    works = [context.collection.work(identity) for identity in ids]
    if ids[0] == ids[1]:
        raise TranslatedError(context.strings("compare.same"))
    return _page(context, works, _likeness(context, *ids))


def _completed(context: Context, a: str, b: str) -> tuple[str, str]:
    """Both ids if one or both are missing: a random work, and the work most like it."""
    if len(context.collection) < 2:
        raise TranslatedError(context.strings("compare.too-few"))
    work = a or b or random.choice(context.collection.ids)
    nearest = context.collection.search(work=work, k=1)[0].id
    return (nearest, work) if b and not a else (work, nearest)


def _likeness(context: Context, a: str, b: str) -> Match:
    """The second work as a match for the first, at balanced weights."""
    space = context.collection.state.spaces[0].statistics
    weights = {aspect: weight for aspect, weight in PRESETS["balanced"].items() if aspect in space.aspects}
    matches = context.collection.run(Query((Part(work=a),), weights, {"id": b}, k=1, ranking="likeness"))
    if not matches:
        raise TranslatedError(context.strings("compare.gone"))
    return matches[0]


def _page(context: Context, works: list[dict[str, Any]], match: Match) -> Response:
    strings = context.strings
    titles = [label_of(work).title for work in works]
    title = strings("compare.of", a=titles[0], b=titles[1])
    has_pictures = context.collection.manifest.has_pictures
    return document(
        context,
        "compare",
        element("h1", strings("compare.title")),
        element("p", title, class_="compare-ends"),
        _tools(context, works, zoomed=has_pictures),
        element("div", *(_panel(work, strings, side, zoomed=has_pictures) for work, side in zip(works, _SIDES, strict=True)),
                class_="compare-pair"),
        element("p", strings("compare.keys"), class_="fine", id="compare-keys") if has_pictures else "",
        element("section", element("h2", strings("compare.likeness")), _bars(match, strings),
                element("p", strings("compare.likeness.info"), class_="fine")),
        _why(context, works) if has_pictures else "",
        element("section", element("h2", strings("compare.about")), _table(context, works)),
        element("script", src=asset_address("openseadragon.min.js")) if has_pictures else "",
        title=title,
        styles=("compare.css", "why.css"),
        scripts=("compare.js",) if has_pictures else (),
        facts={"words": strings.starting_with("compare.js.")},
    )  # fmt: skip


def _tools(context: Context, works: list[dict[str, Any]], *, zoomed: bool) -> Markup:
    strings = context.strings
    a, b = (str(work["id"]) for work in works)
    links = [element("a", strings("compare.swap"), href=page_link("compare", a=b, b=a))]
    if "path" in page_names():
        links.append(element("a", strings("compare.path"), href=page_link("path", from_=a, to=b)))
    signs = {"in": "+", "out": "−", "whole": "⤢"}
    labels = {name: strings(f"map.{name}") for name in signs}
    buttons = [
        button(sign, data_zoom=name, aria_label=labels[name], title=labels[name]) for name, sign in signs.items()
    ]
    sync = element("label", element("input", type="checkbox", id="together", checked=True, autocomplete="off"), " ",
                       strings("compare.together"))  # fmt: skip
    zoom = element("span", *buttons, sync, class_="compare-zoom", role="group", aria_label=strings("map.buttons"))
    return element("div", zoom if zoomed else "", *links, class_="compare-tools")


def _panel(work: Mapping[str, Any], strings: Strings, side: str, *, zoomed: bool) -> Markup:
    """A picture in a viewer; the plain picture without a script, or if the collection holds only picture addresses."""
    label = label_of(work)
    picture = work_picture(work, strings, size=LARGE)
    frame = element(
        "div", picture, class_="compare-view", id=f"view-{side}",
        data_picture=picture_address(work, LARGE) if zoomed else None,
        data_label=strings("compare.label", title=label.title),
    )  # fmt: skip
    link = safe_link(work)
    caption = [element("h2", element("a", label.title, href=search_link(strings, work)))]
    caption += [element("p", label.by, class_="by")] if label.by else []
    if link:
        caption.append(element("a", strings("detail.visit", host=link[1]), href=link[0], target="_blank",
                               rel="noopener noreferrer", class_="fine"))  # fmt: skip
    return element("figure", frame, element("figcaption", *caption))


def _bars(match: Match, strings: Strings) -> Markup:
    shares = [(strings("aspect.overall"), match.percentile)]
    shares += [(strings.aspect(aspect), share) for aspect, share in match.aspect_percentiles.items()]
    rows = [
        element(
            "li",
            element("span", name, class_="bar-name"),
            element("span", element("span", style=f"width:{max(1.0, share):.1f}%"), class_="bar", aria_hidden="true"),
            element("span", word_of(share, strings), class_="bar-word"),
            element("span", share_text(share, strings), class_="bar-share"),
        )
        for name, share in shares
        if share == share  # nan: too few works for a percentile
    ]
    return element("ul", *rows, class_="bars") if rows else element("p", strings("compare.likeness.none"))


def _why(context: Context, works: list[dict[str, Any]]) -> Markup:
    """Link to the corresponding regions, which are computed on demand because the encoder needs some time."""
    if "why" not in page_names():
        return Markup("")
    strings = context.strings
    address = f"why?{urlencode({'work': works[0]['id'], 'match': works[1]['id']})}"
    link = element(
        "a", strings("compare.why"), href=f"./{address}", class_="compare-ask", data_part=f"{address}&part=1&named=1"
    )
    return element("section", link, element("div", class_="compare-why", aria_live="polite"))


def _table(context: Context, works: list[dict[str, Any]]) -> Markup:
    """The metadata of both works, row by row; shared values are marked."""
    strings, state = context.strings, context.collection.state
    shared = {strings.column(item.column) for item in shared_metadata(state.table, works[0], works[1])}
    metadata = [_metadata(work, strings) for work in works]
    lines = []
    for heading in dict.fromkeys([*metadata[0], *metadata[1]]):
        values = [side.get(heading, "") for side in metadata]
        is_shared = heading in shared or (values[0] == values[1] and bool(values[0]))
        mark = element("span", strings("compare.shared"), class_="compare-mark") if is_shared else ""
        cells = [element("td", text or "–") for text in values]
        lines.append(
            element(
                "tr", element("th", heading, " ", mark, scope="row"), *cells, class_="shared" if is_shared else None
            )
        )
    heads = [element("th", label_of(work).title, scope="col") for work in works]
    head = element("tr", element("td", ""), *heads)
    return element("table", element("thead", head), element("tbody", *lines), class_="compare-table")


def _metadata(work: Mapping[str, Any], strings: Strings) -> dict[str, str]:
    """Heading -> text."""
    label = label_of(work)
    first = {strings.column("artist"): label.artist, strings.column("date"): label.year}
    return {**{heading: text for heading, text in first.items() if text}, **dict(metadata_of(work, strings))}
