"""`/duplicates`: works with the same picture, and reproductions of the same work."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.analysis.duplicates import DuplicatePair
from artsim.analysis.perceptual_hash import BITS
from artsim.messages.strings import Strings
from artsim.ui.background import Background
from artsim.ui.context import Context
from artsim.ui.pages.layout import page, view
from artsim.ui.pages.progress import progress_answer, waiting


def routes(context: Context) -> list[Route]:
    collection = context.collection
    tasks = Background("duplicates", collection, lambda key, progress: collection.duplicates(progress=progress))

    def show(localized: Context, request: Request) -> Response:
        strings, task = localized.strings, tasks.task()
        status, state = task.state, task.collection_state  # the status may change meanwhile
        progress = waiting(localized, task, status, strings("duplicates.looking"), "duplicates-progress")
        groups = [
            (
                group,
                [state.work(state.rows[identity]) for identity in group.ids],
                [_why(pair, strings) for pair in group.pairs],
            )
            for group in (task.answer if status == "done" else None) or []
        ]
        return page(
            localized,
            "duplicates",
            title=strings("duplicates.title"),
            scripts=("waiting.js",) if status == "working" else (),
            styles=("duplicates.css",),
            progress="" if status == "done" else progress,
            groups=groups,
            total=len(state),
        )

    async def progress(request: Request) -> Response:
        return progress_answer(tasks.task())

    return [Route("/duplicates", view(context, "duplicates", show)), Route("/duplicates-progress", progress)]


def _why(pair: DuplicatePair, strings: Strings) -> str:
    """The evidence for a pair, in the visitor's language."""
    if pair.same_file or pair.distance is None or pair.outlines is None:
        return strings("duplicates.why.file")
    return strings(
        "duplicates.why",
        distance=pair.distance,
        bits=BITS,
        cosine=strings.decimal(pair.cosine, 2),
        outlines=strings.decimal(pair.outlines, 2),
    )
