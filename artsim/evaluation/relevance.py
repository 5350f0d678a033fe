"""The works in the ranking of a query, and the relevant ones among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from artsim.errors import QueryError
from artsim.evaluation.labels import Labels


@dataclass(frozen=True)
class Relevance:
    """Works are relevant to a query if they share one of its `labels`.

    Only `candidates` (n,) bool are queries and answers. Works that share a value in `disjoint` with the query are not in its
    ranking, neither right nor wrong; nor is the query itself.
    """

    labels: Labels
    disjoint: Labels | None
    candidates: np.ndarray

    def ranked(self, row: int) -> np.ndarray:
        """(n,) bool: whether each work is in the ranking of the query `row`."""
        ranked = self.candidates.copy()
        ranked[row] = False
        if self.disjoint is not None:
            ranked[self.disjoint.sharing(row)] = False
        return ranked

    def relevant(self, row: int) -> np.ndarray:
        """(n,) bool: whether each work is in that ranking and relevant."""
        relevant = np.zeros(len(self.candidates), bool)
        relevant[self.labels.sharing(row)] = True
        return relevant & self.ranked(row)

    def queries(self) -> np.ndarray:
        """Rows of the candidates to which some work is relevant, ascending."""
        return np.array([row for row in np.flatnonzero(self.candidates).tolist() if self.relevant(row).any()], int)


def draw_queries(rows: np.ndarray, count: int | None, *, seed: int) -> np.ndarray:
    """`count` of `rows` (default: all), drawn by `seed` and in their order. `QueryError` for a count below 1."""
    if count is None or count >= len(rows):
        return rows
    if count < 1:
        raise QueryError(f"The number of queries must be at least 1; it is {count}.")
    return np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))
