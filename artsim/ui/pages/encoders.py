"""`/encoders?work=ID`: the matches of each encoder of the collection, side by side."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.ui.context import Context
from artsim.ui.labels import label_of
from artsim.ui.pages.layout import page, view

SHOWN = 8


def routes(context: Context) -> list[Route]:
    return [Route("/encoders", view(context, "encoders", _render, seated=True))]


def _render(context: Context, request: Request) -> Response:
    """Without a work, examples to choose from."""
    strings, collection = context.strings, context.collection
    identity = request.query_params.get("work")
    work = None if identity is None else collection.work(identity)
    return page(
        context,
        "encoders",
        title=strings("encoders.title") if work is None else strings("encoders.of", title=label_of(work).title),
        styles=("encoders.css",),
        work=work,
        examples=[collection.work(example) for example in context.examples] if work is None else [],
        comparison=None if work is None else collection.compare_encoders(work=identity, k=SHOWN),
        shown=SHOWN,
    )
