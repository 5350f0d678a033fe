"""Confidence intervals of means over queries: percentile bootstrap (Efron 1979), over queries or over groups of them.

Queries by the same artist are not independent: they are each other's neighbours. Drawing whole groups (cluster bootstrap)
shows how a figure would vary with other artists; drawing queries shows how it would vary with other works by the same ones.
"""

from __future__ import annotations

import numpy as np

RESAMPLES = 2000


def bootstrap_intervals(values: np.ndarray, *, clusters: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """(m, 2): bounds of the 95 % interval of the mean of each column of `values` (q, m), from `RESAMPLES` draws.

    `clusters` (q,) int: group of each query, to draw whole groups instead. nan with only one query or group.
    """
    clusters = np.arange(len(values)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    units = int(clusters.max()) + 1
    if units < 2:
        return np.full((values.shape[1], 2), np.nan)
    sizes = np.bincount(clusters, minlength=units).astype(float)  # (units,)
    sums = np.stack([np.bincount(clusters, column, minlength=units) for column in values.T], axis=1)  # (units, m)
    rng = np.random.default_rng(seed)
    means = np.empty((RESAMPLES, values.shape[1]))
    for number in range(RESAMPLES):
        counts = np.bincount(rng.integers(0, units, units), minlength=units)
        means[number] = counts @ sums / (counts @ sizes)
    return np.quantile(means, [0.025, 0.975], axis=0).T


def bounds_or_none(interval: np.ndarray) -> list[float] | None:
    """An interval (2,) as JSON has it: None where it is unknown."""
    return None if np.isnan(interval).any() else interval.tolist()
