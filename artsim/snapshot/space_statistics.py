"""Statistics of a space: what makes the vectors of one encoder comparable over a collection, and small.

- Each segment of an aspect's block is transformed by the collection's own statistics (`SegmentTransform`) to unit rows.
  Segments and blocks are concatenated to one index vector, so that a query `[w1 q1 | w2 q2 | ...]` yields exactly the
  weighted sum of the aspects' cosines.
- From `COMPACT_FROM` works on, each aspect's block is projected on its principal components (`bases`) and kept in 8 bits a
  number. The bases stay while works come and go.
- `pairs` holds the cosines of random pairs of works, the reference distribution for percentiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from artsim.encoders.protocol import ASPECTS, Aspect, Blocks, joined, unit_rows
from artsim.errors import QueryError
from artsim.index import EightBits, Rows, sample_rows
from artsim.snapshot.principal import principal_directions, projection

COMPACT_FROM = 400  # works; fewer are kept whole
WIDTHS: Mapping[Aspect, int] = {"subject": 192, "style": 256, "color": 64, "layout": 192}
"""Principal components per aspect, at most."""
REFIT_FROM = 4  # a collection so many times as large as it was is better built again, with bases of its own
MAX_FIT = 20_000  # works that a space is fitted on at most
MAX_PAIRS = 20_000
_KEPT_WEIGHTS = 64  # settings of the weights whose pairs are kept sorted
_LONG_SEGMENT = 2_500  # longer segments are reduced to principal components
_COMPONENTS = 256
_MAX_SEGMENT_FIT = 5_000  # works that the components of a segment are fitted on at most


@dataclass(frozen=True)
class SegmentTransform:
    """Makes one segment (n, length) of a block comparable: square root, centre, project, normalise the rows.

    `root` takes square roots (Hellinger kernel): it keeps a few strong features from dominating, where features are
    counts or averages of non-negative values. `basis` (length, components) is None without projection.
    """

    mean: np.ndarray
    root: bool = False
    basis: np.ndarray | None = None

    @property
    def length(self) -> int:
        return len(self.mean)

    @property
    def dimension(self) -> int:
        return len(self.mean) if self.basis is None else self.basis.shape[1]

    def __call__(self, segment: np.ndarray) -> np.ndarray:
        """(n, length) -> (n, dimension) float32 unit rows."""
        return unit_rows(self.project(self.comparable(segment) - self.mean))

    def comparable(self, segment: np.ndarray) -> np.ndarray:
        """(n, length) unit rows, of which square roots were taken where the transform does so."""
        return _rooted(segment) if self.root else unit_rows(segment)

    def project(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.basis is None else rows @ self.basis


@dataclass(frozen=True)
class SpaceStatistics:
    """What was fitted to the works of one space; it stays as it is until the space is fitted again.

    `transforms[aspect]`: one per segment of the aspect's block; `bases[aspect]` (d, width) and `bits`: the projection of each
    block and its ranges in 8 bits, None below `COMPACT_FROM` works; `pairs` (m, aspects): cosines of random pairs;
    `raw_pairs` (m,): raw, uncentred subject cosines of the same pairs, sorted.
    """

    name: str
    transforms: Mapping[Aspect, tuple[SegmentTransform, ...]]
    bases: Mapping[Aspect, np.ndarray] | None
    bits: EightBits | None
    pairs: np.ndarray
    raw_pairs: np.ndarray
    fitted: int
    """Number of works that the collection had when this was fitted."""

    _sorted: dict[bytes, np.ndarray] = field(default_factory=dict, init=False, repr=False)
    """`pairs` by weights, as `sorted_pairs` made them."""

    def outgrown_by(self, works: int) -> bool:
        """Whether a compact space of so many works is better fitted again."""
        return self.bases is not None and works >= REFIT_FROM * self.fitted

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        return tuple(self.transforms)

    def sorted_pairs(self, shares: np.ndarray) -> np.ndarray:
        """(m,): the weighted sums of the aspects' cosines of random pairs, sorted; the latest are kept."""
        key = shares.tobytes()
        if key not in self._sorted:
            if len(self._sorted) >= _KEPT_WEIGHTS:
                self._sorted.clear()
            self._sorted[key] = np.sort(self.pairs @ shares)
        return self._sorted[key]

    @cached_property
    def sorted_pairs_by_aspect(self) -> list[np.ndarray]:
        """(m,) per aspect: the cosines of random pairs, sorted."""
        return [np.sort(column) for column in self.pairs.T]

    @property
    def segments(self) -> dict[Aspect, tuple[int, ...]]:
        """Lengths of the segments of each aspect's raw block."""
        return {aspect: tuple(segment.length for segment in segments) for aspect, segments in self.transforms.items()}

    @property
    def raw_dims(self) -> dict[Aspect, int]:
        """Length of each aspect's raw block."""
        return {aspect: sum(lengths) for aspect, lengths in self.segments.items()}

    @property
    def block_dims(self) -> list[int]:
        """Length of each aspect's block in an index vector."""
        if self.bases is not None:
            return [self.bases[aspect].shape[1] for aspect in self.aspects]
        return [sum(segment.dimension for segment in segments) for segments in self.transforms.values()]

    @property
    def dims_by_aspect(self) -> dict[Aspect, int]:
        """`block_dims` by aspect, in order."""
        return dict(zip(self.aspects, self.block_dims, strict=True))

    @property
    def dimension(self) -> int:
        return sum(self.block_dims)

    def index_vectors(self, blocks: Blocks) -> np.ndarray:
        """Transform raw blocks (n, d each) to index vectors (n, `dimension`) float32: unit rows per aspect."""
        return np.concatenate([self.block(aspect, blocks[aspect]) for aspect in self.aspects], axis=1)

    def block(self, aspect: Aspect, raw: np.ndarray) -> np.ndarray:
        """Transform the raw block (n, d) of one aspect to its block (n, width) in index vectors."""
        transforms = self.transforms[aspect]
        parts = _segments_of(raw, [segment.length for segment in transforms])
        block = joined([transform(part) for transform, part in zip(transforms, parts, strict=True)])
        return block if self.bases is None else unit_rows(block @ self.bases[aspect])

    def comparable_subject(self, raw: np.ndarray) -> np.ndarray:
        """(n, d) float32 unit rows: raw subject vectors, of which square roots were taken where the transforms do so."""
        transforms = self.transforms["subject"]
        parts = _segments_of(raw, [segment.length for segment in transforms])
        return joined([transform.comparable(part) for transform, part in zip(transforms, parts, strict=True)])

    def uncentred_subject(self, raw: np.ndarray) -> np.ndarray:
        """(dimension,): a query for the works whose raw subject vectors are nearest to `raw` (d,), a picture's or a text's.

        A raw row is `mean + length * centred row`, so its product with `raw` grows with that of the centred row.
        """
        parts = _segments_of(raw[None], [segment.length for segment in self.transforms["subject"]])
        rows = joined(
            [
                transform.project(transform.comparable(part))
                for transform, part in zip(self.transforms["subject"], parts, strict=True)
            ]
        )
        query = np.zeros(self.dimension, np.float32)
        block = rows if self.bases is None else rows @ self.bases["subject"]
        query[: block.shape[1]] = block[0]
        return query

    def restored(self, aspect: Aspect, block: np.ndarray) -> np.ndarray:
        """(n, d): the raw rows of an aspect of one segment, as nearly as its projected block (n, width) gives them.

        A raw row of length 1 is `mean + length * centred row`, which gives the length.
        """
        assert self.bases is not None
        (transform,) = self.transforms[aspect]
        centred = unit_rows(block @ self.bases[aspect].T)
        along = centred @ transform.mean
        length = np.sqrt(np.maximum(along**2 + 1 - transform.mean @ transform.mean, 0)) - along
        return unit_rows(transform.mean + length[:, None] * centred)

    def split(self, vectors: np.ndarray) -> Blocks:
        """Split index vectors (n, `dimension`) into the blocks of the aspects."""
        return dict(zip(self.transforms, _segments_of(vectors, self.block_dims), strict=True))

    def weigh(self, weights: Mapping[Aspect, float]) -> np.ndarray:
        """(aspects,) float32 shares that sum to 1. Raises `QueryError` for unknown aspects, negative or all-zero weights."""
        unknown = {aspect for aspect, weight in weights.items() if aspect not in self.aspects and weight != 0}
        unknown |= set(weights) - set(ASPECTS)
        if unknown:
            raise QueryError(
                "There is no aspect {unknown}; choose among {aspects}.", unknown=sorted(unknown), aspects=self.aspects
            )
        try:
            shares = np.array([float(weights.get(aspect, 0.0)) for aspect in self.aspects])
        except (TypeError, ValueError):
            raise QueryError(
                "The weights of aspects must be numbers; they are {weights}.", weights=str(dict(weights))
            ) from None
        if not np.isfinite(shares).all() or (shares < 0).any():
            raise QueryError("The weight of an aspect must be 0 or more.")
        if shares.sum() <= 0:
            raise QueryError(
                "All aspect weights are 0; give at least one of {aspects} more than 0.", aspects=self.aspects
            )
        return (shares / shares.sum()).astype(np.float32)

    def query_vector(self, vector: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Index vectors (..., dimension) with each block scaled by its share."""
        return vector * np.repeat(shares, self.block_dims).astype(np.float32)


def fit_statistics(
    name: str,
    blocks: Mapping[Aspect, Rows],
    segments: Mapping[Aspect, tuple[int, ...]] | None = None,
    *,
    compact: bool,
) -> SpaceStatistics:
    """Fit statistics to raw blocks (n, d each), n >= 1, on at most `MAX_FIT` works.

    `segments`: lengths per block (default: one segment each). `compact`: whether to project.
    """
    n = len(blocks["subject"])
    rows = fit_rows(n)
    sample: Blocks = {aspect: blocks[aspect].take(rows).astype(np.float32) for aspect in ASPECTS if aspect in blocks}
    lengths = {**{aspect: (block.shape[1],) for aspect, block in sample.items()}, **(segments or {})}
    transforms = {aspect: _fit_transforms(aspect, block, lengths[aspect]) for aspect, block in sample.items()}
    none = np.zeros((0, len(transforms)), np.float32)
    statistics = SpaceStatistics(name, transforms, None, None, none, none[:, 0], n)
    vectors = statistics.index_vectors(sample)
    if compact:
        bases = {aspect: projection(block, WIDTHS[aspect]) for aspect, block in statistics.split(vectors).items()}
        statistics = replace(statistics, bases=bases)
        vectors = statistics.index_vectors(sample)
        bits = EightBits.fit(vectors, curved=True)
        statistics, vectors = replace(statistics, bits=bits), bits.decode(bits.encode(vectors))
    first, second = _random_pairs(len(rows), np.random.default_rng(0))
    pairs = [np.einsum("nd,nd->n", block[first], block[second]) for block in statistics.split(vectors).values()]
    raw = np.einsum("nd,nd->n", sample["subject"][first], sample["subject"][second])
    return replace(
        statistics, pairs=np.stack(pairs, axis=1).astype(np.float32), raw_pairs=np.sort(raw).astype(np.float32)
    )


def fit_rows(n: int) -> np.ndarray:
    """The rows of `n` works that statistics are fitted on: all of them, or `MAX_FIT` at random, always the same."""
    return sample_rows(n, MAX_FIT)


def _segments_of(rows: np.ndarray, lengths: Sequence[int]) -> list[np.ndarray]:
    return np.split(rows, np.cumsum(lengths)[:-1], axis=1)


def _fit_transforms(aspect: Aspect, block: np.ndarray, lengths: tuple[int, ...]) -> tuple[SegmentTransform, ...]:
    """One transform per segment. A single work is not centred, as that would leave only zeros."""
    transforms = []
    for segment in _segments_of(block, lengths):
        root = aspect == "subject" and bool(
            (segment >= 0).all()
        )  # pooled after a ReLU; `color` is square-rooted already
        rows = _rooted(segment) if root else unit_rows(segment)
        mean = rows.mean(axis=0) if len(rows) > 1 else np.zeros(rows.shape[1], np.float32)
        basis = _segment_basis(rows - mean) if rows.shape[1] > _LONG_SEGMENT and len(rows) > 2 else None
        transforms.append(SegmentTransform(mean.astype(np.float32), root, basis))
    return tuple(transforms)


def _rooted(segment: np.ndarray) -> np.ndarray:
    return unit_rows(np.sqrt(np.maximum(segment, 0)))


def _segment_basis(centred: np.ndarray) -> np.ndarray:
    """(d, at most `_COMPONENTS`): the principal directions of the rows, by decreasing variance."""
    if len(centred) > _MAX_SEGMENT_FIT:
        centred = centred[np.random.default_rng(0).choice(len(centred), _MAX_SEGMENT_FIT, replace=False)]
    return principal_directions(centred, min(_COMPONENTS, len(centred) - 1))


def _random_pairs(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of random pairs of distinct works; empty for a single work."""
    if n < 2:
        return np.zeros(0, int), np.zeros(0, int)
    if n * (n - 1) // 2 <= MAX_PAIRS:
        return np.triu_indices(n, 1)
    first = rng.integers(0, n, MAX_PAIRS)
    return first, (first + rng.integers(1, n, MAX_PAIRS)) % n


def percentile(sample: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Share, in percent, of the sorted `sample` (m,) below each of `scores`; nan for an empty sample."""
    if not len(sample):
        return np.full(np.shape(scores), np.nan)
    return np.searchsorted(sample, scores, side="left") / len(sample) * 100.0
