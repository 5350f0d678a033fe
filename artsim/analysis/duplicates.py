"""Duplicates: works of a collection that are one picture, or reproductions of one work.

Three witnesses must agree: a perceptual hash (what is light and dark where), the embedding (what it shows), and, for the few
pairs that are left then, the outlines of one picture laid on the other. A hash alone takes two dark portraits for one, an
embedding alone two Madonnas.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image

from artsim.analysis.edge_alignment import edge_alignment
from artsim.analysis.perceptual_hash import BITS, WINDOWS, distances, near_wholes, perceptual_hash, small_grey
from artsim.errors import ImageError
from artsim.images.decode import load_image
from artsim.search.engine import find_space
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import percentile
from artsim.snapshot.state import State

log = logging.getLogger(__name__)

Sureness = Literal["certain", "almost certain", "likely"]
SURENESS: tuple[Sureness, ...] = ("certain", "almost certain", "likely")
Progress = Callable[[int, int | None], None]

# Chosen on the paintings of The Met and of art-eval, among which are reproductions of one work, and altered copies of them.
FURTHEST_HASH = 14  # bits; a crop of a tenth comes near it
_NEAR_HASH = 4  # bits: so near, pairs are found even where the embeddings are no neighbours
_UNUSUAL, _DEVIATIONS = 98.0, 2.0  # percentile, or standard deviations above the median pair, of the cosine
SAME_OUTLINES, _SURE_OUTLINES = 0.65, 0.85
_NEIGHBOURS = 10  # by embedding, of each work: candidates beside those whose hashes agree
_FEWEST_PAIRS = 28  # of 8 works: with fewer, what is usual in the collection is not known
_CHUNK, _PAIRS = 256, 4096  # works, and pairs of works, at a time
_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class DuplicatePair:
    """Two works, by id, and what speaks for their being one."""

    first: str
    second: str
    sureness: Sureness
    same_file: bool
    distance: int | None
    """Bits of 64 in which the perceptual hashes differ, at best; None for nearly blank pictures, which have no hash."""
    cosine: float
    """Of the raw subject vectors."""
    percentile: float
    """Share, in percent, of random pairs of works whose cosine is lower; nan in a collection of one."""
    outlines: float | None
    """How well the outlines fit when one is laid on the other, at best 1; None for the same file."""

    @property
    def why(self) -> str:
        """The evidence, as a sentence."""
        if self.same_file:
            return "The same file, byte for byte."
        usual = "" if math.isnan(self.percentile) else f" (higher than in {self.percentile:.2f} % of pairs)"
        return (
            f"The perceptual hashes differ in {self.distance} of {BITS} bits, the cosine is {self.cosine:.2f}{usual}, and "
            f"laid on each other their outlines agree by {self.outlines:.2f} (at best 1)."
        )


@dataclass(frozen=True)
class DuplicateGroup:
    """Works that are one. `sureness` is that of the weakest pair that holds the group together."""

    ids: tuple[str, ...]
    sureness: Sureness
    pairs: tuple[DuplicatePair, ...]
    """What holds the group together, in the order in which it came together: one pair fewer than works."""


def find_duplicates(
    state: State,
    *,
    known: dict[str, np.ndarray],
    encoder: str | None = None,
    progress: Progress | None = None,
) -> list[DuplicateGroup]:
    """See `Collection.duplicates`. `known`: perceptual hashes by the sha256 of the file; it is added to."""
    space = find_space(state, encoder)
    files, prints = _hashes_of(state, known, progress)
    first_of: dict[str, int] = {}
    original = np.array([first_of.setdefault(file, row) for row, file in enumerate(files)])
    copies = np.flatnonzero(original != np.arange(len(original)))
    same = np.stack([original[copies], copies], axis=1)
    rows = np.flatnonzero(original == np.arange(len(original)))  # one of each file
    candidates = np.unique(np.concatenate([near_wholes(prints[rows], _NEAR_HASH), _neighbours(space, rows)]), axis=0)
    weighed = _weighed(space, prints, np.concatenate([same, rows[candidates]]), copies=len(same))
    return _grouped(state, weighed, _outlines_of(state))


def _hashes_of(state: State, known: dict[str, np.ndarray], progress: Progress | None) -> tuple[list[str], np.ndarray]:
    """The sha256 of every picture's file, and its perceptual hashes (n, windows) uint64; known files are not read."""
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
        return perceptual_hash(load_image(data, short_side=128, name=name))
    except ImageError as error:
        log.warning("Not compared: %s", error)
        return np.zeros(len(WINDOWS), np.uint64)


