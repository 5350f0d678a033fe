"""Duplicates: works of a collection that are one picture, or reproductions of one work.

Two independent witnesses must agree: a perceptual hash (what is light and dark where) and the embedding (what it shows).
A hash alone takes two dark portraits for one; an embedding alone takes two Madonnas for one.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from artsim.contents import Contents, IndexedSpace
from artsim.errors import ImageError
from artsim.fingerprints import BITS, WINDOWS, distances, fingerprint, near_wholes
from artsim.images import load_image
from artsim.search import choose_space
from artsim.space import percentile

log = logging.getLogger(__name__)

Sureness = Literal["certain", "almost certain", "likely"]
SURENESS: tuple[Sureness, ...] = ("certain", "almost certain", "likely")
Pictures = Callable[[int], bytes]
Progress = Callable[[int, int | None], None]

# Measured on 174 paintings of The Met, 474 of art-eval, and altered copies of them. How alike two embeddings must be rises
# with the distance of the hashes, from 2 standard deviations above the median pair to 3 at `FURTHEST` bits.
SAME_HASH, FURTHEST = 4, 12
_ALIKE, _ALIKE_PER_BIT = 2.0, 0.12
_SURE_DISTANCE, _SURE_ALIKE = 6, 2.5
_NEIGHBOURS = 10  # by embedding, of each work: candidates beside those whose hashes agree
_FEWEST_PAIRS = 28  # of 8 works: with fewer, what is usual in the collection is not known, and the hash decides
_CHUNK = 256


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

    @property
    def why(self) -> str:
        """The evidence, as a sentence."""
        if self.same_file:
            return "The same file, byte for byte."
        return (
            f"The perceptual hashes differ in {self.distance} of {BITS} bits, and the cosine is {self.cosine:.2f}, "
            f"higher than in {self.percentile:.2f} % of pairs."
        )


@dataclass(frozen=True)
class DuplicateGroup:
    """Works that are one. `sureness` is that of the weakest pair that holds the group together."""

    ids: tuple[str, ...]
    sureness: Sureness
    pairs: tuple[DuplicatePair, ...]
    """Every pair that was found, the surest first."""


def find_duplicates(
    contents: Contents,
    pictures: Pictures,
    *,
    known: dict[str, np.ndarray],
    space: str | None = None,
    progress: Progress | None = None,
) -> list[DuplicateGroup]:
    """Groups of works that are the same, the surest first. See `Collection.duplicates`.

    `known` holds fingerprints by the sha256 of a picture's file, and is added to. Pictures that cannot be decoded have
    none, and are logged.
    """
    indexed = choose_space(contents, space)
    files, prints = _fingerprints(contents, pictures, known, progress)
    first_of: dict[str, int] = {}
    original = np.array([first_of.setdefault(file, row) for row, file in enumerate(files)])
    copies = np.flatnonzero(original != np.arange(len(original)))
    same = np.stack([original[copies], copies], axis=1)
    rows = np.flatnonzero(original == np.arange(len(original)))  # one of each file
    candidates = np.unique(np.concatenate([near_wholes(prints[rows], SAME_HASH), _neighbours(indexed, rows)]), axis=0)
    found = _judged(contents, indexed, prints, rows[candidates], same_file=False)
    found += _judged(contents, indexed, prints, same, same_file=True)
    return _grouped(contents, found)


def _fingerprints(
    contents: Contents, pictures: Pictures, known: dict[str, np.ndarray], progress: Progress | None
) -> tuple[list[str], np.ndarray]:
    """The sha256 of every picture's file, and the fingerprints (n, windows) uint64; files that are known are not read."""
    table, total = contents.table, len(contents)
    columns = table.column("sha256").to_pylist() if "sha256" in table.column_names else [None] * total
    files: list[str] = []
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, total, _CHUNK):
            chunk = {}
            for row in range(start, min(start + _CHUNK, total)):
                file = columns[row]
                if file is None or (file not in known and file not in chunk):
                    data = pictures(row)
                    file = hashlib.sha256(data).hexdigest()
                    chunk[file] = (contents.table.column("id")[row].as_py(), data)
                files.append(file)
            fresh = {file: item for file, item in chunk.items() if file not in known}
            known.update(zip(fresh, pool.map(_fingerprint, fresh.values()), strict=True))
            if progress is not None:
                progress(min(start + _CHUNK, total), total)
    return files, np.stack([known[file] for file in files])


def _fingerprint(picture: tuple[str, bytes]) -> np.ndarray:
    name, data = picture
    try:
        return fingerprint(load_image(data, short_side=128, name=name))
    except ImageError as error:
        log.warning("Not compared: %s", error)
        return np.zeros(len(WINDOWS), np.uint64)


