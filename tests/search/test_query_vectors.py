"""Query vectors: a picture is embedded once, however often its search is refined and however many ask for it at once."""

import io
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from counting import Counting
from PIL import Image

from artsim import Part
from artsim.encoders.protocol import Blocks
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


class Slow(Counting):
    """Notes its batches; the first waits until `go` is set."""

    def __init__(self, encoder: Any) -> None:
        super().__init__(encoder)
        self.go = threading.Event()
        self.batches: list[int] = []

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        self.batches.append(len(images))
        assert self.go.wait(60)
        return super().embed_images(images)


def test_a_picture_that_eight_ask_for_at_once_is_embedded_once_and_those_that_wait_are_one_batch(
    collection: Any, painting: bytes
) -> None:
    encoder = Slow(collection.encoder())
    embedding, space = QueryEmbedding(lambda _: encoder, collection.picture), collection.state.spaces[0]
    others = [Image.new("RGB", (40, 40), (shade, 9, 9)) for shade in range(5)]
    with ThreadPoolExecutor(13) as pool:
        same = [pool.submit(embedding.images, space, [Part(image=painting)]) for _ in range(8)]
        until(lambda: encoder.batches == [1])
        different = [pool.submit(embedding.images, space, [Part(image=picture)]) for picture in others]
        [batches] = embedding._batches.values()
        until(lambda: len(batches._waiting) == 5)
        encoder.go.set()
        found = [future.result(60) for future in [*same, *different]]
    assert (encoder.seen, encoder.batches) == (6, [1, 5])
    for blocks, picture in zip(found, [painting] * 8 + others, strict=True):
        alone = QueryEmbedding(lambda _: collection.encoder(), collection.picture).images(space, [Part(image=picture)])
        for aspect, rows in alone.items():
            np.testing.assert_allclose(blocks[aspect], rows, atol=1e-5)


def until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
