"""`/path?from=ID&to=ID&steps=N`: works that lead from one work to another. Missing ends are drawn at random."""

from __future__ import annotations

import random

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from artsim.analysis.path import PathStep
from artsim.images.thumbnails import LARGE
from artsim.messages.strings import Strings
from artsim.ui.addresses import page_address, picture_address, search_address
from artsim.ui.context import Context
from artsim.ui.error_text import TranslatedError
from artsim.ui.labels import label_of, share_text
from artsim.ui.markup import Markup, button, element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.tiles import tile

_STEPS = (5, 8, 12, 16)
_DEFAULT_STEPS = 8


def routes(context: Context) -> list[Route]:
    return [Route("/path", view(context, "path", _render))]


def _render(context: Context, request: Request) -> Response:
    """The path; if an end is missing, a redirect to a random one, so that the address can be kept."""
    parameters = request.query_params
    start, end = parameters.get("from", ""), parameters.get("to", "")
    length = parameters.get("steps", "")
    steps = int(length) if length in map(str, _STEPS) else _DEFAULT_STEPS
    if start and end:
        return _page(context, context.collection.path(start, end, steps=steps), steps)
    ends = [identity for identity in (start, end) if identity]
    for identity in ends:
        context.collection.work(identity)  # raises `QueryError` if there is none
    candidates = [identity for identity in context.collection.ids if identity not in ends]
    if len(candidates) + len(ends) < 2:
        raise TranslatedError(context.strings("path.too-few"))
    drawn = random.sample(candidates, 2 - len(ends))
    address = page_address("path", from_=start or drawn.pop(), to=end or drawn.pop(), steps=steps)
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


def _page(context: Context, steps: list[PathStep], requested: int) -> Response:
    strings = context.strings
    first, last = label_of(steps[0].work), label_of(steps[-1].work)
    title = strings("path.of", start=first.title, end=last.title)
    note = [] if len(steps) == requested else [element("p", strings("path.shorter", count=len(steps)), class_="notice")]
    return document(
        context,
        "path",
        element("h1", strings("path.title")),
        element("p", title, class_="path-ends"),
        element("p", strings("path.lead"), class_="lead"),
        _links(steps, requested, strings),
        *note,
        _stage(steps, strings),
        element("h2", strings("path.works")),
        element("ol", *(_step(step, strings) for step in steps), class_="grid path-steps"),
        title=title,
        styles=("path.css",),
        scripts=("path.js",),
        facts={"words": strings.starting_with("path.js.")},
    )


def _links(steps: list[PathStep], requested: int, strings: Strings) -> Markup:
    """Links to related paths."""
    ends = {"from_": steps[0].id, "to": steps[-1].id}
    links = [
        element("a", strings("path.another"), href=page_address("path", steps=requested), class_="way-first"),
        element(
            "a", strings("path.back"), href=page_address("path", from_=ends["to"], to=ends["from_"], steps=requested)
        ),
        element("a", strings("path.on"), href=page_address("path", from_=ends["to"], steps=requested)),
    ]
    lengths = [
        element("a", strings.number(count), href=page_address("path", **ends, steps=count),
                aria_current="true" if count == requested else None, aria_label=strings("path.length", count=count))
        for count in _STEPS
    ]  # fmt: skip
    counted = element("span", strings("path.lengths"), " ", *lengths, class_="path-lengths")
    return element("nav", *links, counted, class_="path-ways", aria_label=strings("path.ways"))


def _stage(steps: list[PathStep], strings: Strings) -> Markup:
    """All pictures on top of one another; the script fades from one to the next. Hidden without a script."""
    pictures = [
        element("img", src=picture_address(step.work, LARGE), alt="", decoding="async", loading="lazy", hidden=bool(position),
                data_title=", ".join(part for part in (label_of(step.work).title, label_of(step.work).by) if part))
        for position, step in enumerate(steps)
    ]  # fmt: skip
    return element(
        "section",
        element("div", *pictures, class_="path-stage"),
        element("p", "", class_="path-title"),
        element("div",
            button(strings("path.play"), class_="plain", data_action="play", aria_pressed="false"),
            element("input", type="range", min="0", max=len(steps) - 1, step="0.01", value="0",
                    aria_label=strings("path.slider")),
            class_="path-controls"),
        class_="path-morph", aria_label=strings("path.morph"), hidden=True,
    )  # fmt: skip


def _step(step: PathStep, strings: Strings) -> Markup:
    is_first = step.percentile != step.percentile  # nan: there is no work before it
    note = strings("path.first") if is_first else strings("path.near", share=share_text(step.percentile, strings))
    return tile(step.work, strings, href=search_address(strings.language, step.work), note=note)
