"""`/how`: explains how the search works, its terms and its limits."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artsim.ui.context import Context
from artsim.ui.pages.layout import page, view


def routes(context: Context) -> list[Route]:
    return [Route("/how", view(context, "how", _how))]


def _how(context: Context, request: Request) -> Response:
    return page(context, "how", title=context.strings("how.title"), styles=("how.css",))
