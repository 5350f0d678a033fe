"""What other sites show of a link to a page of the app: its title, a text and a picture (`og:` and `twitter:`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from markupsafe import Markup
from starlette.requests import Request

from artsim.images.thumbnails import LARGE
from artsim.ui.addresses import path_in_app, picture_address
from artsim.ui.context import Context
from artsim.ui.cookies import is_https
from artsim.ui.labels import LONGEST_LABEL, as_text, label_of, shortened
from artsim.ui.query_string import read_query_string
from artsim.ui.search_service import heading_of
from artsim.ui.templates import render

_NOT_SHARED = ("__theme", "__sign")  # a visitor's own
_FACTS = ("medium", "culture")


@dataclass(frozen=True)
class Preview:
    """What is shown of one link. `work`: the work whose picture is shown; by default, the first one to start from."""

    title: str
    text: str
    work: Mapping[str, Any] | None = None


def app_address(request: Request) -> str:
    """The address of the app as the browser knows it, with a slash at the end."""
    host = request.headers.get("x-forwarded-host", request.headers.get("host", "")).split(",")[0].strip()
    return f"{'https' if is_https(request) else 'http'}://{host}{request.scope.get('root_path', '')}/"


def preview_of_search(context: Context, query: str) -> Preview:
    """The preview of the search page with this query string."""
    link = read_query_string(query, context)
    collection, state = context.collection, context.collection.state
    if link.opened is not None:
        return _preview_of_work(context, collection.work(link.opened))
    if not link.form.parts:
        return Preview(context.strings("page.title", collection=collection.manifest.title), about_search(context))
    liked = next((part.work for part in link.form.parts if part.work in state.rows and part.weight > 0), None)
    work = None if liked is None else collection.work(liked)
    return Preview(heading_of(context, link.form), about_search(context), work)


def about_search(context: Context) -> str:
    """One sentence about searching this collection."""
    strings, collection = context.strings, context.collection
    return strings("share.text", collection=collection.manifest.title, count=strings.number(len(collection)))


def _preview_of_work(context: Context, work: Mapping[str, Any]) -> Preview:
    label = label_of(work)
    facts = [
        label.by,
        *(shortened(as_text(work.get(column)), LONGEST_LABEL) for column in _FACTS),
        context.collection.manifest.title,
    ]
    return Preview(label.title, " · ".join(filter(None, facts)), work)


def sharing(context: Context, request: Request, preview: Preview) -> Markup:
    """The elements of the head that other sites read."""
    work = preview.work or _first_work(context)
    app, path = app_address(request), quote(path_in_app(request.scope).lstrip("/"))
    query = urlencode([pair for pair in parse_qsl(request.url.query) if pair[0] not in _NOT_SHARED])
    label = label_of(work)
    return render(
        "sharing.html",
        context.strings,
        title=preview.title,
        text=preview.text,
        site=context.strings("page.title", collection=context.collection.manifest.title),
        address=f"{app}{path}{'?' if query else ''}{query}",
        picture=f"{app}{picture_address(work, LARGE)}",
        shown=" · ".join(filter(None, (label.title, label.by))),
    )


def _first_work(context: Context) -> Mapping[str, Any]:
    return context.collection.state.work(context.collection.state.rows.get(next(iter(context.examples), ""), 0))
