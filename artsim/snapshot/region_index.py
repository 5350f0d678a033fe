"""Regions of a space for detail search: their boxes, statistics and index.

Row `work * len(boxes) + region` of the index is one region of one work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from artsim.encoders.protocol import unit_rows
from artsim.encoders.region_vectors import REGIONS, Region, rounded
from artsim.errors import CollectionError
from artsim.index import VectorIndex, build_index

INDEX_KIND = "fp16"  # exact, at half the memory; the vectors are rounded to 16 bits already
_MAX_SAMPLE = 2_000  # works that the mean and the pairs are measured on at most


@dataclass(frozen=True)
class RegionStatistics:
    """The mean that region vectors are centred by, and the distribution that their scores are compared with.

    `mean` (d,): of the region vectors; `pairs` (m,), sorted: the cosine of a region of one work and the most similar
    region of another, for random pairs of works.
    """

    mean: np.ndarray
    pairs: np.ndarray
    fitted: int
    """Number of works that these were measured on."""

    def index_vectors(self, vectors: np.ndarray) -> np.ndarray:
        """Index vectors (..., d) float32 of region or detail vectors: centred, unit rows."""
        return unit_rows(unit_rows(vectors) - self.mean)


@dataclass(frozen=True)
class IndexedRegions:
    """The indexed regions of all works of a space. Dataset column `column` holds their raw vectors, (n, regions * d)."""

    boxes: tuple[Region, ...]
    statistics: RegionStatistics
    index: VectorIndex
    column: str
    load_vectors: Callable[[str], np.ndarray] = field(repr=False)

    def raw(self) -> np.ndarray:
        """(n, regions * d) float32: the raw vectors of all works, read from the dataset."""
        return self.load_vectors(self.column)

    def of_works(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows), regions, d) float32: the index vectors of some works."""
        count = len(self.boxes)
        numbers = np.asarray(rows, np.int64)[:, None] * count + np.arange(count)
        return self.index.vectors(numbers.ravel()).reshape(len(rows), count, -1)

    def extended(self, new: np.ndarray, *, refit: bool) -> IndexedRegions:
        """With the raw vectors (m, regions * d) of new works appended; `refit` measures the statistics again.

        Raises `CollectionError` if another version of artsim built the collection with other boxes.
        """
        if self.boxes != REGIONS:
            raise CollectionError(
                "This collection has {count} regions per work, not the {expected} that this artsim makes: "
                "works cannot be added to it. Build it again with --regions.",
                count=len(self.boxes),
                expected=len(REGIONS),
            )
        raw = np.concatenate([self.raw(), rounded(new)])
        return index_regions(self.column, raw) if refit else self._with(raw)

    def without(self, keep: np.ndarray) -> IndexedRegions:
        """With only the works where `keep` (n,) is true."""
        return self._with(self.raw()[keep])

    def _with(self, raw: np.ndarray) -> IndexedRegions:
        return replace(self, index=build_region_index(self.statistics, raw), load_vectors=lambda _: raw)


def index_regions(column: str, raw: np.ndarray) -> IndexedRegions:
    """Fit and index the raw region vectors (n, regions * d) float32, n >= 1, of all works."""
    statistics = fit_regions(raw)
    return IndexedRegions(REGIONS, statistics, build_region_index(statistics, raw), column, lambda _: raw)


def build_region_index(statistics: RegionStatistics, raw: np.ndarray) -> VectorIndex:
    """The index of raw vectors (n, regions * d)."""
    return build_index(statistics.index_vectors(raw.reshape(-1, len(statistics.mean))), kind=INDEX_KIND)


def fit_regions(raw: np.ndarray) -> RegionStatistics:
    """Fit statistics to raw vectors (n, regions * d). A single work is not centred, as that would leave only zeros."""
    rng, count = np.random.default_rng(0), len(REGIONS)
    rows = np.arange(len(raw)) if len(raw) <= _MAX_SAMPLE else np.sort(rng.choice(len(raw), _MAX_SAMPLE, replace=False))
    sample = unit_rows(raw[rows].reshape(len(rows), count, -1))
    mean = sample.mean(axis=(0, 1)) if len(rows) > 1 else np.zeros(sample.shape[2], np.float32)
    statistics = RegionStatistics(mean.astype(np.float32), np.zeros(0, np.float32), len(raw))
    if len(rows) < 2:
        return statistics
    index_vectors = statistics.index_vectors(sample)
    first = np.concatenate([rng.permutation(len(rows)) for _ in range(max(1, _MAX_SAMPLE // len(rows)))])
    second = (first + rng.integers(1, len(rows), len(first))) % len(rows)
    queries = index_vectors[first, rng.integers(0, count, len(first))]
    best = np.array(
        [(index_vectors[row] @ vector).max() for row, vector in zip(second, queries, strict=True)], np.float32
    )
    return replace(statistics, pairs=np.sort(best))


def save_regions(statistics: RegionStatistics, path: Path) -> None:
    """Write the statistics as safetensors."""
    from safetensors.numpy import save_file

    tensors = {"mean": statistics.mean, "pairs": statistics.pairs}
    save_file(tensors, path, metadata={"fitted": str(statistics.fitted)})


def load_regions(path: Path) -> RegionStatistics:
    """Read a file of `save_regions`. Raises `CollectionError` for any other file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            fitted = int((file.metadata() or {})["fitted"])
            return RegionStatistics(file.get_tensor("mean"), file.get_tensor("pairs"), fitted)
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise CollectionError(
            "{path} is not a file of region statistics ({reason}); build the collection again.",
            path=path,
            reason=str(error),
        ) from error
