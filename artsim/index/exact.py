"""Exact search: one matrix product. For collections so small that nothing else is worth its while."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from artsim.index.protocol import IndexKind


class ExactIndex:
    """See `artsim.index.protocol.VectorIndex`. `vectors` (n, dimension) float32."""

    kind: IndexKind = "exact"
    codes = None
    fields: Mapping[str, str] = MappingProxyType({})

    def __init__(self, vectors: np.ndarray) -> None:
        self._vectors = np.ascontiguousarray(vectors, np.float32)
        self.dimension: int = vectors.shape[1]

    def __len__(self) -> int:
        return len(self._vectors)

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None, expression: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        rows = np.arange(len(self)) if allowed is None else np.flatnonzero(allowed)
        few = 2 * len(rows) < len(self)
        scores = queries @ self._vectors[rows].T if few else (queries @ self._vectors.T)[:, rows]
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, best, axis=1), rows[best]

    def compare(self, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(len(rows),) float32: the inner products of `query` (dimension,) with the vectors of `rows`."""
        return self._vectors[rows] @ query

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        return self._vectors[rows]

    def only(self, rows: np.ndarray) -> ExactIndex:
        return ExactIndex(self._vectors[rows])

    def touched(self, row: int) -> ExactIndex:
        return self