def _neighbours(indexed: IndexedSpace, rows: np.ndarray) -> np.ndarray:
    """(p, 2) positions in `rows`, first < second: each work with its nearest by raw subject cosine."""
    allowed = np.zeros(len(indexed.raw_subject), bool)
    allowed[rows] = True
    position = np.full(len(allowed), -1)
    position[rows] = np.arange(len(rows))
    pairs = []
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        _, found = indexed.raw_subject.search(indexed.raw_subject.vectors(chunk), _NEIGHBOURS + 1, allowed=allowed)
        first = np.repeat(position[chunk], found.shape[1])
        second = np.where(found >= 0, position[found], -1).ravel()
        real = (second >= 0) & (first != second)
        pairs.append(np.sort(np.stack([first, second], axis=1)[real], axis=1))
    return np.concatenate(pairs)


def _judged(
    contents: Contents, indexed: IndexedSpace, prints: np.ndarray, pairs: np.ndarray, *, same_file: bool
) -> list[DuplicatePair]:
    """Those of the candidate pairs (p, 2), in rows, for which hash and embedding agree; all, where the file is the same."""
    if not len(pairs):
        return []
    bits = np.concatenate([distances(prints[part[:, 0]], prints[part[:, 1]]) for part in _chunks(pairs)])
    if not same_file:
        pairs, bits = pairs[bits <= FURTHEST], bits[bits <= FURTHEST]
    vectors = indexed.raw_subject.vectors
    cosines = [np.einsum("pd,pd->p", vectors(part[:, 0]), vectors(part[:, 1])) for part in _chunks(pairs)]
    cosine = np.clip(np.concatenate([np.zeros(0, np.float32), *cosines]), -1, 1)
    percentiles, alike = percentile(indexed.space.raw_pairs, cosine), _standard(indexed.space.raw_pairs, cosine)
    agree = alike >= _ALIKE + _ALIKE_PER_BIT * np.maximum(bits - SAME_HASH, 0)
    ids = contents.table.column("id")
    judged = []
    for i in np.flatnonzero(agree | same_file):
        sure: Sureness = "almost certain" if bits[i] <= _SURE_DISTANCE and alike[i] >= _SURE_ALIKE else "likely"
        judged.append(
            DuplicatePair(
                first=ids[int(pairs[i, 0])].as_py(),
                second=ids[int(pairs[i, 1])].as_py(),
                sureness="certain" if same_file else sure,
                same_file=same_file,
                distance=int(bits[i]) if bits[i] <= BITS else None,
                cosine=float(cosine[i]),
                percentile=float(percentiles[i]),
            )
        )
    return judged


def _chunks(pairs: np.ndarray) -> list[np.ndarray]:
    return [pairs[start : start + 4096] for start in range(0, len(pairs), 4096)]


def _standard(sample: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """How many standard deviations each cosine lies above the median of the sorted `sample`.

    From the middle of the sample, since in a collection full of duplicates the upper end of it is duplicates.
    """
    if len(sample) < _FEWEST_PAIRS:
        return np.full(len(cosines), _ALIKE)
    middle, upper = np.quantile(sample, [0.5, 0.75])
    return (cosines - middle) / max((upper - middle) / 0.6745, 1e-3)


def _grouped(contents: Contents, pairs: Sequence[DuplicatePair]) -> list[DuplicateGroup]:
    """Pairs that share works, as one group; joined from the surest on, so that the last to join is the weakest needed."""
    strength = {
        pair: (SURENESS.index(pair.sureness), BITS if pair.distance is None else pair.distance) for pair in pairs
    }
    ordered = sorted(pairs, key=lambda pair: (*strength[pair], -pair.cosine))
    group_of: dict[str, list[str]] = {}
    weakest: dict[int, Sureness] = {}
    for pair in ordered:
        first, second = (group_of.setdefault(work, [work]) for work in (pair.first, pair.second))
        if first is not second:
            first += second
            group_of.update(dict.fromkeys(second, first))
            weakest[id(first)] = pair.sureness
    groups = {id(group): group for group in group_of.values()}
    result = []
    for key, group in groups.items():
        members = set(group)
        evidence = tuple(pair for pair in ordered if pair.first in members)
        result.append(DuplicateGroup(tuple(sorted(group, key=contents.rows.__getitem__)), weakest[key], evidence))
    return sorted(result, key=lambda group: (SURENESS.index(group.sureness), contents.rows[group.ids[0]]))
