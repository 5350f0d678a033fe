"""Retrieval metrics of a query, computed from the relevance of each work in its full ranking.

All follow the usual definitions of TREC (Manning, Raghavan and Schuetze, "Introduction to Information Retrieval",
chapter 8), with binary relevance; docs/evaluation.md lists them.
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
    """(len(METRICS),) float64: metrics of one query, from `relevant` (n,) bool: its whole ranking, best first.

    `ValueError` for a ranking without a relevant work.
    """
    total = int(relevant.sum())
    if not total:
        raise ValueError("a query without any relevant work has no metrics; leave it out")
    hits = np.cumsum(relevant)  # relevant works up to each rank
    ranks = np.arange(1, len(hits) + 1)
    in_top = [int(hits[:k][-1]) for k in CUTOFFS]
    gains = 1 / np.log2(ranks[:10] + 1)
    return np.array(
        [
            *(found / k for found, k in zip(in_top, CUTOFFS, strict=True)),
            *(float(found > 0) for found in in_top[1:]),
            *(found / total for found in in_top),
            hits[total - 1] / total,
            (relevant * hits / ranks).sum() / total,
            gains[relevant[:10]].sum() / gains[:total].sum(),
        ]
    )


def mean_metrics(values: np.ndarray) -> dict[str, float]:
    """Mean of each metric, by name, over the queries of `values` (q, len(METRICS))."""
    return dict(zip(METRICS, values.mean(axis=0).tolist(), strict=True))
