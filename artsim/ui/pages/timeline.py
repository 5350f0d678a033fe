"""`/timeline?work=ID`: the earlier works that a work resembles, and the later works that resemble it."""

from __future__ import annotations

from typing import Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.analysis.influence import DIRECTIONS, Direction, Influence, TimedMatch, influence
from artsim.errors import QueryError
from artsim.images.decode import load_image
from artsim.images.thumbnails import SMALL
from artsim.messages.strings import Strings
from artsim.ui.addresses import page_address, search_address
from artsim.ui.context import Context
from artsim.ui.error_text import TranslatedError, error_markup
from artsim.ui.labels import label_of, share_text
from artsim.ui.markup import Markup, element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.tiles import tile, work_picture
from artsim.ui.pages.timeline_layout import HEIGHT, WIDTH, Layout, Placed, lay_out

SHOWN = 16
_HALF_LIVES = (50, 200)  # years, offered to visitors


def routes(context: Context) -> list[Route]:
    return [Route("/timeline", view(context, "timeline", _timeline))]


def _timeline(context: Context, request: Request) -> Response:
    strings = context.strings
    if "year" not in context.collection.state.schema:
        raise TranslatedError(strings("timeline.no-years"))
    identity = request.query_params.get("work")
    if identity is None:
        return _choose(context)
    work = context.collection.work(identity)
    decay = _half_life(request.query_params.get("decay"))
    sections = [_section(context, identity, direction, decay) for direction in DIRECTIONS]
    return document(
        context,
        "timeline",
        element("h1", strings("timeline.of", title=label_of(work).title)),
        element("p", strings("timeline.caveat"), class_="lead"),
        _subject(context, work, decay),
        *sections,
        title=strings("timeline.of", title=label_of(work).title),
        styles=("timeline.css",),
    )


def _choose(context: Context) -> Response:
    """The page without a work: works to start from."""
    strings, collection = context.strings, context.collection
    works = [collection.work(identity) for identity in context.examples if identity in collection.state.rows]
    dated = [work for work in works if work.get("year") is not None]
    return document(
        context,
        "timeline",
        element("h1", strings("timeline.title")),
        element("p", strings("timeline.intro"), class_="lead"),
        element("ul", *(tile(work, strings, href=page_address("timeline", work=work["id"])) for work in dated),
                class_="grid"),
        title=strings("timeline.title"),
        styles=("timeline.css",),
    )  # fmt: skip


def _half_life(text: str | None) -> float | None:
    """The half-life in years. Raises `QueryError` for anything but a whole number above 0."""
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise QueryError("decay must be a half-life in whole years, at least 1; it is {value!r}.", value=text[:40])
    return float(text)


def _subject(context: Context, work: dict[str, Any], decay: float | None) -> Markup:
    strings, label = context.strings, label_of(work)
    choices: list[tuple[str, float | None]] = [(strings("timeline.decay.none"), None)]
    choices += [(strings("timeline.decay.years", years=years), years) for years in _HALF_LIVES]
    links = [
        element("a", words, href=page_address("timeline", work=work["id"], decay=years),
                aria_current="true" if decay == years else None)
        for words, years in choices
    ]  # fmt: skip
    return element(
        "div",
        element("a", work_picture(work, strings), href=search_address(strings.language, work), class_="timeline-own"),
        element("div",
            element("p", label.title, class_="title"),
            element("p", label.by, class_="by"),
            element("p", element("a", strings("timeline.search"), href=search_address(strings.language, work))),
            element("p", strings("timeline.decay"), " ", *links, class_="choices-row")),
        class_="timeline-head",
    )  # fmt: skip


