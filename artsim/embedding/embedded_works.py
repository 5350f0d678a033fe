"""Embedded works, to be added to a collection: metadata, files, hashes and vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from artsim.encoders.protocol import Blocks

ReadFile = Callable[[], bytes]
"""Reads a picture file when called; the file must exist until the collection is saved."""


@dataclass(frozen=True)
class SpaceVectors:
    """The vectors of n works in one space: raw blocks (n, d each), and region vectors (n, regions * d) if it has any.

    Of works that were taken out of a compact space: the plain `subject` block alone, `codes` (n, dimension) uint8, and
    `region_codes` (n, regions * dimension) uint8.
    """

    blocks: Blocks
    regions: np.ndarray | None = None
    codes: np.ndarray | None = None
    region_codes: np.ndarray | None = None

    def only(self, rows: Sequence[int]) -> SpaceVectors:
        """The vectors of the works at `rows`."""
        chosen = list(rows)
        blocks: Blocks = {aspect: block[chosen] for aspect, block in self.blocks.items()}
        others = (self.regions, self.codes, self.region_codes)
        return SpaceVectors(blocks, *(None if other is None else other[chosen] for other in others))


@dataclass(frozen=True)
class RecognitionVectors:
    """What n works are recognised by: `codes` (n, 256) uint8 of `artsim.encoders.recognition_vectors`.

    `features` (n, 14,406) uint8: the packed local features of their pictures, where these are not kept.
    """

    codes: np.ndarray
    features: np.ndarray | None = None

    def only(self, rows: Sequence[int]) -> RecognitionVectors:
        """The vectors of the works at `rows`."""
        chosen = list(rows)
        return RecognitionVectors(self.codes[chosen], None if self.features is None else self.features[chosen])


@dataclass(frozen=True)
class EmbeddedWorks:
    """Works with their vectors in every space of a collection; all fields have the same order."""

    works: tuple[Mapping[str, Any], ...]
    """Metadata columns; an `image` among them is ignored."""
    files: tuple[ReadFile, ...]
    hashes: tuple[str, ...]
    """The sha256 of each file."""
    vectors: Mapping[str, SpaceVectors]
    """By space name."""
    recognition: RecognitionVectors | None = None
    """None if the collection recognises no works."""
    removed_from: object = field(default=None, compare=False, repr=False)
    """The collection that they were works of, if it removed them."""

    def __len__(self) -> int:
        return len(self.works)

    def only(self, rows: Sequence[int]) -> EmbeddedWorks:
        """The works at `rows`."""
        return EmbeddedWorks(
            tuple(self.works[row] for row in rows),
            tuple(self.files[row] for row in rows),
            tuple(self.hashes[row] for row in rows),
            {name: vectors.only(rows) for name, vectors in self.vectors.items()},
            None if self.recognition is None else self.recognition.only(rows),
            self.removed_from,
        )


def concat(batches: Sequence[EmbeddedWorks]) -> EmbeddedWorks:
    """Concatenate one or more batches of works."""
    return EmbeddedWorks(
        tuple(work for batch in batches for work in batch.works),
        tuple(file for batch in batches for file in batch.files),
        tuple(sha for batch in batches for sha in batch.hashes),
        {name: _concat_vectors([batch.vectors[name] for batch in batches]) for name in batches[0].vectors},
        _concat_recognition([batch.recognition for batch in batches if batch.recognition is not None]),
    )


def _concat_recognition(batches: Sequence[RecognitionVectors]) -> RecognitionVectors | None:
    if not batches:
        return None
    codes = np.concatenate([batch.codes for batch in batches])
    return RecognitionVectors(codes, _concat_all([batch.features for batch in batches]))


def _concat_vectors(batches: Sequence[SpaceVectors]) -> SpaceVectors:
    blocks: Blocks = {
        aspect: np.concatenate([batch.blocks[aspect] for batch in batches]) for aspect in batches[0].blocks
    }
    return SpaceVectors(
        blocks,
        _concat_all([batch.regions for batch in batches]),
        _concat_all([batch.codes for batch in batches]),
        _concat_all([batch.region_codes for batch in batches]),
    )


def _concat_all(arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """The arrays end to end; None if there are none."""
    there = [array for array in arrays if array is not None]
    return np.concatenate(there) if there else None
