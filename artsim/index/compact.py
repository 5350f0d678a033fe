"""Compact search: 4-bit product quantisation finds candidates, 8-bit vectors re-score them.

The first pass is FAISS's fast scan (André, Kermarrec & Le Scouarnec 2015, "Cache locality is not enough: high-performance
nearest neighbor search with product quantization fast scan"): 4 bits for every 4 dimensions, looked up in SIMD registers. It
knows no filters, so candidates are taken deeper where a filter leaves fewer of them, and few allowed rows are compared one
by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from artsim.index.eight_bits import EightBits
from artsim.index.numbers import check_numbers
from artsim.index.protocol import IndexKind
from artsim.index.rows import CACHED, Rows, sample_rows

_DIMENSIONS_PER_CODE = 4
_BITS = 4
_OVERSAMPLING = 5  # candidates per wanted row
_FEWEST, _NARROW = 500, 192  # candidates at least; more where fewer numbers than this count
_SMALL, _SMALL_PER_ROW = 1_000_000, 12  # up to so many numbers, comparing all allowed rows is as fast as the first pass
_CHUNK = 16_384  # rows that are decoded at once
_END_BYTES = 36  # of FAISS's file between the quantiser and the codes
_MAX_FIT, _ROUNDS = 10_000, 10  # vectors that the product quantiser is fitted on at most, and rounds of k-means


class CompactIndex:
    """See `artsim.index.protocol.VectorIndex`.

    `codes` (n, d) uint8 are the vectors in `bits`; `widths` the lengths of their blocks, of which those that a query leaves 0
    cost nothing in the second pass; `first_pass` is FAISS's index over all stored codes, those of removed works included.
    Without one, all rows that are allowed are compared.
    """

    kind: IndexKind = "compact"
    fields: Mapping[str, str] = MappingProxyType({})

    def __init__(self, codes: Rows, bits: EightBits, widths: Sequence[int], first_pass: Any) -> None:
        self.codes, self.bits, self.widths, self.first_pass = codes, bits, tuple(widths), first_pass
        self.dimension: int = codes.dimension

    def __len__(self) -> int:
        return len(self.codes)

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        return self.bits.decode(self.codes.take(rows))

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None, expression: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        available = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, available)
        used = [self._used_blocks(query) for query in queries]
        width = max((sum(block.stop - block.start for block in blocks) for blocks in used), default=0)
        wanted = max(_FEWEST * max(1, _NARROW // max(width, 1)), _OVERSAMPLING * k)
        depth = wanted * len(self) // max(available, 1)
        scores, rows = np.zeros((len(queries), k), np.float32), np.zeros((len(queries), k), np.int64)
        if k == 0 or not len(queries):
            return scores, rows
        few = available * width <= max(_SMALL, _SMALL_PER_ROW * len(self)) or 2 * depth >= len(self)
        found = None if few or self.first_pass is None else self._candidates(queries, depth, allowed)
        for number, (query, blocks) in enumerate(zip(queries, used, strict=True)):
            candidates = None if found is None else found[number]
            if candidates is None or len(candidates) < min(wanted, available) // 2:  # the filter fits the query badly
                candidates = np.arange(len(self)) if allowed is None else np.flatnonzero(allowed)
            likeness = self._scores(query, blocks, candidates)
            best = top(likeness, k)
            scores[number], rows[number] = likeness[best], candidates[best]
        return scores, rows

    def compare(self, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(len(rows),) float32: the inner products of `query` (dimension,) with the vectors of `rows`."""
        return self._scores(query, self._used_blocks(query), rows)

    def appended(self, codes: np.ndarray) -> CompactIndex:
        """With the codes (m, d) of new works at the end."""
        import faiss

        first_pass = None
        if self.first_pass is not None:
            first_pass = faiss.clone_index(self.first_pass)
            first_pass.add(self.bits.decode(codes))
        return CompactIndex(self.codes.appended(codes), self.bits, self.widths, first_pass)

    def only(self, rows: np.ndarray) -> CompactIndex:
        """With only `rows`. The first pass goes on finding the others, and they are left out."""
        return CompactIndex(self.codes.only(rows), self.bits, self.widths, self.first_pass)

    def touched(self, row: int) -> CompactIndex:
        return self

    def _used_blocks(self, query: np.ndarray) -> list[slice]:
        """The blocks in which `query` is not 0; neighbours are one."""
        used: list[slice] = []
        start = 0
        for width in self.widths:
            stop = start + width
            if query[start:stop].any():
                if used and used[-1].stop == start:
                    used[-1] = slice(used[-1].start, stop)
                else:
                    used.append(slice(start, stop))
            start = stop
        return used

    def _candidates(self, queries: np.ndarray, depth: int, allowed: np.ndarray | None) -> list[np.ndarray]:
        """The rows that the first pass finds for each query, without those that are not allowed."""
        depth = depth * self.codes.stored // len(self)  # removed works are found, too
        _, found = self.first_pass.search(np.ascontiguousarray(queries, np.float32), depth)
        candidates = []
        for positions in found:
            rows = np.sort(positions[positions >= 0])  # in the order in which they lie in memory
            if self._row_at is not None:
                rows = self._row_at[rows]
                rows = rows[rows >= 0]
            candidates.append(rows if allowed is None else rows[allowed[rows]])
        return candidates

    @cached_property
    def _row_at(self) -> np.ndarray | None:
        """The row of the vector at each stored position, -1 for removed works; None if that is the position itself."""
        if self.codes.physical is None:
            return None
        rows = np.full(self.codes.stored, -1, np.int64)
        rows[self.codes.physical] = np.arange(len(self))
        return rows

    def _scores(self, query: np.ndarray, blocks: Sequence[slice], rows: np.ndarray) -> np.ndarray:
        """(len(rows),) float32: inner products with the vectors at `rows`."""
        scores = np.zeros(len(rows), np.float32)
        used = [(block, self.bits.only(block)) for block in blocks]
        for start in range(0, len(rows), CACHED):
            codes = self.codes.take(rows[start : start + CACHED])
            for block, bits in used:
                scores[start : start + CACHED] += bits.dot(codes[:, block], query[block])
        return scores


