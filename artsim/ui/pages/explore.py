"""`/explore`: leads to the views of the whole collection: browse, timeline, paths, comparison."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.ui.context import Context
from artsim.ui.pages.layout import page, view
from artsim.ui.pages.registry import pages_in


def routes(context: Context) -> list[Route]:
    return [Route("/explore", view(context, "explore", _render))]


def _render(context: Context, request: Request) -> Response:
    strings = context.strings
    return page(
        context,
        "explore",
        title=strings("explore.title"),
        styles=("explore.css",),
        views=pages_in("explore", context),
        sentences=strings.starting_with("explore."),
        works=[context.collection.work(example) for example in context.examples],
    )
