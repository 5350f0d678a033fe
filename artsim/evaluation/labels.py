"""What is right: works that share a label are relevant to each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from artsim.errors import QueryError
from artsim.snapshot.labels import Labels


def check_labels(labels: Labels, candidates: np.ndarray) -> None:
    """`QueryError` when the labels of the works where `candidates` (n,) is true make all answers right, or all wrong."""
    counts = {value: int(candidates[rows].sum()) for value, rows in labels.rows.items() if candidates[rows].any()}
    if not counts:
        raise QueryError(f"No work that is left has a label in the column {labels.column!r}.")
    if max(counts.values()) < 2:
        raise QueryError(
            f"No two works share a value in the column {labels.column!r}, so no answer could be right; give a column "
            "whose values repeat, such as artist or style."
        )
    if len(counts) == 1:
        raise QueryError(
            f"The column {labels.column!r} has one class only ({next(iter(counts))}), so every answer would be right; "
            "give a column with at least two."
        )


@dataclass(frozen=True)
class Relevance:
    """Works are relevant to a query if they share one of its `labels`.

    Only `candidates` (n,) bool are queries and answers. Works that share a value in `disjoint` with the query are not in its
    ranking, neither right nor wrong; nor is the query itself.
    """

    labels: Labels
    disjoint: Labels | None
    candidates: np.ndarray

    def of(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """(n,) bool, twice: the works in the ranking of the query `row`, and the relevant ones among them."""
        ranked = self.candidates.copy()
        ranked[row] = False
        if self.disjoint is not None:
            ranked[self.disjoint.sharing(row)] = False
        relevant = np.zeros(len(ranked), bool)
        relevant[self.labels.sharing(row)] = True
        return ranked, relevant & ranked


def draw_queries(rows: np.ndarray, count: int | None, *, seed: int) -> np.ndarray:
    """`count` of `rows` (default: all), drawn by `seed` and in their order. `QueryError` for a count below 1."""
    if count is None or count >= len(rows):
        return rows
    if count < 1:
        raise QueryError(f"The number of queries must be at least 1; it is {count}.")
    return np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))
