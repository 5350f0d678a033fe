"""Exact answers, collected while works pass by, and how many of them a search finds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from artsim.encoders.presets import PRESETS
from artsim.encoders.protocol import Aspect, Blocks
from artsim.snapshot.space_statistics import SpaceStatistics
from benchmarking.blends import Blends

K = 10
BALANCED = PRESETS["balanced"]
WEIGHTINGS: Mapping[str, Mapping[Aspect, float]] = {
    "balanced": BALANCED,
    "style": PRESETS["style"],
    "subject": PRESETS["subject"],
    "color alone": {"color": 1},
    "layout alone": {"layout": 1},
    "odd": {"subject": 0.1, "style": 0.3, "color": 0.5, "layout": 0.1},
}


class Nearest:
    """The `K` works with the highest scores for each of `queries` queries, of all that were added."""

    def __init__(self, queries: int) -> None:
        self._scores = np.full((queries, K), -np.inf, np.float32)
        self._rows = np.zeros((queries, K), np.int64)

    def add(self, scores: np.ndarray, rows: np.ndarray) -> None:
        """The works `rows` (m,) have `scores` (queries, m); -inf: not allowed."""
        better = np.flatnonzero(scores.max(axis=1) > self._scores.min(axis=1))
        here = np.concatenate([self._scores[better], scores[better]], axis=1)
        numbers = np.concatenate([self._rows[better], np.tile(rows, (len(better), 1))], axis=1)
        top = np.argpartition(-here, K - 1, axis=1)[:, :K]
        self._scores[better] = np.take_along_axis(here, top, axis=1)
        self._rows[better] = np.take_along_axis(numbers, top, axis=1)

    def best(self) -> np.ndarray:
        """(queries, K): their rows; -1 where fewer than K works were allowed."""
        return np.where(np.isneginf(self._scores), -1, self._rows)


def recall(found: Sequence[np.ndarray], best: np.ndarray) -> float:
    """Share of the `best` (q, K) that are among the first K of `found`, of each query."""
    hits = [len(np.intersect1d(rows[:K], wanted)) for rows, wanted in zip(found, best, strict=True)]
    return round(float(sum(hits) / max(1, np.count_nonzero(best >= 0))), 4)


def raw_blocks(blends: Mapping[Aspect, Blends], rows: np.ndarray) -> Blocks:
    return {aspect: blend.take(rows) for aspect, blend in blends.items()}


def weighted(statistics: SpaceStatistics, vectors: np.ndarray, weights: Mapping[Aspect, float]) -> np.ndarray:
    """(q, dimension): index vectors as queries with these weights."""
    return statistics.query_vector(vectors, statistics.weigh(weights))


def milliseconds(run: Callable[[Any], Any], queries: Sequence[Any]) -> np.ndarray:
    """(q,): of one call for each query, after a warm-up call."""
    run(queries[0])
    taken = []
    for query in queries:
        started = time.perf_counter()
        run(query)
        taken.append((time.perf_counter() - started) * 1000)
    return np.array(taken)
