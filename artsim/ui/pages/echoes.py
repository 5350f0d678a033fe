"""`/echoes?work=ID`: a detail of a work that returns in other works; with `part=1` as a fragment for the work's detail."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from artsim.errors import QueryError
from artsim.messages.message import Translated
from artsim.ui.addresses import search_address
from artsim.ui.context import Context
from artsim.ui.labels import label_of
from artsim.ui.pages.layout import page, view
from artsim.ui.templates import render


def routes(context: Context) -> list[Route]:
    return [Route("/echoes", view(context, "echoes", _render, seated=True))]


def _render(context: Context, request: Request) -> Response:
    strings = context.strings
    found = context.collection.echoes(request.query_params.get("work", ""))
    if found is None or not found.found:
        raise QueryError(Translated(strings("echoes.none")))
    region = ",".join(f"{side:.4g}" for side in found.region)
    query = urlencode({"work": found.work["id"], "region": region, "find": "detail"}, safe=",")
    values: dict[str, Any] = {"echoes": found, "search": f"{search_address(strings.language)}?{query}"}
    if request.query_params.get("part"):
        section = render("pages/echoes_section.html", strings, **values)
        return HTMLResponse(str(section), headers={"Cache-Control": "no-store"})
    title = strings("echoes.of", title=label_of(found.work).title)
    return page(context, "echoes", title=title, styles=("echoes.css",), pictured=found.work, **values)
