"""The index protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np


class VectorIndex(Protocol):
    """Nearest-neighbour search over n vectors by inner product."""

    kind: str
    """"flat", "fp16" or "hnsw", as the manifest records it."""
    dimension: int

    def __len__(self) -> int: ...

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The `k` rows with the highest inner product per query (q, dimension) float32.

        `allowed` (n,) bool restricts the rows before the top k is taken. Returns scores and rows, both (q, k), best
        first; where fewer than `k` rows are found, the remaining rows are -1.
        """
        ...

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The stored vectors (len(rows), dimension) float32, rounded to float16 unless "flat"."""
        ...

    def save(self, path: Path) -> None: ...
