"""`/recognition`: says which work of the collection a visitor's picture shows, if any, and shows the picture straightened.

The header `X-Upload` names the file. The answer is a fragment for the search page, which asks once it has shown its results.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from urllib.parse import unquote

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from artsim.analysis.classification import Classification, classify_with_works
from artsim.errors import QueryError
from artsim.images.decode import ImageLike, load_image
from artsim.images.quadrilaterals import straighten
from artsim.images.thumbnails import SMALL, thumbnail
from artsim.messages.message import Translated
from artsim.search.match import Match
from artsim.search.recognition import bounded_photograph
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.uploads import uploaded_path
from artsim.ui.pages.layout import view
from artsim.ui.search_service import read_upload
from artsim.ui.templates import render

_AT_ONCE = 2  # recognition takes half a second of two processors; searches come first
_SIDE = 800  # pixels of the straightened photograph
_BY = ("style", "movement", "school")  # the column that an unknown picture is classified by: the first that there is
_SHOWN = 4  # works that a classification rests on

log = logging.getLogger(__name__)


def routes(context: Context) -> list[Route]:
    slots = asyncio.Semaphore(_AT_ONCE)
    answer = view(context, "recognition", _answer, seated=True)

    async def recognition(request: Request) -> Response:
        await request.body()  # what comes after it is that the visitor has gone
        async with slots:
            if await request.is_disconnected():
                return Response(status_code=204)
            return await asyncio.to_thread(answer, request)

    return [Route("/recognition", recognition)]


def _answer(context: Context, request: Request) -> Response:
    strings, upload = context.strings, request.headers.get("X-Upload")
    if not upload:
        raise QueryError(Translated(strings("api.nothing")))
    file = uploaded_path(unquote(upload), strings("notice.url"))
    picture = read_upload(file, context)
    photograph = bounded_photograph(picture)
    match = context.collection.recognize(photograph)
    found = None if match else _classified(context, picture)
    html = render(
        "pages/recognition.html",
        strings,
        match=match,
        found=found,
        works=[context.collection.work(identity) for identity in found.works[:_SHOWN]] if found else [],
        photograph=_data_url(_straightened(context, photograph, match)) if match else None,
        collection=context.collection.manifest.title,
        count=strings.number(len(context.collection)),
    )
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})


def _classified(context: Context, picture: ImageLike) -> Classification | None:
    """What a picture is by style; None if unsure, or if the collection does not know styles."""
    column = next((name for name in _BY if name in context.collection.state.table.column_names), None)
    if column is None:
        return None
    try:
        return classify_with_works(context.collection, picture, column)
    except QueryError as error:  # too few works with a style
        log.debug("Not classified: %s", error)
        return None


def _straightened(context: Context, photograph: Image.Image, match: Match) -> Image.Image:
    """The work as the photograph shows it, in the proportions of its picture; clear where the photograph ends."""
    flat = straighten(photograph.convert("RGBA"), np.array(match.corners) * photograph.size)
    file = context.thumbnails.path(match.id, SMALL) if context.collection.manifest.embeds_pictures else None
    if file is None:
        return flat
    width, height = load_image(file).size  # a photograph from the side foreshortens it
    return flat.resize((max(1, round(flat.height * width / height)), flat.height), Image.Resampling.LANCZOS)


def _data_url(image: Image.Image) -> str:
    return f"data:image/webp;base64,{base64.b64encode(thumbnail(image, side=_SIDE)).decode()}"
