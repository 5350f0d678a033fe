"""What an index is."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np


class VectorIndex(Protocol):
    kind: str
    """"flat", "fp16" or "hnsw": what the manifest records."""
    dimension: int

    def __len__(self) -> int: ...

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The `k` rows with the highest inner product per query (q, dimension) float32.

        `allowed` (n,) bool restricts the answer before the top k is taken. Returns scores and rows, both (q, k), best
        first; where fewer than `k` rows are allowed, the rest of the rows is -1.
        """
        ...

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The stored vectors (len(rows), dimension) float32 (for "fp16": as rounded)."""
        ...

    def save(self, path: Path) -> None: ...
