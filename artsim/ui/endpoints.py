"""The HTTP API: `/search_by_image` and `/search_by_text`, lists of matches as JSON."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from artsim.errors import ArtsimError, QueryError
from artsim.search import Match
from artsim.thumbnails import SMALL
from artsim.ui.cards import picture_address
from artsim.ui.context import Context
from artsim.ui.inputs import PictureFile
from artsim.ui.labels import label_of, safe_link, sentence_of
from artsim.ui.search_tab import read_upload

log = logging.getLogger(__name__)


def add_endpoints(context: Context) -> None:
    """Connect both endpoints; call inside `gr.Blocks`. Bad input is answered with `gr.Error` and one sentence."""
    strings = context.strings

    def search_by_image(image: str | None, k: float = 10) -> list[dict[str, Any]]:
        """The k works most like a picture."""
        if image is None:
            raise gr.Error(strings("api.nothing"), print_exception=False)
        return _answer(context, lambda: context.collection.search(read_upload(Path(image), strings), k=_whole(k)))

    def search_by_text(text: str, k: float = 10) -> list[dict[str, Any]]:
        """The k works that a text describes best, where the encoder of the collection reads words."""
        return _answer(context, lambda: context.collection.search(text=text or "", k=_whole(k)))

    with gr.Row(visible=False):
        image, words, k = PictureFile(strings), gr.Textbox(), gr.Number(value=10)
        matches, start = gr.JSON(), gr.Button()
    for function, query in ((search_by_image, image), (search_by_text, words)):
        start.click(function, [query, k], matches, api_name=function.__name__, concurrency_limit=2)


def _whole(k: Any) -> int:
    if isinstance(k, float) and not k.is_integer():
        raise QueryError(f"k must be a whole number; it is {k}.")
    return int(k) if isinstance(k, int | float) else k


def _answer(context: Context, search: Callable[[], list[Match]]) -> list[dict[str, Any]]:
    try:
        return [as_json(match) for match in search()]
    except ArtsimError as error:
        raise gr.Error(sentence_of(error), print_exception=False) from error
    except Exception as error:
        log.exception("A search through the API failed.")
        raise gr.Error(context.strings("notice.internal"), print_exception=False) from error


def as_json(match: Match) -> dict[str, Any]:
    """`thumbnail` is relative to the address of the app."""
    label, link = label_of(match.work), safe_link(match.work)
    return {
        "rank": match.rank,
        "id": match.id,
        "title": label.title,
        "artist": label.artist,
        "year": label.year,
        "score": round(match.score, 6),
        "cosine": round(match.cosine, 6),
        "angular_distance": round(match.angular_distance, 6),
        "percentile": round(match.percentile, 4),
        "close": match.close,
        "url": link[0] if link else None,
        "thumbnail": picture_address(match.work, SMALL),
    }
