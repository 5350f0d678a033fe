"""`/map`: all works in one zoomable grid, similar works next to each other; a click searches. Also serves tiles and titles."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from artsim.ui.assets import asset_address
from artsim.ui.context import Context
from artsim.ui.labels import label_of
from artsim.ui.language import search_address
from artsim.ui.markup import Markup, button, element
from artsim.ui.pages.layout import document, view
from artsim.ui.pages.map_tiles import TILE, MapTiles, MapTilesCache
from artsim.ui.pages.tiles import page_link

_PAGE_SIZE = 256  # works per request for titles
_CACHE_FOR_A_YEAR = {"Cache-Control": "public, max-age=31536000, immutable"}  # the addresses contain the key of the map
_NO_STORE = {"Cache-Control": "no-store"}


def routes(context: Context) -> list[Route]:
    tiles_cache = MapTilesCache(context.collection, context.thumbnails)

    def page(localized: Context, request: Request) -> Response:
        if not context.collection.manifest.has_pictures:
            return _notice_page(localized, "map.no-pictures")
        tiles = tiles_cache.get()
        if tiles is None:
            return _notice_page(localized, "map.drawing", facts={"drawing": True}, scripts=("map.js",))
        return _map(localized, tiles, request.query_params.get("work", ""))

    def tile(request: Request) -> Response:
        tiles = tiles_cache.get()
        position = (request.path_params[name] for name in ("halved", "x", "y"))
        drawn = None if tiles is None else tiles.tile(*position)
        if drawn is None:
            return PlainTextResponse("There is no such tile.", status_code=404)
        return Response(drawn.data, media_type="image/webp", headers=_CACHE_FOR_A_YEAR if drawn.complete else _NO_STORE)

    def works(request: Request) -> Response:
        tiles = tiles_cache.get()
        if tiles is None:
            return PlainTextResponse("The map is being drawn.", status_code=404)
        first = request.path_params["page"] * _PAGE_SIZE
        return JSONResponse(_titles(tiles, first, first + _PAGE_SIZE), headers=_CACHE_FOR_A_YEAR)

    def state(request: Request) -> Response:
        tiles = tiles_cache.get()
        status = {"drawn": False} if tiles is None else {"drawn": True, "waiting": tiles.waiting, "made": tiles.made}
        return JSONResponse(status, headers=_NO_STORE)

    return [
        Route("/map", view(context, "map", page)),
        Route("/map/tiles/{halved:int}/{x:int}_{y:int}.webp", tile),
        Route("/map/works/{page:int}", works),
        Route("/map/state", state),
    ]


def _titles(tiles: MapTiles, first: int, last: int) -> list[list[str]]:
    """Id, title and maker of the works in cells `first` to `last` (exclusive)."""
    labels = []
    for row in tiles.map.order[first:last].tolist():
        work = tiles.state.work(row)
        label = label_of(work)
        labels.append([str(work["id"]), label.title, label.by])
    return labels


def _map(context: Context, tiles: MapTiles, work: str) -> Response:
    strings, works_map = context.strings, tiles.map
    row = tiles.state.rows.get(work)
    facts = {
        "columns": works_map.columns,
        "rows": works_map.rows,
        "works": len(works_map.order),
        "halvings": tiles.halvings,
        "tile": TILE,
        "page": _PAGE_SIZE,
        "key": tiles.key,
        "search": search_address(strings.language),
        "made": tiles.made,
        "start": None if row is None else int(works_map.cells[row]),
        "words": strings.starting_with("map.js."),
    }
    return document(
        context,
        "map",
        *_heading(context),
        element("div",
            element("div", id="map", class_="map-view", data_label=strings("map.label"), aria_busy="true"),
            _buttons(context),
            element("p", element("a", "", href="", hidden=True), class_="map-caption", role="status"),
            class_="map-frame"),
        element("p", strings("map.keys"), class_="fine", id="map-keys"),
        element("script", src=asset_address("openseadragon.min.js")),
        title=strings("map.title"),
        styles=("map.css",),
        scripts=("map.js",),
        facts=facts,
    )  # fmt: skip


def _heading(context: Context) -> tuple[Markup, ...]:
    strings = context.strings
    listed = element("a", strings("map.list"), href=page_link("browse", sort="map"))
    return (
        element("h1", strings("map.title")),
        element("p", strings("map.lead"), " ", listed, class_="lead"),
    )


def _buttons(context: Context) -> Markup:
    signs = {"in": "+", "out": "−", "whole": "⤢"}
    labels = {name: context.strings(f"map.{name}") for name in signs}
    return element(
        "div",
        *(button(sign, data_zoom=name, aria_label=labels[name], title=labels[name]) for name, sign in signs.items()),
        class_="map-buttons", role="group", aria_label=context.strings("map.buttons"),
    )  # fmt: skip


def _notice_page(
    context: Context, key: str, *, facts: dict[str, bool] | None = None, scripts: tuple[str, ...] = ()
) -> Response:
    """The page with a notice in place of the map."""
    note = element("div", element("p", context.strings(key)), class_="notice", role="status")
    return document(
        context,
        "map",
        *_heading(context),
        note,
        title=context.strings("map.title"),
        facts=facts,
        scripts=scripts,
    )
