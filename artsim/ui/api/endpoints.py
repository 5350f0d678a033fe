"""HTTP API and MCP tools: searches by picture, text and work, and descriptions; see docs/http.md.

Each nested function is one endpoint and one tool; clients and language models read its docstring.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from artsim.images.thumbnails import SMALL
from artsim.search.match import Match
from artsim.ui.api import json_inputs as typed
from artsim.ui.api.calls import Calls, plain
from artsim.ui.api.picture_endpoints import add_classify, add_recognize
from artsim.ui.api.schemas import (
    CollectionAnswer,
    MatchAnswer,
    SuggestionAnswer,
    WorkAnswer,
    collection_answer,
    suggestion_answer,
    work_answer,
)
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.json_component import Typed
from artsim.ui.gradio_overrides.refusal import Refusal
from artsim.ui.gradio_overrides.unqueued_endpoint import add_endpoint
from artsim.ui.gradio_overrides.uploads import PictureFile
from artsim.ui.search_service import read_upload

DEFAULT_K = 10
DEFAULT_SUGGESTIONS = 8


def add_endpoints(context: Context) -> None:
    """Connect the endpoints; call once, inside `gr.Blocks`. Invalid input is answered with one message."""
    with gr.Row(visible=False):
        calls = Calls(context)
        _add_searches(context, calls)
        _add_search_combined(context, calls)
        add_recognize(context, calls)
        add_classify(context, calls)
        _add_descriptions(context, calls)


def _add_searches(context: Context, calls: Calls) -> None:
    collection, strings = context.collection, context.strings

    async def search_by_image(image: str | None, k: int = DEFAULT_K) -> Any:
        """Find the works of this art collection that look most like a picture, in subject, style and colour.

        Args:
            image: The picture: JPEG, PNG, WebP, GIF or AVIF. The MCP tool takes the file in base64, plain or as
                a data URL ("data:image/jpeg;base64,..."), at most 3 MB, or the address returned by an upload to this app.
                Other addresses are not fetched.
            k: Number of works to return, from 1 to 1000.

        Returns:
            A JSON list of works, nearest first, each with rank, id, title, artist, year, score (from 0 to 1)
                with its word, percentile, whether it is close, licence, web page and thumbnail.
        """
        if image is None:
            raise Refusal(strings("api.nothing"))
        return await calls.matches(lambda: collection.search(read_upload(Path(image), context), k=typed.read_k(k)))

    async def search_by_work(work: str, k: int = DEFAULT_K) -> Any:
        """Find the works that look most like a work of this art collection. The work itself is not included.

        Args:
            work: The id of the work, as the searches return it.
            k: Number of works to return, from 1 to 1000.

        Returns:
            A JSON list of works, nearest first, as search_by_image returns it.
        """
        return await calls.matches(lambda: collection.search(work=typed.read_work(work), k=typed.read_k(k)))

    add_endpoint(
        search_by_image, [PictureFile(strings), Typed(typed.K, DEFAULT_K)], typed.answers_of(list[MatchAnswer])
    )
    _add_text(context, calls)
    add_endpoint(search_by_work, [Typed(typed.WORK), Typed(typed.K, DEFAULT_K)], typed.answers_of(list[MatchAnswer]))


def _add_text(context: Context, calls: Calls) -> None:
    collection = context.collection

    async def search_by_text(text: str, k: int = DEFAULT_K) -> Any:
        """Find works of this art collection by words: first those whose title, artist, tags, medium, inventory number, place
        or description have them, such as "Rembrandt" or "night watch", then those that look like them, such as "a storm".

        Case, accents and small typing errors do not matter. Some encoders embed pictures only; then only the former are
        found, and describe_collection reports reads_text as false.

        Args:
            text: Words of the metadata in any language, or what the picture should show, at most 1000 characters; English is
                understood best.
            k: Number of works to return, from 1 to 1000.

        Returns:
            A JSON list of works as search_by_image returns it. Those with found_by "label" have the words, come first, and
                have no score (null); those with found_by "likeness" look like the text.
        """
        return await calls.matches(lambda: collection.search(text=typed.read_text(text), k=typed.read_k(k)))

    async def suggest(text: str, limit: int = DEFAULT_SUGGESTIONS) -> Any:
        """Suggest what to search for in this art collection: artists, titles, tags and the like that begin with what was
        typed, or contain it.

        Args:
            text: The beginning of a word or name, or several words, at most 1000 characters.
            limit: Number of suggestions, from 1 to 100.

        Returns:
            A JSON list, best first, each with text, column and works, the number of works that have it.
        """
        return await calls.answer(
            lambda: [
                plain(suggestion_answer(suggestion))
                for suggestion in collection.suggest(typed.read_text(text), typed.read_k(limit))
            ]
        )

    inputs = [Typed(typed.TEXT), Typed(typed.K, DEFAULT_K)]
    add_endpoint(search_by_text, inputs, typed.answers_of(list[MatchAnswer]))
    limit = Typed(typed.LIMIT, DEFAULT_SUGGESTIONS)
    add_endpoint(suggest, [Typed(typed.TEXT), limit], typed.answers_of(list[SuggestionAnswer]))


def _add_search_combined(context: Context, calls: Calls) -> None:
    collection, strings = context.collection, context.strings

    async def search_combined(
        image: str | None = None,
        text: str | None = None,
        work: str | None = None,
        k: int = DEFAULT_K,
        preset: str = "balanced",
        aspects: dict[str, float] | None = None,
        ranking: str = "tuned",
        where: dict[str, Any] | None = None,
        other: list[str] | None = None,
        at_most: dict[str, int] | None = None,
        text_mode: str = "auto",
        min_score: float = 0.0,
    ) -> Any:
        """Search this art collection with a combined query: a picture, a text and a work, weights of the aspects of
        similarity, and conditions on the works. Give at least one of image, text and work.

        Args:
            image: A picture, as search_by_image takes it.
            text: A text, as search_by_text takes it.
            work: The id of a work, as search_by_work takes it.
            k: Number of works to return, from 1 to 1000.
            preset: What counts as similar: balanced, style, subject, color, or same-work (another reproduction of the same work).
            aspects: Weights of subject, style, color and layout, such as {"style": 1, "color": 0.5}; they replace the preset.
            ranking: tuned (recommended), likeness (no corrections) or cosine (the plain cosine of subject vectors).
            where: Conditions on the columns that describe_collection lists: a value, a list of values of which one must
                match, or a range; such as {"artist": ["Degas", "Manet"], "year": {"from": 1870, "to": 1880}}.
            other: Columns in which a match must differ from the given work: ["artist"] finds works by other artists.
            at_most: How many matches may share a value, such as {"artist": 2}.
            text_mode: For a text alone: auto, metadata (only works that have the words) or meaning (only works that look like
                the text). Together with a picture or a work, a text has its meaning.
            min_score: The least score of a match: 0.3 for similar works and 0.6 for very similar ones.

        Returns:
            A JSON list of works, best first, as search_by_image returns it.
        """

        def find() -> list[Match]:
            weights = typed.read_aspects(aspects)
            return collection.search(
                None if image is None else read_upload(Path(image), context),
                typed.read_text(text) if text else None,
                typed.read_work(work) if work else None,
                k=typed.read_k(k),
                aspects=weights,
                preset=None if weights else preset,
                ranking=ranking,  # type: ignore[arg-type]  # checked by the search
                where=typed.read_where(where),
                other=typed.read_columns(other),
                at_most=typed.read_limits(at_most),
                text_mode=text_mode,  # type: ignore[arg-type]  # checked by the search
                min_score=min_score,
            )

        return await calls.matches(find)

    inputs = [
        PictureFile(strings),
        Typed(typed.TEXT),
        Typed(typed.WORK),
        Typed(typed.K, DEFAULT_K),
        Typed(typed.PRESET, "balanced"),
        Typed(typed.ASPECTS),
        Typed(typed.RANKING, "tuned"),
        Typed(typed.WHERE),
        Typed(typed.COLUMNS),
        Typed(typed.LIMITS),
        Typed(typed.TEXT_MODE, "auto"),
        Typed(typed.MIN_SCORE, 0),
    ]
    add_endpoint(search_combined, inputs, typed.answers_of(list[MatchAnswer]))


def _add_descriptions(context: Context, calls: Calls) -> None:
    collection = context.collection

    async def describe_work(work: str) -> Any:
        """Describe one work of this art collection: all its metadata, licence, web page, pictures and their size.

        As an MCP tool, this also returns the picture.

        Args:
            work: The id of the work, as the searches return it.

        Returns:
            A JSON object with id, title, artist, year, licence, web page, thumbnail, picture, width, height and metadata.
        """

        def describe() -> dict[str, Any]:
            entry = collection.work(typed.read_work(work))
            if collection.manifest.embeds_pictures:
                context.thumbnails.path(entry["id"], SMALL)  # the MCP tool returns it; made here, off the event loop
            return plain(work_answer(entry, collection))

        return await calls.answer(describe)

    async def describe_collection() -> Any:
        """Describe this art collection: its title, number of works, licence, encoder, whether text searches work, and the
        columns to filter by with their values.

        Returns:
            A JSON object.
        """
        readiness = context.readiness
        reads_text = None if readiness.state == "loading" else readiness.embeds_text
        return await calls.answer(lambda: plain(collection_answer(collection, context.facets, reads_text=reads_text)))

    add_endpoint(describe_work, [Typed(typed.WORK)], typed.answers_of(WorkAnswer))
    add_endpoint(describe_collection, [], typed.answers_of(CollectionAnswer))
