"""Statistics of a space: transforms, density and score distribution of one encoder's vectors over a collection.

- Each segment of an aspect's block is transformed by the collection's own statistics (`SegmentTransform`) to unit rows.
  Segments and blocks are concatenated to one index vector, so that a query `[w1 q1 | w2 q2 | ...]` yields exactly the
  weighted sum of the aspects' cosines.
- `density` corrects hubness by CSLS (Conneau et al. 2018, "Word translation without parallel data"): a work that is
  near to everything must be nearer still to rank as near to the query.
- `pairs` holds the cosines of random pairs of works, the reference distribution for percentiles.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from artsim.encoders.protocol import ASPECTS, Aspect, Blocks, joined, unit_rows
from artsim.errors import CollectionError, QueryError

NEIGHBOURS = 10  # of CSLS
MAX_PAIRS = 20_000
_MAX_REFERENCE = 40_000  # works that density is measured against at most; more take minutes and change nothing
_LONG_SEGMENT = 2_500  # longer segments are reduced to principal components, to keep the index small
_COMPONENTS = 256
_SAME = 0.9999  # cosine from which on two rows are the same work, or the same picture
_MAX_FIT = 5_000  # works that principal components are fitted on at most


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
        rows = _rooted(segment) if self.root else unit_rows(segment)
        centred = rows - self.mean
        return unit_rows(centred if self.basis is None else centred @ self.basis)


@dataclass(frozen=True)
class SpaceStatistics:
    """The statistics of one space; `Space` holds its index and raw vectors.

    `transforms[aspect]`: one per segment of the aspect's block; `density` (n, aspects): mean cosine of each work to its 10
    nearest, per aspect; `pairs` (m, aspects): cosines of random pairs; `raw_pairs` (m,): raw, uncentred subject cosines
    of the same pairs, sorted.
    """

    name: str
    transforms: Mapping[Aspect, tuple[SegmentTransform, ...]]
    density: np.ndarray
    pairs: np.ndarray
    raw_pairs: np.ndarray
    fitted: int
    """Number of works that the statistics were measured on."""

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        return tuple(self.transforms)

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
        return [sum(segment.dimension for segment in segments) for segments in self.transforms.values()]

    @property
    def dims_by_aspect(self) -> dict[Aspect, int]:
        """`block_dims` by aspect, in order."""
        return dict(zip(self.aspects, self.block_dims, strict=True))

    @property
    def dimension(self) -> int:
        return sum(self.block_dims)

    def __len__(self) -> int:
        return len(self.density)

    def index_vectors(self, blocks: Blocks) -> np.ndarray:
        """Transform raw blocks (n, d each) to index vectors (n, `dimension`) float32: unit rows per aspect."""
        index_vectors = []
        for aspect, transforms in self.transforms.items():
            ends = np.cumsum([segment.length for segment in transforms])[:-1]
            segments = np.split(blocks[aspect], ends, axis=1)
            index_vectors.append(
                joined([transform(segment) for transform, segment in zip(transforms, segments, strict=True)])
            )
        return np.concatenate(index_vectors, axis=1)

    def split(self, vectors: np.ndarray) -> Blocks:
        """Split index vectors (n, `dimension`) into the blocks of the aspects."""
        ends = np.cumsum(self.block_dims)[:-1]
        return dict(zip(self.transforms, np.split(vectors, ends, axis=1), strict=True))

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
        """An index vector (dimension,) with each block scaled by its share."""
        return vector * np.repeat(shares, self.block_dims).astype(np.float32)

    def extended(self, blocks: Blocks, everything: Blocks) -> SpaceStatistics:
        """These statistics with works appended. The transforms stay, so existing index vectors do not change.

        `blocks` are the raw blocks of the new works, `everything` those of all works, old ones first.
        """
        density = _density(self.index_vectors(blocks), self.index_vectors(everything), self.block_dims)
        return replace(self, density=np.concatenate([self.density, density]))

    def without(self, keep: np.ndarray) -> SpaceStatistics:
        """These statistics with only the works where `keep` (n,) is true."""
        return replace(self, density=self.density[keep])


def fit_statistics(
    name: str, blocks: Blocks, segments: Mapping[Aspect, tuple[int, ...]] | None = None
) -> SpaceStatistics:
    """Fit statistics to raw blocks (n, d each), n >= 1. `segments`: lengths per block (default: one segment each)."""
    segments = {**{aspect: (block.shape[1],) for aspect, block in blocks.items()}, **(segments or {})}
    transforms = {
        aspect: _fit_transforms(aspect, blocks[aspect], segments[aspect]) for aspect in ASPECTS if aspect in blocks
    }
    n = len(next(iter(blocks.values())))
    empty = np.zeros((0, len(transforms)), np.float32)
    statistics = SpaceStatistics(name, transforms, empty, empty, np.zeros(0, np.float32), n)
    index_vectors = statistics.index_vectors(blocks)
    density = _density(index_vectors, index_vectors, statistics.block_dims)
    first, second = _random_pairs(n, np.random.default_rng(0))
    pairs = np.stack(
        [np.einsum("nd,nd->n", block[first], block[second]) for block in statistics.split(index_vectors).values()],
        axis=1,
    )
    raw = np.einsum("nd,nd->n", blocks["subject"][first], blocks["subject"][second])
    return SpaceStatistics(name, transforms, density, pairs.astype(np.float32), np.sort(raw).astype(np.float32), n)


def _fit_transforms(aspect: Aspect, block: np.ndarray, lengths: tuple[int, ...]) -> tuple[SegmentTransform, ...]:
    """One transform per segment. A single work is not centred, as that would leave only zeros."""
    transforms = []
    for segment in np.split(block, np.cumsum(lengths)[:-1], axis=1):
        root = aspect == "subject" and bool(
            (segment >= 0).all()
        )  # pooled after a ReLU; `color` is square-rooted already
        rows = _rooted(segment) if root else unit_rows(segment)
        mean = rows.mean(axis=0) if len(rows) > 1 else np.zeros(rows.shape[1], np.float32)
        basis = _principal_components(rows - mean) if rows.shape[1] > _LONG_SEGMENT and len(rows) > 2 else None
        transforms.append(SegmentTransform(mean.astype(np.float32), root, basis))
    return tuple(transforms)


def _rooted(segment: np.ndarray) -> np.ndarray:
    return unit_rows(np.sqrt(np.maximum(segment, 0)))


def _principal_components(centred: np.ndarray) -> np.ndarray:
    """(d, at most `_COMPONENTS`): the principal directions of the rows, by decreasing variance."""
    if len(centred) > _MAX_FIT:
        centred = centred[np.random.default_rng(0).choice(len(centred), _MAX_FIT, replace=False)]
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return np.ascontiguousarray(directions[: min(_COMPONENTS, len(centred) - 1)].T, np.float32)


def _random_pairs(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of random pairs of distinct works; empty for a single work."""
    if n < 2:
        return np.zeros(0, int), np.zeros(0, int)
    if n * (n - 1) // 2 <= MAX_PAIRS:
        return np.triu_indices(n, 1)
    first = rng.integers(0, n, MAX_PAIRS)
    return first, (first + rng.integers(1, n, MAX_PAIRS)) % n


