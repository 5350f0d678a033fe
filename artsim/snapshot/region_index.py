"""Regions of a space for detail search: their boxes, statistics and vectors.

Number `work * len(boxes) + region` is one region of one work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from artsim.encoders.protocol import unit_rows
from artsim.encoders.region_vectors import REGIONS, Region
from artsim.errors import CollectionError
from artsim.index import EightBits, Rows, ScanIndex, laid_end_to_end
from artsim.snapshot.principal import projection
from artsim.snapshot.tensors import check_shapes, reading_tensors

WIDTH = 64  # principal components of a region vector in a compact space
_MAX_SAMPLE = 2_000  # works that regions are fitted on at most
_CHUNK = 500  # works whose regions are transformed at once


@dataclass(frozen=True)
class RegionStatistics:
    """The mean that region vectors are centred by, and the distribution that their scores are compared with.

    `mean` (d,): of the region vectors; `basis` (d, `WIDTH`) and `bits`: their projection and its ranges in 8 bits, None in a
    space that is kept whole; `pairs` (m,), sorted: the cosine of a region of one work and the most similar region of
    another, for random pairs of works.
    """

    mean: np.ndarray
    basis: np.ndarray | None
    bits: EightBits | None
    pairs: np.ndarray
    fitted: int
    """Number of works that the collection had when this was fitted."""

    @property
    def dimension(self) -> int:
        return len(self.mean) if self.basis is None else self.basis.shape[1]

    def index_vectors(self, vectors: np.ndarray) -> np.ndarray:
        """Index vectors (..., `dimension`) float32 of region or detail vectors (..., d): centred, projected, unit rows."""
        centred = unit_rows(vectors) - self.mean
        return unit_rows(centred if self.basis is None else centred @ self.basis)

    def stored(self, raw: np.ndarray) -> np.ndarray:
        """What is stored of raw vectors (n, regions * d): (n, regions * `WIDTH`) uint8; in a space that is kept whole, they."""
        if self.bits is None:
            return raw.astype(np.float16)
        return self.bits.encode(self.index_vectors(raw.reshape(len(raw), -1, len(self.mean)))).reshape(len(raw), -1)

    def restored(self, stored: np.ndarray) -> np.ndarray:
        """Index vectors (n, regions, `dimension`) float32 from what is stored of them."""
        if self.bits is None:
            return self.index_vectors(stored.reshape(len(stored), -1, len(self.mean)).astype(np.float32))
        return self.bits.decode(stored.reshape(len(stored), -1, self.dimension))


@dataclass(frozen=True)
class IndexedRegions:
    """The regions of all works of a space: `vectors` (n, regions * d), as `statistics.stored` makes them."""

    boxes: tuple[Region, ...]
    statistics: RegionStatistics
    vectors: Rows

    @cached_property
    def index(self) -> ScanIndex:
        """The index over all regions; made when it is first needed."""
        stored, statistics = self.vectors.all(), self.statistics
        if statistics.bits is None:
            stored = statistics.restored(stored).astype(np.float16)
        return ScanIndex(stored.reshape(-1, statistics.dimension), statistics.bits)

    def of_works(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows), regions, dimension) float32: the index vectors of some works."""
        return self.statistics.restored(self.vectors.take(rows))

    def appended(self, stored: np.ndarray) -> IndexedRegions:
        """With what is stored of new works at the end."""
        return replace(self, vectors=self.vectors.appended(stored))

    def only(self, rows: np.ndarray) -> IndexedRegions:
        return replace(self, vectors=self.vectors.only(rows))

    def check_boxes(self) -> None:
        """Raises `CollectionError` if another version of artsim built the collection with other boxes."""
        if self.boxes != REGIONS:
            raise CollectionError(
                "This collection has {count} regions per work, not the {expected} that this artsim makes: "
                "works cannot be added to it. Build it again with --regions.",
                count=len(self.boxes),
                expected=len(REGIONS),
            )


def index_regions(raw: Rows, *, compact: bool) -> IndexedRegions:
    """Fit and store the raw region vectors (n, regions * d), n >= 1, of all works."""
    statistics = fit_regions(raw, compact=compact)
    stored = laid_end_to_end((statistics.stored(chunk) for _, chunk in raw.chunks(_CHUNK)), len(raw))
    return IndexedRegions(REGIONS, statistics, Rows.of(stored))


def fit_regions(raw: Rows, *, compact: bool) -> RegionStatistics:
    """Fit statistics to raw vectors (n, regions * d). A single work is not centred, as that would leave only zeros."""
    rng, count = np.random.default_rng(0), len(REGIONS)
    rows = np.arange(len(raw))
    if len(raw) > _MAX_SAMPLE:
        rows = np.sort(rng.choice(len(raw), _MAX_SAMPLE, replace=False))
    sample = unit_rows(raw.take(rows).reshape(len(rows), count, -1))
    mean = sample.mean(axis=(0, 1)) if len(rows) > 1 else np.zeros(sample.shape[2], np.float32)
    statistics = RegionStatistics(mean.astype(np.float32), None, None, np.zeros(0, np.float32), len(raw))
    if compact:
        centred = unit_rows(sample - mean).reshape(-1, sample.shape[2])
        statistics = replace(statistics, basis=projection(centred, WIDTH))
        vectors = statistics.index_vectors(sample)
        statistics = replace(statistics, bits=EightBits.fit(vectors.reshape(-1, statistics.dimension)))
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


def regions_bytes(statistics: RegionStatistics) -> bytes:
    """The statistics as the content of a safetensors file."""
    from safetensors.numpy import save

    tensors = {"mean": statistics.mean, "pairs": statistics.pairs}
    if statistics.basis is not None and statistics.bits is not None:
        tensors |= {"basis": statistics.basis, "low": statistics.bits.low, "step": statistics.bits.step}
    return save(
        {key: np.ascontiguousarray(tensor, np.float32) for key, tensor in tensors.items()},
        metadata={"fitted": str(statistics.fitted)},
    )


def load_regions(path: Path) -> RegionStatistics:
    """Read a file with the content of `regions_bytes`. Raises `CollectionError` for any other file."""
    with reading_tensors(path, "a file of region statistics") as (metadata, tensors):
        shapes: dict[str, tuple[int | None, ...]] = {"mean": (None,), "pairs": (None,)}
        if "low" in tensors:
            shapes |= {"basis": (len(tensors["mean"]), None), "low": (None,), "step": (None,)}
        check_shapes(tensors, shapes)
        bits = EightBits(tensors["low"], tensors["step"]) if "low" in tensors else None
        fitted = int(metadata["fitted"])
        statistics = RegionStatistics(tensors["mean"], tensors.get("basis"), bits, tensors["pairs"], fitted)
        if bits is not None:
            bits.check(statistics.dimension)
        return statistics
