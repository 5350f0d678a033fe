"""`/why?work=ID&match=ID`: explains why a work matches another, as a page, or with `part=1` as a fragment for the detail.

For a query with an upload, the fragment has no `work`: the header `X-Upload` names the file.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from artsim.analysis.explain import Explanation, explain
from artsim.errors import QueryError
from artsim.messages.message import Translated
from artsim.snapshot.state import State
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.uploads import uploaded_path
from artsim.ui.labels import label_of
from artsim.ui.pages.layout import page, view
from artsim.ui.pages.why_section import why_section
from artsim.ui.search_service import read_upload
from artsim.ui.seats import Seats

_MAX_CACHED = 6  # explanations of about 3 MB of pictures each
_MOST_WAITING = 8


def routes(context: Context) -> list[Route]:
    seat = Seats(
        1, waiting=_MOST_WAITING
    )  # one explanation takes about 25 runs of the encoder; searches do not wait for it

    def explained(work: str, match: str) -> Explanation:
        known = _explanations(context.collection.state)
        explanation = known.pop((work, match), None) or explain(context.collection, match, work=work)
        known[work, match] = explanation
        while len(known) > _MAX_CACHED:
            del known[next(iter(known))]
        return explanation

    def why(localized: Context, request: Request) -> Response:
        work, match = request.query_params.get("work", ""), request.query_params.get("match", "")
        fragment, upload = request.query_params.get("part"), request.headers.get("X-Upload")
        pair = (work, match)
        if fragment and not work and upload and match:
            file = uploaded_path(unquote(upload), localized.strings("notice.url"))
            picture = read_upload(file, localized)
            explanation = seat.run(lambda: explain(localized.collection, match, image=picture))
        elif all(pair):
            explanation = seat.run(lambda: explained(work, match))
        else:
            raise QueryError(Translated(localized.strings("why.nothing")))
        if fragment:
            names = _names(localized, pair) if request.query_params.get("named") and work else None
            section = why_section(localized, explanation, names=names)
            return HTMLResponse(str(section), headers={"Cache-Control": "no-store"})
        return _page(localized, pair, explanation)

    return [Route("/why", view(context, "why", why))]


@lru_cache(maxsize=1)  # a state that is over, with all its vectors, is not kept
def _explanations(state: State) -> dict[tuple[str, str], Explanation]:
    """The latest explanations in a state of the collection, by the ids of both works."""
    return {}


def _names(context: Context, pair: tuple[str, str]) -> tuple[str, str]:
    """Names of the two pictures, for an explanation outside a search."""
    labels = [label_of(context.collection.work(identity)) for identity in pair]
    first, second = (
        context.strings("picture.alt" if label.by else "picture.alt.plain", title=label.title, by=label.by)
        for label in labels
    )
    return first, second


def _page(context: Context, pair: tuple[str, str], explanation: Explanation) -> Response:
    work, match = (context.collection.work(identity) for identity in pair)
    title = context.strings("why.of", match=label_of(match).title, work=label_of(work).title)
    section = why_section(context, explanation, names=_names(context, pair))
    return page(
        context, "why", title=title, styles=("why.css",), pictured=match, work=work, match=match, section=section
    )
