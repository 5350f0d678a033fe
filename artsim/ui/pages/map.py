"""`/map`: all works on one wall to zoom into, like beside like; a click searches. Its tiles and titles come from here too."""

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

_PAGE = 256  # works whose titles the browser fetches together
_YEAR = {"Cache-Control": "public, max-age=31536000, immutable"}  # the addresses have the key of the map in them
_NEVER = {"Cache-Control": "no-store"}


def routes(context: Context) -> list[Route]:
    keeper = MapTilesCache(context.collection, context.thumbnails)

    def page(speaking: Context, request: Request) -> Response:
        if context.collection.manifest.images != "bytes":
            return _told(speaking, "map.no-pictures")
        mosaic = keeper.get()
        if mosaic is None:
            return _told(speaking, "map.drawing", facts={"drawing": True}, scripts=("map.js",))
        return _map(speaking, mosaic, request.query_params.get("work", ""))

    def tile(request: Request) -> Response:
        mosaic = keeper.get()
        place = (request.path_params[name] for name in ("halved", "x", "y"))
        found = None if mosaic is None else mosaic.tile(*place)
        if found is None:
            return PlainTextResponse("There is no such tile.", status_code=404)
        return Response(found.data, media_type="image/webp", headers=_YEAR if found.complete else _NEVER)

    def works(request: Request) -> Response:
        mosaic = keeper.get()
        if mosaic is None:
            return PlainTextResponse("The map is being drawn.", status_code=404)
        first = request.path_params["page"] * _PAGE
        return JSONResponse(_titles(mosaic, first, first + _PAGE), headers=_YEAR)

    def state(request: Request) -> Response:
        mosaic = keeper.get()
        note = {"drawn": False} if mosaic is None else {"drawn": True, "waiting": mosaic.waiting, "made": mosaic.made}
        return JSONResponse(note, headers=_NEVER)

    return [
        Route("/map", view(context, "map", page)),
        Route("/map/tiles/{halved:int}/{x:int}_{y:int}.webp", tile),
        Route("/map/works/{page:int}", works),
        Route("/map/state", state),
    ]


def _titles(mosaic: MapTiles, first: int, last: int) -> list[list[str]]:
    """Id, title and maker of the works in the cells from `first` to before `last`."""
    labels = []
    for row in mosaic.map.order[first:last].tolist():
        work = mosaic.state.work(row)
        label = label_of(work)
        labels.append([str(work["id"]), label.title, label.by])
    return labels


def _map(context: Context, mosaic: MapTiles, work: str) -> Response:
    strings, drawn = context.strings, mosaic.map
    row = mosaic.state.rows.get(work)
    facts = {
        "columns": drawn.columns,
        "rows": drawn.rows,
        "works": len(drawn.order),
        "halvings": mosaic.halvings,
        "tile": TILE,
        "page": _PAGE,
        "key": mosaic.key,
        "search": search_address(strings.language),
        "made": mosaic.made,
        "start": None if row is None else int(drawn.cells[row]),
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


def _told(
    context: Context, key: str, *, facts: dict[str, bool] | None = None, scripts: tuple[str, ...] = ()
) -> Response:
    """The page without a map, and why there is none."""
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
