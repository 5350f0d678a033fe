"""The index protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import numpy as np

from artsim.index.rows import Rows

IndexKind = Literal["exact", "compact"]


class VectorIndex(Protocol):
    """Nearest-neighbour search over n vectors by inner product. An index never changes: adding and removing make new ones."""

    kind: IndexKind
    dimension: int

    @property
    def codes(self) -> Rows | None:
        """The vectors in 8 bits a number; None where they are kept whole."""
        ...

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields of an engine that filters by metadata -> the columns that they hold; empty where it has none."""
        ...

    def __len__(self) -> int: ...

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None, expression: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        """The `k` rows with the highest inner product per query (q, dimension) float32.

        `allowed` (n,) bool restricts the rows before the top k is taken. Returns scores and rows, both (q, k), best
        first; `k` is at most the number of rows that are allowed. `expression` says of an engine's own fields what all
        rows that are allowed have in common (see `artsim.snapshot.scalar_fields`), so that it need not look at others.
        """
        ...

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """The stored vectors (len(rows), dimension) float32; of a compact index, decoded from 8 bits."""
        ...

    def only(self, rows: np.ndarray) -> VectorIndex:
        """With only `rows`."""
        ...

    def touched(self, row: int) -> VectorIndex:
        """With other metadata of `row`: an engine that filters by it does not know that yet."""
        ...
