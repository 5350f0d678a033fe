"""`/detail?work=ID&part=1`: what the search page shows of a work that is opened, with the figures of its match, if it is one.

Without `part=1`, it leads to the search page with that detail open.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from artsim.errors import QueryError
from artsim.messages.message import Translated
from artsim.ui.addresses import search_address
from artsim.ui.context import Context
from artsim.ui.pages.layout import view
from artsim.ui.pages.registry import in_navigation, page_names
from artsim.ui.search_form import has_regions
from artsim.ui.shown_match import ShownMatch
from artsim.ui.templates import render
from artsim.ui.work_facts import facts_reader


def routes(context: Context) -> list[Route]:
    return [Route("/detail", view(context, "detail", _render))]


def _render(context: Context, request: Request) -> Response:
    parameters, strings = request.query_params, context.strings
    work = context.collection.work(parameters.get("work", ""))
    if not parameters.get("part"):
        return RedirectResponse(f"{search_address(strings.language)}?{urlencode({'detail': work['id']})}", 303)
    try:
        match = ShownMatch.read(parameters)
    except ValueError as error:
        raise QueryError(Translated(strings("error.missing"))) from error
    html = render(
        "search_page/work_dialog.html",
        strings,
        work=work,
        match=match,
        about=facts_reader(context)(work),
        has_regions=has_regions(context),
        pages=page_names(),
        navigation=in_navigation(context),
    )
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})
