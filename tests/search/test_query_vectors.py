"""Query vectors: a picture is embedded once, however often its search is refined."""

import io
from typing import Any

import numpy as np
import pytest
from counting import Counting
from PIL import Image

from artsim import Part
from artsim.search.query_vectors import QueryEmbedding

pytestmark = pytest.mark.slow  # the file takes more than a few seconds


@pytest.fixture
def counted(collection: Any) -> tuple[QueryEmbedding, Counting, Any]:
    encoder = Counting(collection.encoder())
    return QueryEmbedding(lambda _: encoder, collection.picture), encoder, collection.state.spaces[0]


def test_a_picture_is_embedded_once_and_another_picture_or_region_anew(counted: Any, painting: bytes) -> None:
    embedding, encoder, space = counted
    first = embedding.images(space, [Part(image=painting)])
    again = embedding.images(space, [Part(image=painting, weight=-2.0)])
    assert encoder.seen == 1
    for aspect, rows in first.items():
        np.testing.assert_array_equal(rows, again[aspect])
    other = Image.open(io.BytesIO(painting)).convert("RGB")
    other.putpixel((0, 0), (1, 2, 3))
    embedding.images(space, [Part(image=other), Part(image=painting, region=(0, 0, 0.5, 0.5))])
    assert encoder.seen == 3


def test_only_the_latest_pictures_are_cached(counted: Any) -> None:
    embedding, encoder, space = counted
    pictures = [Image.new("RGB", (40, 40), (shade, 0, 0)) for shade in range(70)]
    embedding.images(space, [Part(image=picture) for picture in pictures])
    embedding.images(space, [Part(image=pictures[-1])])
    assert encoder.seen == 70
    embedding.images(space, [Part(image=pictures[0])])
    assert encoder.seen == 71