def _neighbours(space: Space, rows: np.ndarray) -> np.ndarray:
    """(p, 2) positions in `rows`, first < second: each work with its nearest by raw subject cosine."""
    import faiss

    vectors = space.raw_subject.vectors(rows)
    k = min(_NEIGHBOURS + 1, len(rows))
    _, found = faiss.knn(vectors, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
    pairs = np.stack([np.repeat(np.arange(len(rows)), k), found.ravel()], axis=1)
    return np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)


@dataclass(frozen=True)
class _Weighed:
    """Candidate pairs of rows (p, 2), the likeliest first, and what two witnesses say; the first `copies` are one file."""

    pairs: np.ndarray
    bits: np.ndarray
    cosine: np.ndarray
    percentile: np.ndarray
    copies: int


def _weighed(space: Space, prints: np.ndarray, pairs: np.ndarray, *, copies: int) -> _Weighed:
    """The pairs for which hash and embedding agree, and the copies."""
    bits, cosine = [np.zeros(0, int)], [np.zeros(0, np.float32)]
    for start in range(0, len(pairs), _PAIRS):
        first, second = pairs[start : start + _PAIRS].T
        bits.append(distances(prints[first], prints[second]))
        vectors = space.raw_subject.vectors(first), space.raw_subject.vectors(second)
        cosine.append(np.clip(np.einsum("pd,pd->p", *vectors), -1, 1))
    all_bits, cosines, sample = np.concatenate(bits), np.concatenate(cosine), space.statistics.raw_pairs
    agreeing = (all_bits <= FURTHEST_HASH) & unusually_alike(sample, cosines)
    agreeing[:copies] = True
    order = np.lexsort((-cosines, all_bits, np.arange(len(pairs)) >= copies))
    order = order[agreeing[order]]
    return _Weighed(pairs[order], all_bits[order], cosines[order], percentile(sample, cosines[order]), copies)


def _outlines_of(state: State) -> Callable[[int, int], float]:
    """How well the outlines of the pictures of two rows fit."""

    @lru_cache(maxsize=1024)
    def grey(row: int) -> Image.Image:
        name = state.table.column("id")[row].as_py()
        return small_grey(load_image(state.pictures(row), short_side=128, name=name))

    return lambda first, second: edge_alignment(grey(first), grey(second))


def unusually_alike(sample: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """(p,) bool: whether cosines are unusually high for the sorted `sample` of pairs of works.

    By their place in the sample, or by the spread of its middle: in a collection full of duplicates the upper end of the
    sample is duplicates too. In a handful of works nothing is unusual, and the other witnesses decide.
    """
    if len(sample) < _FEWEST_PAIRS:
        return np.ones(len(cosines), bool)
    middle, upper = np.quantile(sample, [0.5, 0.75])
    deviation = (upper - middle) / 0.6745  # of a normal distribution with these quartiles
    return (percentile(sample, cosines) >= _UNUSUAL) | (cosines >= middle + _DEVIATIONS * deviation)


def _grouped(state: State, weighed: _Weighed, outlines: Callable[[int, int], float]) -> list[DuplicateGroup]:
    """Works joined pair by pair, the likeliest first; of two works that are in one group already nothing more is asked."""
    ids = state.table.column("id")
    group_of: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    evidence: dict[int, list[DuplicatePair]] = {}
    for i, (first, second) in enumerate(weighed.pairs.tolist()):
        one, other = group_of.get(first, first), group_of.get(second, second)
        if one == other:
            continue
        fit = None if i < weighed.copies else outlines(first, second)
        if fit is not None and fit < SAME_OUTLINES:
            continue
        pair = DuplicatePair(
            first=ids[first].as_py(),
            second=ids[second].as_py(),
            sureness="certain" if fit is None else "almost certain" if fit >= _SURE_OUTLINES else "likely",
            same_file=fit is None,
            distance=int(weighed.bits[i]) if weighed.bits[i] <= BITS else None,
            cosine=float(weighed.cosine[i]),
            percentile=float(weighed.percentile[i]),
            outlines=fit,
        )
        members[one] = members.pop(one, [one]) + members.pop(other, [other])
        evidence[one] = [*evidence.pop(one, []), *evidence.pop(other, []), pair]
        group_of.update(dict.fromkeys(members[one], one))
    found = []
    for one, rows in sorted(members.items(), key=lambda item: min(item[1])):
        weakest = max((pair.sureness for pair in evidence[one]), key=SURENESS.index)
        works = tuple(ids[row].as_py() for row in sorted(rows))
        found.append(DuplicateGroup(works, weakest, tuple(evidence[one])))
    return sorted(found, key=lambda group: SURENESS.index(group.sureness))
