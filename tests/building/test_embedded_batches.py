"""Slices of works are embedded beside each other and come back in their order; what a thread does is known in advance."""

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counting import Grid
from PIL import Image

from artsim import EncoderError, SourceError, build_collection, open_source
from artsim.building import embedded_batches as batches_module
from artsim.building import pipeline
from artsim.building.embedded_batches import EmbeddedBatch, embedded_batches, slice_sizes
from artsim.embedding.decoded_works import DecodedWork
from artsim.embedding.embedded_works import EmbeddedWorks
from artsim.errors import ImageError

PICTURE = Image.new("RGB", (8, 8))


def decode(work: Any) -> DecodedWork | ImageError:
    if work.get("broken"):
        return ImageError("{label} is broken.", label=work["id"])
    return DecodedWork(work, bytes, "", PICTURE, PICTURE)


def embed(items: Sequence[DecodedWork]) -> EmbeddedWorks:
    if any(item.work.get("odd") for item in items):
        raise RuntimeError("no room")
    return EmbeddedWorks(tuple(item.work for item in items), (bytes,) * len(items), ("",) * len(items), {})


def run(works: Iterator[Any], embed: Any = embed, workers: int = 3) -> Iterator[EmbeddedBatch]:
    """Batches of five, in slices of two, two and one."""
    return embedded_batches(works, decode, embed, slices=[2, 2, 1], workers=workers)


def numbered(count: int, **marked: Sequence[int]) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"id": f"w{number}", **{mark: number in numbers for mark, numbers in marked.items()}}


def test_all_works_come_in_their_order_with_the_reasons_of_those_left_out() -> None:
    def slower_at_first(items: Sequence[DecodedWork]) -> EmbeddedWorks:
        time.sleep(0.05 if items and items[0].work["id"] == "w0" else 0)
        return embed(items)

    done = list(run(numbered(12, broken=[3, 10], odd=[4, 8]), slower_at_first))
    assert [len(batch.works) for batch in done] == [5, 5, 2]
    assert [work["id"] for batch in done for work in batch.works] == [f"w{number}" for number in range(12)]
    embedded = [work["id"] for batch in done if batch.embedded for work in batch.embedded.works]
    assert embedded == [f"w{number}" for number in range(12) if number not in (3, 4, 8, 10)]
    assert {name: reason for batch in done for name, reason in batch.failed.items()} == {
        "w3": "w3 is broken.",
        "w4": "w4 cannot be embedded (no room).",
        "w8": "w8 cannot be embedded (no room).",
        "w10": "w10 is broken.",
    }


def test_slices_are_embedded_at_once_and_no_more_are_read_than_that_takes() -> None:
    together, read = threading.Barrier(3), itertools.count()

    def works() -> Iterator[dict[str, Any]]:
        while True:
            yield {"id": f"w{next(read)}"}

    def embed_together(items: Sequence[DecodedWork]) -> EmbeddedWorks:
        together.wait(30)  # for two others
        return embed(items)

    batches = run(works(), embed_together)
    assert len(next(batches).works) == 5
    together.abort()
    batches.close()
    assert next(read) <= 5 + 2 * (3 + 1)


def test_an_encoder_that_fails_for_all_of_a_batch_ends_the_build_and_a_source_does_after_whole_batches() -> None:
    batches = run(numbered(10, odd=range(5, 10)))
    assert len(next(batches).parts) == 3
    with pytest.raises(EncoderError, match=r"fails for every picture of a batch \(no room\)"):
        next(batches)

    def lost() -> Iterator[dict[str, Any]]:
        yield from numbered(7)
        raise SourceError("The connection was lost.")

    batches = run(lost())
    assert len(next(batches).works) == 5
    with pytest.raises(SourceError, match="connection was lost"):
        next(batches)


def test_a_slice_is_as_large_as_the_model_takes_at_once() -> None:
    class Large(Grid):
        batch_size = 32

    assert slice_sizes([Grid()], 64) == [16, 16, 16, 16]
    assert slice_sizes([Grid(), Large()], 64) == [32, 32]
    assert slice_sizes([Large()], 5) == [5]


@pytest.mark.slow
def test_vectors_do_not_depend_on_the_number_of_workers(
    pictures: Path, clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 5)
    monkeypatch.setattr(batches_module, "_SLICE", 2)
    monkeypatch.setattr(clip, "batch_size", 2, raising=False)
    source = open_source(f"folder:{pictures}")
    one, four = (build_collection(source, clip, tmp_path / str(count), workers=count) for count in (1, 4))
    assert one.ids == four.ids
    assert one.state.table.to_pylist() == four.state.table.to_pylist()
    for aspect, block in one.state.spaces[0].raw_blocks().items():
        np.testing.assert_array_equal(block.all(), four.state.spaces[0].raw_blocks()[aspect].all())


def test_at_least_one_worker_is_needed(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="number of workers must be at least 1; it is 0"):
        build_collection(open_source(f"folder:{pictures}"), Grid(), tmp_path / "out", workers=0)
