"""Label-free statistics of nearest neighbours: how close the answers of each encoder are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from artsim.collection import Collection
from artsim.errors import QueryError
from artsim.evaluation.labels import draw_queries
from artsim.evaluation.ranking import Setting, rank_works
from artsim.snapshot.state import find_space


@dataclass(frozen=True)
class Neighbours:
    """Raw subject cosines and angular distances of the `k` best answers, over all queries and answers together."""

    space: str
    encoder: str
    k: int
    queries: int
    cosine_mean: float
    cosine_std: float
    angular_mean: float
    angular_std: float
    never_found: float | None
    """Share of the works that are in no answer, because hubs displace them; None for a sample of queries."""
    occurrence_skewness: float | None
    """Skewness of the number of answers that a work is in: Radovanović et al. 2010, "Hubs in space". 0 to 1 without hubs, 3 and
    more with them; None for a sample of queries, or if all works are in as many."""
    occurrence_max: float | None
    """Share of the answers that the most frequent work is in; None for a sample of queries."""


def measure_neighbours(
    collection: Collection, setting: Setting, *, k: int = 10, max_queries: int | None = None, seed: int = 0
) -> Neighbours:
    """Measure the neighbours of every work, or of `max_queries` works drawn by `seed`.

    `QueryError` when the collection has fewer than two works, or for `k` below 1.
    """
    space, n = find_space(collection.state, setting.encoder), len(collection)
    if n < 2:
        raise QueryError(f"This collection has {n} work; the statistics of neighbours need at least two.")
    if k < 1:
        raise QueryError(f"k must be at least 1; it is {k}.")
    k = min(k, n - 1)
    rows = draw_queries(np.arange(n), max_queries, seed=seed)
    cosines, occurrences = [], np.zeros(n)
    for row in rows.tolist():
        top = rank_works(collection, setting, row, np.arange(n) != row)[0][:k]
        cosines.append(np.clip(space.plain(top) @ space.plain(np.array([row]))[0], -1, 1))
        occurrences[top] += 1
    cosine = np.concatenate(cosines)
    angular = np.sqrt(2 * (1 - cosine))
    return Neighbours(
        space=space.name,
        encoder=space.encoder,
        k=k,
        queries=len(rows),
        cosine_mean=float(cosine.mean()),
        cosine_std=float(cosine.std()),
        angular_mean=float(angular.mean()),
        angular_std=float(angular.std()),
        never_found=float(np.mean(occurrences == 0)) if len(rows) == n else None,
        occurrence_skewness=_skewness(occurrences) if len(rows) == n else None,
        occurrence_max=float(occurrences.max() / n) if len(rows) == n else None,
    )


def _skewness(values: np.ndarray) -> float | None:
    """The third standardised moment of `values` (n,); None if they are all the same."""
    deviation = float(values.std())
    return float(((values - values.mean()) ** 3).mean() / deviation**3) if deviation > 0 else None
