"""Works with their vectors, on their way into a collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from artsim.encoders.protocol import Blocks

ReadFile = Callable[[], bytes]
"""Reads the file of a picture when it is called; the file must be there until the collection is saved."""


@dataclass(frozen=True)
class SpaceVectors:
    """The vectors of n works in one space: raw blocks (n, d each), and of their regions (n, regions * d) if it has any."""

    blocks: Blocks
    regions: np.ndarray | None = None

    def only(self, rows: Sequence[int]) -> SpaceVectors:
        """Those of the works at `rows`."""
        chosen = list(rows)
        blocks: Blocks = {aspect: block[chosen] for aspect, block in self.blocks.items()}
        return SpaceVectors(blocks, None if self.regions is None else self.regions[chosen])


@dataclass(frozen=True)
class EmbeddedWorks:
    """Works with their vectors in every space of a collection, in one order throughout."""

    works: tuple[Mapping[str, Any], ...]
    """Metadata columns; `image` may be among them, and is not used any more."""
    files: tuple[ReadFile, ...]
    hashes: tuple[str, ...]
    """The sha256 of each file."""
    vectors: Mapping[str, SpaceVectors]
    """By the name of the space."""

    def __len__(self) -> int:
        return len(self.works)


def concat(lots: Sequence[EmbeddedWorks]) -> EmbeddedWorks:
    """Several lots, one after the other. There must be at least one."""
    return EmbeddedWorks(
        tuple(work for lot in lots for work in lot.works),
        tuple(file for lot in lots for file in lot.files),
        tuple(sha for lot in lots for sha in lot.hashes),
        {name: _concat_vectors([lot.vectors[name] for lot in lots]) for name in lots[0].vectors},
    )


def _concat_vectors(lots: Sequence[SpaceVectors]) -> SpaceVectors:
    blocks: Blocks = {aspect: np.concatenate([lot.blocks[aspect] for lot in lots]) for aspect in lots[0].blocks}
    regions = [lot.regions for lot in lots if lot.regions is not None]
    return SpaceVectors(blocks, np.concatenate(regions) if regions else None)
