"""`/compare?a=ID&b=ID`: two works side by side, zoomed together, with what they have in common and what not."""

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
from artsim.messages.strings import Strings
from artsim.search.engine import Part, Query
from artsim.search.match import Match
from artsim.ui.assets import asset_address
from artsim.ui.cards import picture_address
from artsim.ui.context import Context
from artsim.ui.error_text import TranslatedError
from artsim.ui.labels import label_of, metadata_of, safe_link, share_text, word_of
from artsim.ui.markup import Markup, button, element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.registry import page_names
from artsim.ui.pages.tiles import page_link, search_link, work_picture
from artsim.ui.thumbnail_cache import LARGE

_SIDES = ("a", "b")


def routes(context: Context) -> list[Route]:
    return [Route("/compare", view(context, "compare", _render))]


def _render(context: Context, request: Request) -> Response:
    given = [request.query_params.get(side, "") for side in _SIDES]
    if not all(given):
        a, b = _completed(context, *given)
        return RedirectResponse(page_link("compare", a=a, b=b), 303, {"Cache-Control": "no-store"})
    works = [context.collection.work(identity) for identity in given]
    if given[0] == given[1]:
        raise TranslatedError(context.strings("compare.same"))
    return _page(context, works, _likeness(context, *given))


def _completed(context: Context, a: str, b: str) -> tuple[str, str]:
    """Both ends, where one or none is named: a work by chance, beside what it is most like."""
    if len(context.collection) < 2:
        raise TranslatedError(context.strings("compare.too-few"))
    known = a or b or random.choice(context.collection.ids)
    nearest = context.collection.search(work=known, k=1)[0].id
    return (nearest, known) if b and not a else (known, nearest)


def _likeness(context: Context, a: str, b: str) -> Match:
    """The second work as a match for the first, at balanced weights."""
    space = context.collection.state.spaces[0].statistics
    weights = {aspect: weight for aspect, weight in PRESETS["balanced"].items() if aspect in space.aspects}
    found = context.collection.run(Query((Part(work=a),), weights, {"id": b}, k=1, ranking="likeness"))
    if not found:
        raise TranslatedError(context.strings("compare.gone"))
    return found[0]


def _page(context: Context, works: list[dict[str, Any]], match: Match) -> Response:
    strings = context.strings
    titles = [label_of(work).title for work in works]
    title = strings("compare.of", a=titles[0], b=titles[1])
    has_pictures = context.collection.manifest.images == "bytes"
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
    together = element("label", element("input", type="checkbox", id="together", checked=True, autocomplete="off"), " ",
                       strings("compare.together"))  # fmt: skip
    zoom = element("span", *buttons, together, class_="compare-zoom", role="group", aria_label=strings("map.buttons"))
    return element("div", zoom if zoomed else "", *links, class_="compare-tools")


def _panel(work: Mapping[str, Any], strings: Strings, side: str, *, zoomed: bool) -> Markup:
    """A picture in a viewer; without a script, or where only addresses of pictures are kept, the picture itself."""
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
        if share == share  # nan: a collection with too few works has nothing to compare with
    ]
    return element("ul", *rows, class_="bars") if rows else element("p", strings("compare.likeness.none"))


def _why(context: Context, works: list[dict[str, Any]]) -> Markup:
    """The places where the two agree: asked for when wanted, as the encoder takes a while for them."""
    if "why" not in page_names():
        return Markup("")
    strings = context.strings
    address = f"why?{urlencode({'work': works[0]['id'], 'match': works[1]['id']})}"
    ask = element(
        "a", strings("compare.why"), href=f"./{address}", class_="compare-ask", data_part=f"{address}&part=1&named=1"
    )
    return element("section", ask, element("div", class_="compare-why", aria_live="polite"))


def _table(context: Context, works: list[dict[str, Any]]) -> Markup:
    """What is known of both, line by line; what both say is marked."""
    strings, state = context.strings, context.collection.state
    shared = {strings.column(item.column) for item in shared_metadata(state.table, works[0], works[1])}
    known = [_known(work, strings) for work in works]
    lines = []
    for heading in dict.fromkeys([*known[0], *known[1]]):
        texts = [side.get(heading, "") for side in known]
        same = heading in shared or (texts[0] == texts[1] and bool(texts[0]))
        mark = element("span", strings("compare.shared"), class_="compare-mark") if same else ""
        cells = [element("td", text or "–") for text in texts]
        lines.append(
            element("tr", element("th", heading, " ", mark, scope="row"), *cells, class_="shared" if same else None)
        )
    heads = [element("th", label_of(work).title, scope="col") for work in works]
    head = element("tr", element("td", ""), *heads)
    return element("table", element("thead", head), element("tbody", *lines), class_="compare-table")


def _known(work: Mapping[str, Any], strings: Strings) -> dict[str, str]:
    """Heading -> text."""
    label = label_of(work)
    first = {strings.column("artist"): label.artist, strings.column("date"): label.year}
    return {**{heading: text for heading, text in first.items() if text}, **dict(metadata_of(work, strings))}
