"""Duplicates: works of a collection that are the same picture, or reproductions of one work.

Three criteria must agree: a perceptual hash (light and dark areas), the embedding (the subject), and, for the few pairs
that are left, the outlines of the two pictures after alignment. A hash alone confuses two dark portraits, an embedding
alone two Madonnas.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image

from artsim.analysis.edge_alignment import edge_alignment
from artsim.analysis.perceptual_hash import (
    BITS,
    WINDOWS,
    distances,
    load_small,
    near_wholes,
    perceptual_hash,
    small_grey,
)
from artsim.errors import ImageError
from artsim.messages.progress import Progress
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import percentile
from artsim.snapshot.state import State, find_space

log = logging.getLogger(__name__)

Sureness = Literal["certain", "almost certain", "likely"]
SURENESS: tuple[Sureness, ...] = ("certain", "almost certain", "likely")

# Chosen on paintings of The Met and of art-eval, with several reproductions of some works, and on altered copies of them.
FURTHEST_HASH = 14  # bits; a crop of a tenth comes near it
_NEAR_HASH = 4  # bits: up to this, pairs are candidates even if their embeddings are not neighbours
_UNUSUAL, _DEVIATIONS = 98.0, 2.0  # percentile, or standard deviations above the median pair, of the cosine
SAME_OUTLINES, _SURE_OUTLINES = 0.65, 0.85
_NEIGHBOURS = 10  # of each work by embedding: candidates besides those with near hashes
_FEWEST_PAIRS = 28  # of 8 works: fewer do not show which cosines are usual in the collection
_CHUNK, _PAIRS = 256, 4096  # works, and pairs of works, at a time
_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class DuplicatePair:
    """Two works, by id, and the evidence that they are one."""

    first: str
    second: str
    sureness: Sureness
    same_file: bool
    distance: int | None
    """Fewest bits of 64 in which the perceptual hashes differ; None for nearly blank pictures, which have no hash."""
    cosine: float
    """Of the raw subject vectors."""
    percentile: float
    """Share, in percent, of random pairs of works with a lower cosine; nan in a collection of one work."""
    outlines: float | None
    """Correlation of the outlines after alignment, at best 1; None for the same file."""


@dataclass(frozen=True)
class DuplicateGroup:
    """Works that are one. `sureness` is that of the weakest pair in `pairs`."""

    ids: tuple[str, ...]
    sureness: Sureness
    pairs: tuple[DuplicatePair, ...]
    """The pairs that connect the group, in the order of merging: one fewer than works."""


def find_duplicates(
    state: State,
    *,
    known: dict[str, np.ndarray],
    encoder: str | None = None,
    progress: Progress | None = None,
) -> list[DuplicateGroup]:
    """See `Collection.duplicates`. `known`: cache of perceptual hashes by the sha256 of the file, extended in place."""
    space = find_space(state, encoder)
    files, hashes = _hashes_of(state, known, progress)
    first_of: dict[str, int] = {}
    original = np.array([first_of.setdefault(file, row) for row, file in enumerate(files)])
    copies = np.flatnonzero(original != np.arange(len(original)))
    rows = np.flatnonzero(original == np.arange(len(original)))  # one of each file
    candidates = np.unique(np.concatenate([near_wholes(hashes[rows], _NEAR_HASH), _neighbours(space, rows)]), axis=0)
    pairs = np.concatenate([np.stack([original[copies], copies], axis=1), rows[candidates]])
    same_file = np.arange(len(pairs)) < len(copies)
    return _grouped(state, _agreeing(space, hashes, pairs, same_file), _outlines_of(state))


def _hashes_of(state: State, known: dict[str, np.ndarray], progress: Progress | None) -> tuple[list[str], np.ndarray]:
    """The sha256 of every picture file, and the perceptual hashes (n, windows) uint64; known files are not read."""
    table, total = state.table, len(state)
    columns = table.column("sha256").to_pylist() if "sha256" in table.column_names else [None] * total
    files: list[str] = []
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        for start in range(0, total, _CHUNK):
            chunk = {}
            for row in range(start, min(start + _CHUNK, total)):
                file = columns[row]
                if file is None or (file not in known and file not in chunk):
                    data = _file(state, row)
                    file = hashlib.sha256(data).hexdigest() if data else f"none of row {row}"
                    chunk[file] = (state.table.column("id")[row].as_py(), data)
                files.append(file)
            fresh = {file: item for file, item in chunk.items() if file not in known}
            known.update(zip(fresh, pool.map(_hash_picture, fresh.values()), strict=True))
            if progress is not None:
                progress(min(start + _CHUNK, total), total)
    return files, np.stack([known[file] for file in files])


def _file(state: State, row: int) -> bytes:
    """Empty where the collection does not hold the picture."""
    try:
        return state.pictures(row)
    except ImageError as error:
        log.warning("Not compared: %s", error)
        return b""


def _hash_picture(picture: tuple[str, bytes]) -> np.ndarray:
    name, data = picture
    try:
        return perceptual_hash(load_small(data, name))
    except ImageError as error:
        log.warning("Not compared: %s", error)
        return np.zeros(len(WINDOWS), np.uint64)


def _neighbours(space: Space, rows: np.ndarray) -> np.ndarray:
    """(p, 2) positions in `rows`, first < second: each work with its nearest by raw subject cosine."""
    import faiss

    vectors = space.plain(rows)
    k = min(_NEIGHBOURS + 1, len(rows))
    _, found = faiss.knn(vectors, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
    pairs = np.stack([np.repeat(np.arange(len(rows)), k), found.ravel()], axis=1)
    return np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)


@dataclass(frozen=True)
class _Candidates:
    """Pairs of rows (p, 2), likeliest first; same file, hash distance, cosine and percentile of each (p,)."""

    pairs: np.ndarray
    same_file: np.ndarray
    bits: np.ndarray
    cosine: np.ndarray
    percentile: np.ndarray


def _agreeing(space: Space, hashes: np.ndarray, pairs: np.ndarray, same_file: np.ndarray) -> _Candidates:
    """The pairs (p, 2) on which hash and embedding agree, and those where `same_file` (p,) is true."""
    all_bits, cosines = np.zeros(len(pairs), int), np.zeros(len(pairs), np.float32)
    for start in range(0, len(pairs), _PAIRS):
        chunk = slice(start, start + _PAIRS)
        first, second = pairs[chunk].T
        all_bits[chunk] = distances(hashes[first], hashes[second])
        vectors = space.plain(first), space.plain(second)
        cosines[chunk] = np.clip(np.einsum("pd,pd->p", *vectors), -1, 1)
    sample = space.statistics.raw_pairs
    agreeing = same_file | ((all_bits <= FURTHEST_HASH) & unusually_alike(sample, cosines))
    order = np.lexsort((-cosines, all_bits, ~same_file))
    order = order[agreeing[order]]
    bits, cosines = all_bits[order], cosines[order]
    return _Candidates(pairs[order], same_file[order], bits, cosines, percentile(sample, cosines))


def small_picture(state: State, row: int) -> Image.Image:
    """The picture of a work, at a size that suffices for hashes and outlines."""
    return load_small(state.pictures(row), state.table.column("id")[row].as_py())


def _outlines_of(state: State) -> Callable[[int, int], float]:
    """A function of two rows that returns the edge alignment of their pictures."""

    @lru_cache(maxsize=1024)
    def grey(row: int) -> Image.Image:
        return small_grey(small_picture(state, row))

    return lambda first, second: edge_alignment(grey(first), grey(second))


def unusually_alike(sample: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """(p,) bool: whether cosines are unusually high, given the sorted `sample` of pairs of works.

    By percentile, or by the spread of the middle of the sample: in a collection full of duplicates the upper end of the
    sample is duplicates too. With too small a sample all cosines pass, and the other criteria decide.
    """
    if len(sample) < _FEWEST_PAIRS:
        return np.ones(len(cosines), bool)
    middle, upper = np.quantile(sample, [0.5, 0.75])
    deviation = (upper - middle) / 0.6745  # of a normal distribution with these quartiles
    return (percentile(sample, cosines) >= _UNUSUAL) | (cosines >= middle + _DEVIATIONS * deviation)


def _grouped(state: State, candidates: _Candidates, outlines: Callable[[int, int], float]) -> list[DuplicateGroup]:
    """Merge works pair by pair, likeliest first; pairs within one group are skipped."""
    ids = state.table.column("id")
    group_of: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    evidence: dict[int, list[DuplicatePair]] = {}
    for i, (first, second) in enumerate(candidates.pairs.tolist()):
        group, other = group_of.get(first, first), group_of.get(second, second)
        if group == other:
            continue
        fit = None if candidates.same_file[i] else outlines(first, second)
        if fit is not None and fit < SAME_OUTLINES:
            continue
        pair = DuplicatePair(
            first=ids[first].as_py(),
            second=ids[second].as_py(),
            sureness="certain" if fit is None else "almost certain" if fit >= _SURE_OUTLINES else "likely",
            same_file=fit is None,
            distance=int(candidates.bits[i]) if candidates.bits[i] <= BITS else None,
            cosine=float(candidates.cosine[i]),
            percentile=float(candidates.percentile[i]),
            outlines=fit,
        )
        members[group] = members.pop(group, [group]) + members.pop(other, [other])
        evidence[group] = [*evidence.pop(group, []), *evidence.pop(other, []), pair]
        group_of.update(dict.fromkeys(members[group], group))
    groups = []
    for group, rows in sorted(members.items(), key=lambda item: min(item[1])):
        weakest = max((pair.sureness for pair in evidence[group]), key=SURENESS.index)
        works = tuple(ids[row].as_py() for row in sorted(rows))
        groups.append(DuplicateGroup(works, weakest, tuple(evidence[group])))
    return sorted(groups, key=lambda group: SURENESS.index(group.sureness))
