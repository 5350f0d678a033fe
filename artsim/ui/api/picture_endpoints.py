"""Endpoints and tools that say what a picture shows: which work, and which style. See `artsim.ui.api.endpoints`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from artsim.analysis.classification import classify_with_works
from artsim.ui.api import json_inputs as typed
from artsim.ui.api.calls import Calls, plain
from artsim.ui.api.schemas import (
    ClassificationAnswer,
    RecognitionAnswer,
    classification_answer,
    recognition_answer,
)
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.json_component import Typed
from artsim.ui.gradio_overrides.refusal import Refusal
from artsim.ui.gradio_overrides.unqueued_endpoint import add_endpoint
from artsim.ui.gradio_overrides.uploads import PictureFile
from artsim.ui.search_service import read_upload


def add_recognize(context: Context, calls: Calls) -> None:
    collection, strings = context.collection, context.strings

    async def recognize(image: str | None) -> Any:
        """Say which work of this art collection a picture shows, if any: a photograph of it, framed, on a wall, at an angle,
        cut off, or another reproduction. Unlike a search, it answers only if local features confirm that very work.

        Args:
            image: The picture, as search_by_image takes it.

        Returns:
            A JSON object: whether a work was recognized, its id, title, artist and year, whether it may be another version
                of it, where its corners are in the picture, and in how many places they agree.
        """
        if image is None:
            raise Refusal(strings("api.nothing"))

        def find() -> dict[str, Any]:
            return plain(recognition_answer(collection.recognize(read_upload(Path(image), context)), collection))

        return await calls.answer(find)

    add_endpoint(recognize, [PictureFile(strings)], typed.answers_of(RecognitionAnswer))


def add_classify(context: Context, calls: Calls) -> None:
    collection, strings = context.collection, context.strings

    async def classify(image: str | None, by: str = "style") -> Any:
        """Say what a picture is by a column of this art collection's metadata, such as its style or artist, with probabilities.

        They come from the works of the collection that look like it, and hold what they say: of the answers with 80 %, 80 % are
        right. It knows no labels but those of the collection, and says so when it is unsure.

        Args:
            image: The picture, as search_by_image takes it.
            by: A column with labels, such as style, genre or artist; describe_collection lists columns.

        Returns:
            A JSON object: the column, whether the answer is sure, the labels with their probabilities, and the ids of the works
                that the answer rests on.
        """
        if image is None:
            raise Refusal(strings("api.nothing"))

        def find() -> dict[str, Any]:
            column = typed.read_column(by)
            found = classify_with_works(collection, read_upload(Path(image), context), column)
            return plain(classification_answer(found, column))

        return await calls.answer(find)

    inputs = [PictureFile(strings), Typed(typed.COLUMN, "style")]
    add_endpoint(classify, inputs, typed.answers_of(ClassificationAnswer))
