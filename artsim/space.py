"""A space: one encoder's vectors over a collection, made comparable, searchable and readable.

- Each aspect's block is centred by the collection's own mean and normalised again; blocks lie side by side in one
  index vector, so that a query `[w1 q1 | w2 q2 | ...]` gets exactly the weighted sum of the aspects' cosines.
- `density` corrects hubness by CSLS (Conneau et al. 2018, "Word translation without parallel data"): a work that is
  near to everything must be nearer still to count as near to the query.
- `pairs` hold the cosines of random pairs of works: what a score is compared with to become a percentile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artsim.encoders.base import ASPECTS, Aspect, Blocks, unit_rows
from artsim.errors import CollectionError, QueryError

NEIGHBOURS = 10  # of CSLS
MAX_PAIRS = 20_000
_MAX_REFERENCE = 40_000  # density is measured against at most so many works; more would take minutes and change nothing


@dataclass(frozen=True)
class Space:
    """The statistics of one space; its index and raw vectors live beside it in the collection.

    `means[aspect]` (d,); `density` (n, aspects): mean cosine of each work to its 10 nearest, per aspect; `pairs`
    (m, aspects): cosines of random pairs; `raw_pairs` (m,): the same pairs' plain, uncentred subject cosines.
    """

    name: str
    means: Mapping[Aspect, np.ndarray]
    density: np.ndarray
    pairs: np.ndarray
    raw_pairs: np.ndarray

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        return tuple(self.means)

    @property
    def dimension(self) -> int:
        return sum(len(mean) for mean in self.means.values())

    def __len__(self) -> int:
        return len(self.density)

    def place(self, blocks: Blocks) -> np.ndarray:
        """Raw blocks (n, d each) as index vectors (n, `dimension`) float32: each block centred, with unit rows."""
        return np.concatenate([unit_rows(blocks[aspect] - mean) for aspect, mean in self.means.items()], axis=1)

    def split(self, vectors: np.ndarray) -> Blocks:
        """Index vectors (n, `dimension`) back into their centred blocks: the inverse of the last step of `place`."""
        ends = np.cumsum([len(mean) for mean in self.means.values()])[:-1]
        return dict(zip(self.means, np.split(vectors, ends, axis=1), strict=True))

    def weigh(self, weights: Mapping[Aspect, float]) -> np.ndarray:
        """(aspects,) float32 shares that sum to 1. `QueryError` for unknown aspects, negative or all-zero weights."""
        unknown = set(weights) - set(self.aspects)
        if unknown:
            raise QueryError(
                f"There is no aspect {', '.join(sorted(unknown))}; choose among {', '.join(self.aspects)}."
            )
        shares = np.array([float(weights.get(aspect, 0.0)) for aspect in self.aspects])
        if not np.isfinite(shares).all() or (shares < 0).any():
            raise QueryError("The weight of an aspect must be 0 or more.")
        if shares.sum() <= 0:
            raise QueryError(f"All aspect weights are 0; give at least one of {', '.join(self.aspects)} more than 0.")
        return (shares / shares.sum()).astype(np.float32)

    def query_vector(self, vector: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """An index vector (dimension,) with each block scaled by its share."""
        sizes = [len(mean) for mean in self.means.values()]
        return vector * np.repeat(shares, sizes).astype(np.float32)

    def extended(self, blocks: Blocks, everything: Blocks) -> Space:
        """This space with more works at the end; the transform stays, so that no vector that exists changes.

        `blocks` are the new works' raw blocks, `everything` the raw blocks of all works, old first.
        """
        density = _density(self.place(blocks), self.place(everything), [len(mean) for mean in self.means.values()])
        return Space(self.name, self.means, np.concatenate([self.density, density]), self.pairs, self.raw_pairs)

    def without(self, keep: np.ndarray) -> Space:
        """This space with only the works where `keep` (n,) is true."""
        return Space(self.name, self.means, self.density[keep], self.pairs, self.raw_pairs)


def fit_space(name: str, blocks: Blocks, *, seed: int = 0) -> Space:
    """Measure the statistics of raw blocks (n, d each), n >= 1."""
    means = {aspect: _centre(blocks[aspect]) for aspect in ASPECTS if aspect in blocks}
    n = len(next(iter(blocks.values())))
    empty = np.zeros((0, len(means)), np.float32)
    space = Space(name, means, empty, empty, np.zeros(0, np.float32))
    placed = space.place(blocks)
    density = _density(placed, placed, [len(mean) for mean in means.values()])
    first, second = _random_pairs(n, np.random.default_rng(seed))
    pairs = np.stack(
        [np.einsum("nd,nd->n", block[first], block[second]) for block in space.split(placed).values()], axis=1
    )
    raw = np.einsum("nd,nd->n", blocks["subject"][first], blocks["subject"][second])
    return Space(name, means, density, pairs.astype(np.float32), np.sort(raw).astype(np.float32))


def _centre(block: np.ndarray) -> np.ndarray:
    """What is subtracted before comparing. One work alone has no spread, so it is not centred away to nothing."""
    return block.mean(axis=0) if len(block) > 1 else np.zeros(block.shape[1], np.float32)


def _random_pairs(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of distinct works; empty when there is only one."""
    if n < 2:
        return np.zeros(0, int), np.zeros(0, int)
    if n * (n - 1) // 2 <= MAX_PAIRS:
        return np.triu_indices(n, 1)
    first = rng.integers(0, n, MAX_PAIRS)
    return first, (first + rng.integers(1, n, MAX_PAIRS)) % n


def _density(vectors: np.ndarray, reference: np.ndarray, sizes: list[int]) -> np.ndarray:
    """(n, aspects): mean cosine of each row to its `NEIGHBOURS` nearest in `reference`, itself (the best) excluded."""
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
        columns.append(scores[:, 1:].mean(axis=1) if k > 1 else np.zeros(len(block), np.float32))
    return np.stack(columns, axis=1).astype(np.float32)


def percentile(sample: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Share, in percent, of the sorted `sample` (m,) that lies below each of `scores`; nan when there is no sample."""
    if not len(sample):
        return np.full(np.shape(scores), np.nan)
    return np.searchsorted(sample, scores, side="left") / len(sample) * 100.0


def save_space(space: Space, path: Path) -> None:
    """Write the statistics as safetensors."""
    from safetensors.numpy import save_file

    tensors = {f"mean.{aspect}": np.ascontiguousarray(mean, np.float32) for aspect, mean in space.means.items()}
    tensors |= {"density": space.density, "pairs": space.pairs, "raw_pairs": space.raw_pairs}
    header = {"name": space.name, "aspects": json.dumps(space.aspects)}
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, path, metadata=header)


def load_space(path: Path) -> Space:
    """Read what `save_space` wrote. `CollectionError` when it is something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            means = {aspect: file.get_tensor(f"mean.{aspect}") for aspect in json.loads(header["aspects"])}
            rest = [file.get_tensor(key) for key in ("density", "pairs", "raw_pairs")]
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise CollectionError(
            f"{path} is not a file of space statistics ({error}); build the collection again."
        ) from error
    return Space(header["name"], means, *rest)
