"""`/duplicates`: groups of works that show one work, and what each is to the best picture of its group."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.analysis.duplicates import DuplicateGroup
from artsim.messages.strings import Strings
from artsim.ui.addresses import page_address
from artsim.ui.background import Background
from artsim.ui.context import Context
from artsim.ui.pages.layout import page, view, whole_number
from artsim.ui.pages.progress import progress_answer, waiting

_PAGE_SIZE = 96  # works, until the section with the last one ends
_TOGETHER = 48  # works of one section


def routes(context: Context) -> list[Route]:
    collection = context.collection
    tasks = Background("duplicates", collection, lambda key, progress: collection.duplicates(progress=progress))

    def show(localized: Context, request: Request) -> Response:
        strings, task = localized.strings, tasks.task()
        status, state = task.state, task.collection_state  # the status may change meanwhile
        progress = waiting(localized, task, status, strings("duplicates.looking"), "duplicates-progress")
        groups: Sequence[DuplicateGroup] = (task.answer if status == "done" else None) or ()
        listed = _pages(groups)
        number = min(max(1, whole_number(request.query_params.get("page"))), len(listed))
        sections = [
            (group, [(state.work(state.rows[identity]), note) for identity, note in tiles[first : first + _TOGETHER]])
            for group, first in listed[number - 1]
            if (tiles := _tiles(group, strings))
        ]
        return page(
            localized,
            "duplicates",
            title=strings("duplicates.title"),
            scripts=("waiting.js",) if status == "working" else (),
            styles=("duplicates.css",),
            progress="" if status == "done" else progress,
            sections=sections,
            count=len(groups),
            number=number,
            pages=len(listed),
            address_of=partial(page_address, "duplicates"),
            total=len(state),
        )

    async def progress(request: Request) -> Response:
        return progress_answer(tasks.task())

    return [Route("/duplicates", view(context, "duplicates", show)), Route("/duplicates-progress", progress)]


def _pages(groups: Sequence[DuplicateGroup]) -> list[list[tuple[DuplicateGroup, int]]]:
    """The groups of each page, each with the number of its first work there: a large one is shown in several sections."""
    pages: list[list[tuple[DuplicateGroup, int]]] = [[]]
    shown = 0  # works on the last page
    for group in groups:
        for first in range(0, len(group.ids), _TOGETHER):
            if shown >= _PAGE_SIZE:
                pages.append([])
                shown = 0
            pages[-1].append((group, first))
            shown += min(_TOGETHER, len(group.ids) - first)
    return pages


def _tiles(group: DuplicateGroup, strings: Strings) -> list[tuple[str, str]]:
    """The ids of the works, the best one first, each with what it is to that, in the visitor's language."""
    others = [(pair.second, strings(f"duplicates.relation.{pair.relation.replace(' ', '-')}")) for pair in group.pairs]
    return [(group.best, strings("duplicates.best")), *others]
