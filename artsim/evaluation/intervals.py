"""Confidence intervals of means over queries: percentile bootstrap (Efron 1979), over queries or over groups of them.

Queries by the same artist are not independent: they are each other's neighbours. Drawing whole groups (cluster bootstrap)
shows how a figure would vary with other artists; drawing queries shows how it would vary with other works by the same ones.
"""

from __future__ import annotations

import numpy as np

RESAMPLES = 2000
_CHUNK_DRAWS = 4_000_000  # random numbers in memory at once


def bootstrap_intervals(
    values: np.ndarray,
    *,
    clusters: np.ndarray | None = None,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> np.ndarray:
    """(m, 2): lower and upper bound of the mean of each column of `values` (q, m), by `resamples` draws with replacement.

    `clusters` (q,) int: group of each query, to draw whole groups instead. nan with only one query or group.
    """
    clusters = np.arange(len(values)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    units = int(clusters.max()) + 1
    if units < 2:
        return np.full((values.shape[1], 2), np.nan)
    sizes = np.bincount(clusters, minlength=units).astype(float)  # (units,)
    sums = np.stack([np.bincount(clusters, column, minlength=units) for column in values.T], axis=1)  # (units, m)
    rng = np.random.default_rng(seed)
    means = []
    chunk = max(1, _CHUNK_DRAWS // units)
    for start in range(0, resamples, chunk):
        drawn = rng.integers(0, units, (min(chunk, resamples - start), units))
        counts = np.stack([np.bincount(row, minlength=units) for row in drawn])  # (chunk, units)
        means.append(counts @ sums / (counts @ sizes)[:, None])
    tail = (1 - confidence) / 2
    return np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0).T
