"""`/timeline?work=ID`: the earlier works that a work resembles, and the later works that resemble it."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.analysis.influence import DIRECTIONS, Direction, Influence, influence
from artsim.errors import QueryError
from artsim.images.thumbnails import SMALL
from artsim.messages.message import Translated
from artsim.snapshot.years import year_spans, years_of
from artsim.ui.context import Context
from artsim.ui.error_text import error_markup
from artsim.ui.labels import label_of
from artsim.ui.pages.layout import page, view
from artsim.ui.pages.timeline_layout import HEIGHT, WIDTH, Layout, lay_out

SHOWN = 16
_HALF_LIVES = (None, 50, 200)  # years, offered to visitors


@dataclass(frozen=True)
class _Section:
    """One direction: what was found, or why nothing was."""

    direction: Direction
    found: Influence | None = None
    layout: Layout | None = None
    problem: str = ""


def routes(context: Context) -> list[Route]:
    return [Route("/timeline", view(context, "timeline", _render))]


def _render(context: Context, request: Request) -> Response:
    """Without a work, examples to choose from."""
    strings, collection = context.strings, context.collection
    if not year_spans(collection.state.table).known.any():
        raise QueryError(Translated(strings("timeline.no-years")))
    identity = request.query_params.get("work")
    if identity is None:
        works = [collection.work(example) for example in context.examples]
        dated = [work for work in works if years_of(work) is not None]
        title = strings("timeline.title")
        return page(context, "timeline", title=title, styles=("timeline.css",), work=None, examples=dated)
    work, decay = collection.work(identity), _half_life(request.query_params.get("decay"))
    return page(
        context,
        "timeline",
        title=strings("timeline.of", title=label_of(work).title),
        styles=("timeline.css",),
        pictured=work,
        work=work,
        decay=decay,
        half_lives=_HALF_LIVES,
        sections=[_section(context, identity, direction, decay) for direction in DIRECTIONS] if years_of(work) else [],
        width=WIDTH,
        height=HEIGHT,
    )


def _half_life(text: str | None) -> float | None:
    """The half-life in years. Raises `QueryError` for anything but a whole number above 0."""
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise QueryError("decay must be a half-life in whole years, at least 1; it is {value!r}.", value=text[:40])
    return float(text)


def _section(context: Context, identity: str, direction: Direction, decay: float | None) -> _Section:
    try:
        found = influence(context.collection, identity, direction=direction, k=SHOWN, decay=decay)
    except QueryError as error:
        return _Section(direction, problem=error_markup(error, context.strings))
    return _Section(direction, found, lay_out(found, lambda work: _size_of_picture(context, work)))


def _size_of_picture(context: Context, identity: str) -> tuple[int, int]:
    """Width and height of the work's thumbnail, or of the placeholder."""
    path = context.thumbnails.path(identity, SMALL)
    if path is None:
        return 4, 3
    with Image.open(path) as picture:
        return picture.size
