"""`Space`: one encoder's vectors over all works, with the statistics and the index that make them searchable."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from artsim.encoders.protocol import Aspect, Blocks
from artsim.index import VectorIndex, build_index
from artsim.snapshot.region_index import IndexedRegions
from artsim.snapshot.space_statistics import SpaceStatistics, fit_statistics

LoadVectors = Callable[[str], np.ndarray]
"""Name of an embedding column -> its vectors (n, d) float32."""


@dataclass(frozen=True)
class Space:
    """One encoder's vectors over all works. `columns` maps each aspect to its embedding column in the dataset."""

    statistics: SpaceStatistics
    index: VectorIndex
    encoder: str
    revision: str
    columns: Mapping[Aspect, str]
    load_vectors: LoadVectors = field(repr=False)
    regions: IndexedRegions | None = None
    """For detail search; None if the collection was built without regions."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.statistics.name

    def raw_blocks(self) -> dict[Aspect, np.ndarray]:
        """The raw, uncentred blocks of all works (n, d each), read from the dataset."""
        return {aspect: self.load_vectors(column) for aspect, column in self.columns.items()}

    @property
    def raw_subject(self) -> VectorIndex:
        """Index of the raw subject vectors, for raw cosine and text queries. Built on first use, then cached."""
        with self._lock:
            return self._raw_subject

    @cached_property
    def _raw_subject(self) -> VectorIndex:
        return build_index(self.load_vectors(self.columns["subject"]))


def make_space(
    name: str,
    encoder: str,
    revision: str,
    columns: Mapping[Aspect, str],
    blocks: Blocks,
    *,
    segments: Mapping[Aspect, tuple[int, ...]] | None = None,
    index_kind: str = "auto",
) -> Space:
    """Fit a space to raw blocks (n, d each) and index it. `segments`: the lengths of each block's segments."""
    statistics = fit_statistics(name, blocks, segments)
    index = build_index(statistics.index_vectors(blocks), kind=index_kind)
    by_column = {columns[aspect]: block for aspect, block in blocks.items()}
    return Space(statistics, index, encoder, revision, columns, by_column.__getitem__)
