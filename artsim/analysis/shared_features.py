"""Pairs of pictures that share rare local features: candidates for copies, details of one another, photographs of one work.

Locality-sensitive hashing of binary descriptors (Indyk & Motwani 1998; multi-index hashing, Norouzi et al. 2012): features
whose descriptors agree in a few places share a bucket. As in a text search, a bucket weighs by how few pictures share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

DESCRIPTOR = 32
"""Bytes of a descriptor."""
_TABLES = 16
_BITS, _MOST_BITS = 24, 32  # of the descriptor that make a bucket, for `_BITS_FIT` pictures; one more for each doubling
_BITS_FIT = 1_000
_TOGETHER = 2  # tables in memory at once
_LARGEST = 16  # pictures of a bucket, up to which each is paired with all others
_NEXT = 1  # picture on either side that each of a larger bucket is paired with: many copies of one picture form a chain
_CHUNK = 1_000  # pictures whose shared buckets are in memory at once
_SMOOTHING = 50  # features: pictures with far fewer share a few by chance
_SEED = 0


def pairs_by_shared_features(
    descriptors: np.ndarray, counts: np.ndarray, *, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """(p, 2) numbers of pictures, first < second, and scores (p,): for each picture the `most` that share most with it.

    `descriptors` (sum of counts, 32) uint8: of the features of all pictures, end to end; `counts` (n,): of each picture.
    A score is the weighted number of shared buckets relative to the numbers of features. Likeliest first.
    """
    n = len(counts)
    owners = np.repeat(np.arange(n, dtype=np.int32), counts)
    rng = np.random.default_rng(_SEED)
    places = [rng.permutation(DESCRIPTOR)[: _MOST_BITS // 8] for _ in range(_TABLES)]
    codes, scores = [np.zeros(0, np.int64)], [np.zeros(0)]
    for start in range(0, _TABLES, _TOGETHER):
        tables = [_table(descriptors, owners, n, chosen) for chosen in places[start : start + _TOGETHER]]
        for pairs, score in _most_shared(tables, counts, most):
            codes.append(pairs.min(axis=1) * n + pairs.max(axis=1))
            scores.append(score)
    found, of = np.unique(np.concatenate(codes), return_inverse=True)
    total = np.bincount(of, np.concatenate(scores), len(found)) / 2  # a pair is seen from either side
    order = np.argsort(-total, kind="stable")
    return np.stack([found[order] // n, found[order] % n], axis=1), total[order]


@dataclass(frozen=True)
class _Table:
    """Pictures by the buckets of one table: entry e says that `pictures[e]` is in a bucket, which weighs `weights[e]`.

    The entries of a bucket lie side by side; `first[e]` to `last[e]` (exclusive) are those that e is paired with.
    `by_picture`: the entries of picture 0, then of picture 1, ...; those of picture p begin at `begins[p]`.
    """

    pictures: np.ndarray
    weights: np.ndarray
    first: np.ndarray
    last: np.ndarray
    by_picture: np.ndarray
    begins: np.ndarray


def _table(descriptors: np.ndarray, owners: np.ndarray, n: int, places: np.ndarray) -> _Table:
    bits = int(np.clip(_BITS + np.log2(max(n, 1) / _BITS_FIT), _BITS, _MOST_BITS))
    keys = np.zeros(len(owners), np.uint32)
    for place in places.tolist():
        keys = (keys << np.uint32(8)) | descriptors[:, place]
    keys >>= np.uint32(_MOST_BITS - bits)
    order = np.argsort(keys, kind="stable").astype(np.int32)
    keys, pictures = keys[order], owners[order]
    new = np.append(True, (keys[1:] != keys[:-1]) | (pictures[1:] != pictures[:-1]))[: len(keys)]
    keys, pictures = keys[new], pictures[new]  # of features of one picture in one bucket, one counts
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)]).astype(np.int32)
    sizes = np.append(starts[1:], np.int32(len(keys)))[: len(starts)] - starts
    shared = np.repeat(sizes > 1, sizes)
    pictures = pictures[shared]
    sizes = sizes[sizes > 1]
    ends = np.cumsum(sizes, dtype=np.int32)
    entries, first, last = (
        np.arange(len(pictures), dtype=np.int32),
        np.repeat(ends - sizes, sizes),
        np.repeat(ends, sizes),
    )
    large = np.repeat(sizes > _LARGEST, sizes)
    first = np.where(large, np.maximum(first, entries - _NEXT), first)
    last = np.where(large, np.minimum(last, entries + _NEXT + 1), last)
    weights = np.repeat(np.log(n / sizes + 1).astype(np.float32), sizes)
    by_picture = np.argsort(pictures, kind="stable").astype(np.int32)
    begins = np.append(0, np.cumsum(np.bincount(pictures, minlength=n)))
    return _Table(pictures, weights, first, last, by_picture, begins)


def _most_shared(tables: Sequence[_Table], counts: np.ndarray, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (p, 2) and scores (p,), in chunks: each picture with the `most` others that share most with it."""
    n = len(counts)
    relative = 1 / np.sqrt(counts + _SMOOTHING)
    for start in range(0, n, _CHUNK):
        stop = min(start + _CHUNK, n)
        shared = [_partners(table, start, stop) for table in tables]
        first, second, weights = (np.concatenate(part) for part in zip(*shared, strict=True))
        cells, of = np.unique(first.astype(np.int64) * n + second, return_inverse=True)
        first, second = cells // n, cells % n
        scores = np.bincount(of, weights, len(cells)) * relative[first] * relative[second]
        order = np.lexsort((-scores, first))
        first, second, scores = first[order], second[order], scores[order]
        begins = np.flatnonzero(np.append(True, first[1:] != first[:-1])[: len(first)])
        rank = np.arange(len(first)) - np.repeat(begins, np.diff(np.append(begins, len(first))))
        kept = rank < most
        yield np.stack([first[kept], second[kept]], axis=1), scores[kept]


def _partners(table: _Table, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures `start` to `stop`, the other pictures in their buckets, and the weights of these."""
    entries = table.by_picture[table.begins[start] : table.begins[stop]]
    lengths = table.last[entries] - table.first[entries]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    first = np.repeat(table.pictures[entries], lengths)
    second = table.pictures[np.repeat(table.first[entries], lengths) + within]
    other = first != second
    return first[other], second[other], np.repeat(table.weights[entries], lengths)[other]
