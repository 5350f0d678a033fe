"""Routes beside Gradio's own, and the middleware in front of all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from starlette.convertors import Convertor, StringConvertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from artsim.errors import QueryError
from artsim.images.thumbnails import SIZES, placeholder
from artsim.ui.assets import assets
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.malformed_calls import MalformedCalls
from artsim.ui.gradio_overrides.no_fetching import NoFetching
from artsim.ui.http.downloads import download_routes
from artsim.ui.http.entry import EntryRedirect
from artsim.ui.http.health import health_routes
from artsim.ui.http.request_bodies import BodyLimit
from artsim.ui.labels import safe_link
from artsim.ui.language import language_of
from artsim.ui.pages.registry import page_routes
from artsim.ui.search_form import LONGEST_TEXT

_YEAR = "public, max-age=31536000, immutable"  # for addresses that change with what they lead to


class _AssetName(StringConvertor):
    """The name of a script or style; other addresses there may be pages behind a proxy with the path `/art`."""

    regex = "|".join(map(re.escape, assets()))


class _AnyText(Convertor[str]):
    """All that follows in an address: Starlette's `path` ends at a new line, which names of files may have."""

    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("asset", _AssetName())
register_url_convertor("text", _AnyText())


def extra_routes(context: Context) -> list[Route]:
    """`/thumbnails/SIZE/ID`, `/art/NAME`, `/encoder`, `/suggestions`, `/healthz`, `/readyz`, downloads, and the pages."""

    def thumbnail(request: Request) -> Response:
        size = request.path_params["size"]
        if size not in SIZES:
            return PlainTextResponse("There is no such size.", status_code=404)
        identity = request.path_params["identity"]
        try:
            if not context.collection.manifest.embeds_pictures:
                return _elsewhere(context.collection.work(identity), size)
            path = context.thumbnails.path(identity, size)
        except QueryError as error:
            return PlainTextResponse(str(error), status_code=404)
        if path is None:
            return _placeholder(size)
        # Some 20 kB, and many at a time: read here at once, where a FileResponse goes through threads four times
        return Response(path.read_bytes(), media_type="image/webp", headers={"Cache-Control": _YEAR})

    async def encoder(request: Request) -> Response:
        ready, visited = context.readiness, context.for_visitor(language_of(request), request)
        status = {
            "state": ready.state,
            "text": ready.embeds_text,
            "reason": visited.strings.message(ready.reason) if visited.is_owner else "",
            "owner": visited.is_owner,
        }
        return JSONResponse(status, headers={"Cache-Control": "no-store"})

    def suggestions(request: Request) -> Response:
        """What someone who is typing may search for: `[{"text", "note"}]`."""
        strings = context.in_language(language_of(request)).strings
        text = request.query_params.get("text", "")[:LONGEST_TEXT]
        found = [
            {"text": one.text[:LONGEST_TEXT], "note": f"{strings.column(one.column)} · {strings.number(one.works)}"}
            for one in context.collection.suggest(text)
        ]
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    async def asset(request: Request) -> Response:
        found = assets()[request.path_params["name"]]
        return Response(found.data, media_type=found.media_type, headers={"Cache-Control": _YEAR})

    return [
        Route("/thumbnails/{size:int}/{identity:text}", thumbnail),
        Route("/art/{name:asset}", asset),
        Route("/encoder", encoder),
        Route("/suggestions", suggestions),
        *health_routes(context),
        *download_routes(context),
        *page_routes(context),
    ]


def _elsewhere(work: Mapping[str, Any], size: int) -> Response:
    """Redirect the browser to the picture's own address, for collections without picture files. The server never fetches it."""
    link = safe_link({"url": work.get("image_url")})
    return RedirectResponse(link[0], status_code=302) if link else _placeholder(size)


def _placeholder(size: int) -> Response:
    return Response(_drawn(size), media_type="image/webp", headers={"Cache-Control": "max-age=60"})


@cache
def _drawn(size: int) -> bytes:
    return placeholder(size)


def middleware() -> list[Any]:
    """Middleware from the outermost to the innermost: `BodyLimit` comes first, so nothing reads a body before it."""
    return [Middleware(BodyLimit), Middleware(NoFetching), Middleware(MalformedCalls), Middleware(EntryRedirect)]
