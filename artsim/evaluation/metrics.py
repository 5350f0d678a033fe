"""Retrieval metrics of a query, computed from the relevance of each work in its full ranking.

All follow the usual definitions of TREC (Manning, Raghavan and Schuetze, "Introduction to Information Retrieval",
chapter 8), with binary relevance; docs/evaluation.md lists them. A test compares them with those of ranx.
"""

from __future__ import annotations

import numpy as np

CUTOFFS = (1, 5, 10)
METRICS = (
    *(f"precision@{k}" for k in CUTOFFS),
    *(f"hit@{k}" for k in CUTOFFS[1:]),  # hit@1 is precision@1
    *(f"recall@{k}" for k in CUTOFFS),
    "r_precision",
    "map",
    "ndcg@10",
)
HEADLINE = ("precision@1", "precision@10", "hit@10", "r_precision", "map", "ndcg@10")
"""The metrics shown in tables."""


def measure(relevant: np.ndarray) -> np.ndarray:
    """(q, len(METRICS)) float64: metrics of each query, from `relevant` (q, n) bool, best answer first.

    Works taken out of a ranking stand at its end as not relevant, where they change nothing. `ValueError` for a row without
    a relevant work.
    """
    total = relevant.sum(axis=1)
    if not total.all():
        raise ValueError("a query without any relevant work has no metrics; leave it out")
    hits = np.cumsum(relevant, axis=1)  # (q, n): relevant works up to each rank
    ranks = np.arange(1, relevant.shape[1] + 1)
    hits_in_top = {k: hits[:, min(k, len(ranks)) - 1] for k in CUTOFFS}
    columns = [hits_in_top[k] / k for k in CUTOFFS]
    columns += [(hits_in_top[k] > 0).astype(float) for k in CUTOFFS[1:]]
    columns += [hits_in_top[k] / total for k in CUTOFFS]
    columns.append(hits[np.arange(len(hits)), total - 1] / total)
    columns.append((relevant * hits / ranks).sum(axis=1) / total)
    columns.append(_gain(relevant, 10) / _gain(ranks <= total[:, None], 10))
    return np.stack(columns, axis=1)


def mean_metrics(values: np.ndarray) -> dict[str, float]:
    """Mean of each metric, by name, over the queries of `values` (q, len(METRICS))."""
    return dict(zip(METRICS, values.mean(axis=0).tolist(), strict=True))


def _gain(relevant: np.ndarray, k: int) -> np.ndarray:
    """(q,): discounted cumulative gain of the first k works."""
    top = relevant[:, :k]
    return top @ (1 / np.log2(np.arange(2, top.shape[1] + 2)))