def _section(context: Context, identity: str, direction: Direction, decay: float | None) -> Markup:
    """Plot and list of one direction, or the reason why there is none."""
    strings = context.strings
    heading = element("h2", strings(f"timeline.{direction}"), id=direction)
    try:
        result = influence(context.collection, identity, direction=direction, k=SHOWN, decay=decay)
    except QueryError as error:
        return element("section", heading, element("p", error_markup(error, strings)))
    matches = sorted(result.matches, key=lambda item: item.year)
    tiles = [
        tile(item.match.work, strings, href=page_address("timeline", work=item.match.id), note=_note(item, strings))
        for item in matches
    ]
    undated = element("p", strings("timeline.undated", count=strings.number(result.undated)), class_="fine")
    return element(
        "section",
        heading,
        _plot(context, result),
        element("ol", *tiles, class_="grid timeline-list"),
        undated if result.undated else "",
        aria_labelledby=direction,
    )


def _note(item: TimedMatch, strings: Strings) -> str:
    return strings(
        "timeline.note", gap=strings.number(round(item.gap)), share=share_text(item.match.percentile, strings)
    )


def _plot(context: Context, result: Influence) -> Markup:
    """x: year, y: likeness. Hidden from screen readers, because the list below contains every work."""
    layout = lay_out(result, lambda identity: _thumbnail(context, identity))
    lines = [element("path", d=f"M{_x(x)} 0V100", class_="year") for x, _ in layout.years]
    lines += [element("path", d=f"M0 {_y(y)}H100", class_="level") for y, _ in layout.levels]
    lines.append(element("path", d=f"M{_x(layout.own_x)} 0V100", class_="own"))
    drawing = element("svg", *lines, viewBox="0 0 100 100", preserveAspectRatio="none", aria_hidden="true")
    strings = context.strings
    years = [element("span", _year(year, strings), style=f"left:{_x(x)}%", class_="year") for x, year in layout.years]
    levels = [
        element("span", _level(percentile, strings), style=f"top:{_y(y)}%", class_="level")
        for y, percentile in layout.levels
    ]
    background = [element("i", style=f"left:{_x(x)}%;top:{_y(y)}%") for x, y in layout.background]
    works = [_plotted(context, point) for point in layout.matches]
    caption = strings("timeline.axis")
    return element(
        "figure",
        element("div", drawing, *background, *years, *levels, _own_picture(context, result, layout), *works, class_="plot",
                dir="ltr"),
        element("figcaption", caption, class_="fine"),
        class_="timeline-plot", aria_hidden="true", style=f"--ratio:{WIDTH}/{HEIGHT}",
    )  # fmt: skip


def _plotted(context: Context, point: Placed) -> Markup:
    x, y = point.dot
    dot = element("b", str(point.number), style=f"left:{_x(x)}%;top:{_y(y)}%")
    if point.picture is None:
        return dot
    link = element(
        "a",
        work_picture(point.item.match.work, context.strings),
        href=page_address("timeline", work=point.item.match.id),
        tabindex="-1",
        style=_box(point.picture[1]),
    )
    return Markup(link + dot)


def _own_picture(context: Context, result: Influence, layout: Layout) -> Markup:
    if layout.own is None or result.work is None:
        return Markup("")
    return element("span", work_picture(result.work, context.strings), style=_box(layout.own[1]), class_="own")


def _box(box: tuple[float, float, float, float]) -> str:
    left, top, right, bottom = box
    return f"left:{_x(left)}%;top:{_y(top)}%;width:{_x(right - left)}%;height:{_y(bottom - top)}%"


def _year(year: float, strings: Strings) -> str:
    return strings.plain(year) if year >= 0 else strings("timeline.bce", year=strings.plain(-year))


def _level(percentile: float, strings: Strings) -> str:
    return strings("match.share", value=strings.plain(percentile))


def _x(pixels: float) -> str:
    return f"{100 * pixels / WIDTH:.2f}"


def _y(pixels: float) -> str:
    return f"{100 * pixels / HEIGHT:.2f}"


def _thumbnail(context: Context, identity: str) -> Image.Image:
    """The thumbnail, for its shape only: the browser fetches the picture itself."""
    path = context.thumbnails.path(identity, SMALL)
    return load_image(path) if path is not None else Image.new("RGB", (4, 3))