def _density(vectors: np.ndarray, reference: np.ndarray, sizes: list[int]) -> np.ndarray:
    """(n, aspects): mean cosine of each row to its `NEIGHBOURS` nearest in `reference`, itself (cosine 1) excluded."""
    import faiss

    if len(reference) > _MAX_REFERENCE:
        reference = reference[np.random.default_rng(0).choice(len(reference), _MAX_REFERENCE, replace=False)]
    k = min(NEIGHBOURS + 1, len(reference))
    ends = np.cumsum(sizes)[:-1]
    columns = []
    for block, others in zip(np.split(vectors, ends, axis=1), np.split(reference, ends, axis=1), strict=True):
        scores, _ = faiss.knn(
            np.ascontiguousarray(block), np.ascontiguousarray(others), k, metric=faiss.METRIC_INNER_PRODUCT
        )
        if k > 1:
            itself = scores[:, 0] > _SAME
            scores = np.where(itself[:, None], scores[:, 1:], scores[:, :-1])
        columns.append(scores.mean(axis=1) if k > 1 else np.zeros(len(block), np.float32))
    return np.stack(columns, axis=1).astype(np.float32)


def percentile(sample: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Share, in percent, of the sorted `sample` (m,) below each of `scores`; nan for an empty sample."""
    if not len(sample):
        return np.full(np.shape(scores), np.nan)
    return np.searchsorted(sample, scores, side="left") / len(sample) * 100.0


def save_statistics(statistics: SpaceStatistics, path: Path) -> None:
    """Write the statistics as safetensors."""
    from safetensors.numpy import save_file

    tensors = {"density": statistics.density, "pairs": statistics.pairs, "raw_pairs": statistics.raw_pairs}
    roots: dict[str, list[bool]] = {}
    for aspect, segments in statistics.transforms.items():
        roots[aspect] = [segment.root for segment in segments]
        for number, segment in enumerate(segments):
            tensors[f"{aspect}.{number}.mean"] = segment.mean
            if segment.basis is not None:
                tensors[f"{aspect}.{number}.basis"] = segment.basis
    header = {"name": statistics.name, "roots": json.dumps(roots), "fitted": str(statistics.fitted)}
    save_file({key: np.ascontiguousarray(value, np.float32) for key, value in tensors.items()}, path, metadata=header)


def load_statistics(path: Path) -> SpaceStatistics:
    """Read a file of `save_statistics`. Raises `CollectionError` for any other file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        transforms: dict[Aspect, tuple[SegmentTransform, ...]] = {
            aspect: tuple(
                SegmentTransform(tensors[f"{aspect}.{number}.mean"], root, tensors.get(f"{aspect}.{number}.basis"))
                for number, root in enumerate(roots)
            )
            for aspect, roots in json.loads(header["roots"]).items()
        }
        measured = [tensors[key] for key in ("density", "pairs", "raw_pairs")]
        return SpaceStatistics(header["name"], transforms, *measured, int(header["fitted"]))
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise CollectionError(
            "{path} is not a file of space statistics ({reason}); build the collection again.",
            path=path,
            reason=str(error),
        ) from error