def build_first_pass(codes: Rows, bits: EightBits) -> Any:
    """FAISS's fast-scan index over all stored `codes`, those of removed works included, fitted on at most `_MAX_FIT` of them."""
    index = _first_pass_of(codes.dimension)
    index.pq.cp.min_points_per_centroid, index.pq.cp.niter = 1, _ROUNDS
    stored = Rows(codes.parts)
    sample = sample_rows(len(stored), _MAX_FIT)
    sample = np.resize(sample, max(len(sample), 2**_BITS))  # FAISS wants a vector for each centroid
    index.train(bits.decode(stored.take(sample)))
    return refilled_first_pass(index, stored, bits)


def read_first_pass(path: Path, rows: int, dimension: int) -> Any:
    """FAISS's index over `rows` stored vectors, as `faiss.write_index` writes it. `ValueError` for any other file.

    FAISS believes the sizes that it reads, allocates and computes with them: a stranger's file could be written so that the
    process ends. So all of it but the numbers themselves is compared with what has to be there, before FAISS reads it.
    """
    import faiss

    expected = _first_pass_of(dimension)
    expected.is_trained, expected.ntotal = True, rows
    expected.ntotal2 = -(-rows // expected.bbs) * expected.bbs
    layout = faiss.serialize_index(expected)
    code_bytes = expected.ntotal2 * expected.M2 // 2
    layout[-8:] = np.frombuffer(np.int64(code_bytes).tobytes(), np.uint8)  # how many codes follow
    content = np.memmap(path, np.uint8, "r")
    start = len(layout) - _END_BYTES - 4 * expected.pq.centroids.size()
    stop = len(layout) - _END_BYTES
    if len(content) != len(layout) + code_bytes or not (
        np.array_equal(content[:start], layout[:start]) and np.array_equal(content[stop : len(layout)], layout[stop:])
    ):
        raise ValueError(f"it is not an index of {rows:,} vectors of {dimension} numbers")
    check_numbers(content[start:stop].copy().view(np.float32), "the quantiser")
    return faiss.read_index(str(path))


def _first_pass_of(dimension: int) -> Any:
    """FAISS's fast-scan index, neither fitted nor filled."""
    import faiss

    return faiss.IndexPQFastScan(dimension, dimension // _DIMENSIONS_PER_CODE, _BITS, faiss.METRIC_INNER_PRODUCT)


def refilled_first_pass(first_pass: Any, codes: Rows, bits: EightBits) -> Any:
    """The same product quantiser over other `codes`."""
    import faiss

    index = faiss.clone_index(first_pass)
    index.reset()
    for _, chunk in codes.chunks(_CHUNK):
        index.add(bits.decode(chunk))
    return index


def top(scores: np.ndarray, k: int) -> np.ndarray:
    """The positions of the `k` highest scores (n,), highest first; of equal ones, the first."""
    if k < len(scores):
        lowest = np.partition(scores, len(scores) - k)[len(scores) - k]
        above = np.flatnonzero(scores > lowest)
        positions = np.sort(np.concatenate([above, np.flatnonzero(scores == lowest)[: k - len(above)]]))
    else:
        positions = np.arange(len(scores))
    return positions[np.argsort(-scores[positions], kind="stable")]
