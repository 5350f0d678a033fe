"""The index protocol."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np

IndexKind = Literal["exact", "compact"]


class VectorIndex(Protocol):
    """Nearest-neighbour search over n vectors by inner product. An index never changes: adding and removing make new ones."""

    kind: IndexKind
    dimension: int

    def __len__(self) -> int: ...

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The `k` rows with the highest inner product per query (q, dimension) float32.

        `allowed` (n,) bool restricts the rows before the top k is taken. Returns scores and rows, both (q, k), best
        first; `k` is at most the number of rows that are allowed.
        """
        ...

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The stored vectors (len(rows), dimension) float32; of a compact index, decoded from 8 bits."""
        ...
