"""`/duplicates`: works with the same picture, and reproductions of the same work."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.analysis.duplicates import DuplicateGroup, DuplicatePair
from artsim.analysis.perceptual_hash import BITS
from artsim.messages.strings import Strings
from artsim.snapshot.state import State
from artsim.ui.addresses import page_address, search_address
from artsim.ui.background import Background, BackgroundTask
from artsim.ui.context import Context
from artsim.ui.labels import share_text
from artsim.ui.markup import Markup, element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.progress import progress_answer, waiting
from artsim.ui.pages.tiles import tile


def routes(context: Context) -> list[Route]:
    collection = context.collection
    tasks = Background("duplicates", collection, lambda key, progress: collection.duplicates(progress=progress))

    def page(localized: Context, request: Request) -> Response:
        return _page(localized, tasks.task())

    async def progress(request: Request) -> Response:
        return progress_answer(tasks.task())

    return [Route("/duplicates", view(context, "duplicates", page)), Route("/duplicates-progress", progress)]


def _page(context: Context, task: BackgroundTask[list[DuplicateGroup]]) -> Response:
    strings = context.strings
    if task.state != "done":
        content = [waiting(context, task, strings("duplicates.looking"), "duplicates-progress")]
    elif not task.answer:
        content = [element("p", strings("duplicates.none", count=strings.number(len(task.collection_state))))]
    else:
        content = [element("p", strings("duplicates.count", count=strings.number(len(task.answer))))]
        content += [_group(context, task.collection_state, group) for group in task.answer]
    return document(
        context,
        "duplicates",
        element("h1", strings("duplicates.title")),
        element("p", strings("duplicates.intro"), class_="lead"),
        *content,
        title=strings("duplicates.title"),
        scripts=("waiting.js",) if task.state == "working" else (),
        styles=("duplicates.css",),
    )


def _group(context: Context, state: State, group: DuplicateGroup) -> Markup:
    strings = context.strings
    works: list[dict[str, Any]] = [state.work(state.rows[identity]) for identity in group.ids]
    reasons = [element("li", _why(pair, strings)) for pair in group.pairs]
    compare = ""
    if len(works) == 2:
        compare = element(
            "p",
            element("a", strings("duplicates.compare"), href=page_address("compare", a=group.ids[0], b=group.ids[1])),
        )
    return element(
        "section",
        element("h2", strings(f"duplicates.{group.sureness.replace(' ', '-')}")),
        element("ul", *(tile(work, strings, href=search_address(strings.language, work), note=work["id"]) for work in works),
                class_="grid"),
        element("ul", *reasons, class_="fine reasons"),
        compare,
        class_="duplicate-group",
    )  # fmt: skip


def _why(pair: DuplicatePair, strings: Strings) -> str:
    """The evidence for a pair, in the visitor's language."""
    if pair.same_file or pair.distance is None or pair.outlines is None:
        return strings("duplicates.why.file")
    return strings(
        "duplicates.why",
        distance=pair.distance,
        bits=BITS,
        share=share_text(pair.percentile, strings) if pair.percentile == pair.percentile else "–",
        outlines=strings.decimal(pair.outlines, 2),
    )
