"""Batches of a build: works decoded and embedded in several threads, and handed over in their order.

A batch is cut into slices. While the model runs for one slice, others are read, decoded and resized, and the rest of their
vectors is computed. What a slice holds depends on the order of the works alone, so the vectors do not depend on the number of
threads.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from artsim.building.usable_works import Embed, check_encoders, embed_usable
from artsim.embedding.decoded_works import DecodedWork
from artsim.embedding.embedded_works import EmbeddedWorks, concat
from artsim.encoders import Encoder
from artsim.encoders.runtime import usable_cores
from artsim.errors import ImageError, SourceError
from artsim.sources import Work

_SLICE = 16  # works that a thread embeds together, unless a model takes more at once
_MOST_WORKERS = 8  # each holds a slice of decoded pictures, of about 1 MB each
_FEWEST_DECODERS = 2

Decode = Callable[[Work], DecodedWork | ImageError]


@dataclass
class EmbeddedBatch:
    """Works of a source, in their order, with the vectors of those that can be used."""

    works: list[Work] = field(default_factory=list)
    parts: list[EmbeddedWorks] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Id -> why its picture cannot be read."""
    unusable: dict[str, str] = field(default_factory=dict)
    """Id -> why its picture cannot be embedded."""

    @property
    def embedded(self) -> EmbeddedWorks | None:
        """None if no work can be used."""
        return concat(self.parts) if self.parts else None

    @property
    def failed(self) -> dict[str, str]:
        """Id -> why it is left out, as a sentence."""
        unusable = {name: f"{name} cannot be embedded ({reason})." for name, reason in self.unusable.items()}
        return {**unusable, **self.unreadable}

    def add(self, other: EmbeddedBatch) -> None:
        """Add the works of `other` behind those that are here."""
        self.works += other.works
        self.parts += other.parts
        self.unreadable |= other.unreadable
        self.unusable |= other.unusable


def count_workers(workers: int | None) -> int:
    """`workers`, or the best number for this machine. `SourceError` unless it is at least 1."""
    if workers is None:
        return max(2, min(usable_cores(), _MOST_WORKERS))
    if workers < 1:
        raise SourceError(f"The number of workers must be at least 1; it is {workers}.")
    return workers


def slice_sizes(encoders: Iterable[Encoder], batch: int) -> list[int]:
    """The numbers of works in the slices of a batch: as many as a model takes at once, if that is more than `_SLICE`."""
    size = min(batch, max(_SLICE, *(getattr(encoder, "batch_size", 1) for encoder in encoders)))
    return [min(size, batch - start) for start in range(0, batch, size)]


def embedded_batches(
    works: Iterator[Work], decode: Decode, embed: Embed, *, slices: Sequence[int], workers: int
) -> Generator[EmbeddedBatch]:
    """Batches of works, cut into slices of the sizes `slices`; `workers` slices are embedded at once, and one more is decoded.

    Raises what `works` raises, after the batches before it, and `EncoderError` if `embed` fails for all of a batch alike.
    """
    reader, embedders = ThreadPoolExecutor(1), ThreadPoolExecutor(workers)
    decoders = ThreadPoolExecutor(max(_FEWEST_DECODERS, workers))
    sizes = itertools.cycle(slices)

    def read() -> tuple[int, Future[EmbeddedBatch]]:
        """Begin with the next slice; how many works it has."""
        read_works = list(itertools.islice(works, next(sizes)))
        decoding = [decoders.submit(decode, work) for work in read_works]
        return len(read_works), embedders.submit(_embed_slice, read_works, decoding, embed)

    ahead = deque(reader.submit(read) for _ in range(workers + 1))
    try:
        for _ in itertools.count():
            batch, ended = EmbeddedBatch(), False
            for _ in slices:
                count, embedding = ahead.popleft().result()
                if ended := count == 0:
                    break
                ahead.append(reader.submit(read))
                batch.add(embedding.result())
            if batch.works:
                check_encoders(batch.parts, batch.unusable)
                yield batch
            if ended:
                return
    finally:
        for pool in (reader, decoders, embedders):
            pool.shutdown(cancel_futures=True)


def _embed_slice(
    works: list[Work], decoding: Sequence[Future[DecodedWork | ImageError]], embed: Embed
) -> EmbeddedBatch:
    decoded = [future.result() for future in decoding]
    parts, unusable = embed_usable([item for item in decoded if isinstance(item, DecodedWork)], embed)
    unreadable = {
        work["id"]: str(item) for work, item in zip(works, decoded, strict=True) if isinstance(item, ImageError)
    }
    return EmbeddedBatch(works, parts, unreadable, unusable)
