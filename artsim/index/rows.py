"""`Rows`: stored vectors, read by row, from memory or from memory-mapped files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

CACHED = 128
"""Rows that are compared at once, so that their numbers stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Vectors (n, d) of the works, in the order of the works.

    They lie in `parts`, arrays (p, d) that are in memory or memory-mapped and never change. Row i is at `physical[i]` of the
    parts laid end to end; None: at i. So works are removed without copying a vector.
    """

    parts: tuple[np.ndarray, ...]
    physical: np.ndarray | None = None

    @classmethod
    def of(cls, vectors: np.ndarray) -> Rows:
        return cls((vectors,))

    def __len__(self) -> int:
        return self.stored if self.physical is None else len(self.physical)

    @cached_property
    def stored(self) -> int:
        """Number of stored vectors, those of removed works included."""
        return sum(len(part) for part in self.parts)

    @property
    def dimension(self) -> int:
        return self.parts[0].shape[1]

    def positions(self, rows: np.ndarray) -> np.ndarray:
        """Where the vectors of `rows` lie in the parts laid end to end."""
        rows = np.asarray(rows, np.int64)
        return rows if self.physical is None else self.physical[rows]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows), d): the vectors of `rows`, in the type in which they are stored."""
        return self.at(self.positions(rows))

    def at(self, positions: np.ndarray) -> np.ndarray:
        """(len(positions), d): the vectors at `positions` of the parts laid end to end."""
        if len(self.parts) == 1:
            return self.parts[0].take(positions, axis=0)  # faster than an index
        taken = np.empty((len(positions), self.dimension), self.parts[0].dtype)
        part_of = np.searchsorted(self._ends, positions, side="right")
        for number in np.unique(part_of).tolist():
            here = part_of == number
            start = self._ends[number] - len(self.parts[number])
            taken[here] = self.parts[number].take(positions[here] - start, axis=0)
        return taken

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.cumsum([len(part) for part in self.parts])

    def all(self) -> np.ndarray:
        """(n, d): all vectors; no copy if they lie in one part and none was removed."""
        if self.physical is None and len(self.parts) == 1:
            return self.parts[0]
        return self.take(np.arange(len(self)))

    def chunks(self, size: int) -> Iterator[tuple[int, np.ndarray]]:
        """The first row and the vectors (at most `size`, d) of one chunk after another."""
        for start in range(0, len(self), size):
            yield start, self.take(np.arange(start, min(start + size, len(self))))

    def products(self, rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """(len(rows),) float32: the inner products of the vectors at `rows` with `vector` (d,) float32."""
        products = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), CACHED):
            here = slice(start, start + CACHED)
            products[here] = self.take(rows[here]).astype(np.float32) @ vector
        return products

    def appended(self, vectors: np.ndarray) -> Rows:
        """With the vectors (m, d) of new works at the end."""
        part = np.ascontiguousarray(vectors, self.parts[0].dtype)
        physical = self.physical
        if physical is not None:
            physical = np.concatenate([physical, self.stored + np.arange(len(part))])
        return Rows((*self.parts, part), physical)

    def only(self, rows: np.ndarray) -> Rows:
        """With only `rows`; nothing is copied."""
        return Rows(self.parts, self.positions(rows))


def sample_rows(n: int, most: int) -> np.ndarray:
    """All of `n` rows, or `most` of them at random, always the same, in order."""
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(0).choice(n, most, replace=False))


def laid_end_to_end(chunks: Iterable[np.ndarray], count: int) -> np.ndarray:
    """(count, d): the chunks (m, d) of so many rows together. Unlike `np.concatenate`, it never holds them twice."""
    rows = np.zeros((0, 0))
    stop = 0
    for chunk in chunks:
        if not len(rows):
            rows = np.empty((count, chunk.shape[1]), chunk.dtype)
        rows[stop : stop + len(chunk)] = chunk
        stop += len(chunk)
    return rows
