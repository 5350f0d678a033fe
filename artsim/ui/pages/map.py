"""`/map`: all works in one zoomable grid, similar works next to each other; a click searches. Also serves tiles and titles."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from artsim.ui.addresses import search_address
from artsim.ui.context import Context
from artsim.ui.labels import label_of
from artsim.ui.pages.layout import page, view
from artsim.ui.pages.map_tiles import TILE, MapTiles, MapTilesCache

_PAGE_SIZE = 256  # works per request for titles
_CACHE_FOR_A_YEAR = {"Cache-Control": "public, max-age=31536000, immutable"}  # the addresses contain the key of the map
_NO_STORE = {"Cache-Control": "no-store"}


def routes(context: Context) -> list[Route]:
    tiles_cache = MapTilesCache(context.collection, context.thumbnails)

    def show(localized: Context, request: Request) -> Response:
        strings = localized.strings
        title = strings("map.title")
        if not context.collection.manifest.embeds_pictures:
            return page(localized, "map", title=title, notice=strings("map.no-pictures"))
        tiles, scripts = tiles_cache.get(), ("map.js",)
        if tiles is None:
            notice = strings("map.drawing")
            return page(localized, "map", title=title, notice=notice, facts={"drawing": True}, scripts=scripts)
        facts = _facts(localized, tiles, request.query_params.get("work", ""))
        return page(localized, "map", title=title, notice="", facts=facts, scripts=scripts, styles=("map.css",))

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
        Route("/map", view(context, "map", show)),
        Route("/map/tiles/{halved:int}/{x:int}_{y:int}.webp", tile),
        Route("/map/works/{page:int}", works),
        Route("/map/state", state),
    ]


def _titles(tiles: MapTiles, first: int, last: int) -> list[list[str]]:
    """Id, title and maker of the works in cells `first` to `last` (exclusive)."""
    works = [tiles.state.work(row) for row in tiles.map.order[first:last].tolist()]
    return [[str(work["id"]), label_of(work).title, label_of(work).by] for work in works]


def _facts(context: Context, tiles: MapTiles, work: str) -> dict[str, object]:
    """What `map.js` needs. `work`: the id of the work to start at, if there is one."""
    works_map, row = tiles.map, tiles.state.rows.get(work)
    return {
        "columns": works_map.columns,
        "rows": works_map.rows,
        "works": len(works_map.order),
        "halvings": tiles.halvings,
        "tile": TILE,
        "page": _PAGE_SIZE,
        "key": tiles.key,
        "search": search_address(context.strings.language),
        "made": tiles.made,
        "start": None if row is None else int(works_map.cells[row]),
        "words": context.strings.starting_with("map.js."),
    }
