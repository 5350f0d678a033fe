"""Duplicates: groups of works that are one picture, or photographs, versions and details of one work.

Local features find candidates (`shared_features`) and decide, as in recognition (`same_work`); equal pixels and perceptual
hashes find pictures that have few of them. Nothing depends on the encoder, or on what else the collection holds.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from artsim.analysis.duplicate_groups import group_pictures
from artsim.analysis.feature_store import FeatureStore
from artsim.analysis.perceptual_hash import near_wholes
from artsim.analysis.picture_features import SIDE, PictureFeatures, read_features
from artsim.analysis.same_work import RELATIONS, ComparedPicture, Relation, SameWork, same_work
from artsim.analysis.shared_features import pairs_by_shared_features
from artsim.errors import ImageError
from artsim.images.decode import load_image
from artsim.messages.progress import Progress
from artsim.snapshot.state import State

log = logging.getLogger(__name__)

_CANDIDATES = 8  # of each picture at most, by shared features
_LEAST = 0.12  # score of shared features, from which on a pair is compared
_NEAR_HASH = 4  # bits, up to which pictures are compared whatever features they share
_KNOWN = 2_000  # pictures whose features are kept for the next call: 20 kB each
_CHUNK = 256  # works that are read, and pairs that are compared, at a time
_DECODED = 64  # pictures kept decoded
_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class DuplicatePair:
    """A work of a group, `second`, and what it is to the best work of the group, `first`, both by id."""

    first: str
    second: str
    relation: Relation
    places: int | None
    """Places that agree with one view of the work in both pictures; None where files, pixels or outlines decided."""


@dataclass(frozen=True)
class DuplicateGroup:
    """Works that show one work. `best`: the largest picture of those that show it whole and by itself."""

    best: str
    ids: tuple[str, ...]
    """All works, the best one included, in the order of the collection."""
    pairs: tuple[DuplicatePair, ...]
    """The other works, each with the best one, in the order of the collection."""

    @property
    def relation(self) -> Relation:
        """The closest one to the best work."""
        return min((pair.relation for pair in self.pairs), key=RELATIONS.index)


def find_duplicates(
    state: State, *, known: dict[str, PictureFeatures], progress: Progress | None = None
) -> list[DuplicateGroup]:
    """Groups of works that show one work, each with its best picture and what the others are to it.

    A work is in one group at most, and only if it shows one work with the best picture, or with the same picture as that.
    Groups come by the closest relation, then in the order of the collection. Every picture is read, which takes minutes for
    tens of thousands of works; `progress(done, total)` counts them, and comparing follows. Pictures that cannot be decoded are
    logged and compared as files only. `known`: features by the sha256 of the file, a few of which are kept there.
    """
    report = progress or (lambda done, total: None)
    files, rows, store = _read(state, known, report)
    compare = _comparison(state, rows, store)
    pairs = _candidates(store)
    found: dict[tuple[int, int], SameWork] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(pairs), _CHUNK):
            chunk = [(first, second) for first, second in pairs[start : start + _CHUNK].tolist()]
            answers = pool.map(lambda pair: compare(*pair), chunk)
            found |= {pair: same for pair, same in zip(chunk, answers, strict=True) if same is not None}
    members: dict[int, dict[int, SameWork]] = {
        rows[group.best]: {rows[member]: same for member, same in group.members.items()}
        for group in group_pictures(found, store.areas, compare)
    }
    return _with_copies(state, files, members)


def _read(
    state: State, known: dict[str, PictureFeatures], report: Progress
) -> tuple[list[str], list[int], FeatureStore]:
    """The sha256 of every file; the rows of those that can be decoded, one of each file, and their features."""
    table, total = state.table, len(state)
    columns = table.column("sha256").to_pylist() if "sha256" in table.column_names else [None] * total
    files: list[str] = []
    seen: set[str] = set()
    rows: list[int] = []
    store = FeatureStore(total)
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, total, _CHUNK):
            fresh: list[tuple[int, str, bytes]] = []
            for row in range(start, min(start + _CHUNK, total)):
                file, data = columns[row], b""
                if file is None or (file not in seen and file not in known):
                    data = _file(state, row)
                    file = file or (hashlib.sha256(data).hexdigest() if data else f"none of row {row}")
                files.append(file)
                if file not in seen:
                    fresh.append((row, file, data))
                    seen.add(file)
            features = pool.map(lambda item: known.get(item[1]) or _features(state, item[0], item[2]), fresh)
            for (row, file, _), described in zip(fresh, features, strict=True):
                if described is not None:
                    rows.append(row)
                    store.append(described)
                    if len(known) < _KNOWN:
                        known[file] = described
            report(min(start + _CHUNK, total), total)
    return files, rows, store


def _file(state: State, row: int) -> bytes:
    """Empty where the collection does not hold the picture."""
    try:
        return state.pictures(row)
    except ImageError as error:
        log.warning("Not compared: %s", error)
        return b""


def _features(state: State, row: int, data: bytes) -> PictureFeatures | None:
    if not data:
        return None
    try:
        return read_features(data, state.table.column("id")[row].as_py())
    except ImageError as error:
        log.warning("Not compared: %s", error)
        return None


def _candidates(store: FeatureStore) -> np.ndarray:
    """(p, 2) numbers of pictures, first < second: pairs that may show one work, a bounded number of each picture."""
    if len(store) < 2:
        return np.zeros((0, 2), np.int64)
    copies: dict[bytes, list[int]] = defaultdict(list)
    for number, pixels in enumerate(store.pixels):
        copies[pixels].append(number)
    equal = [(alike[0], other) for alike in copies.values() for other in alike[1:]]
    shared, scores = pairs_by_shared_features(store.descriptors, store.counts, most=_CANDIDATES)
    near = near_wholes(store.hashes, _NEAR_HASH)
    return np.unique(np.concatenate([np.array(equal, np.int64).reshape(-1, 2), near, shared[scores >= _LEAST]]), axis=0)


def _comparison(state: State, rows: list[int], store: FeatureStore) -> Callable[[int, int], SameWork | None]:
    """A function of the numbers of two pictures that says how they show one work, or None."""

    @lru_cache(maxsize=_DECODED)
    def small(number: int) -> Image.Image:
        return _decoded(state, rows[number], SIDE)

    def picture(number: int) -> ComparedPicture:
        return ComparedPicture(store[number], lambda: small(number), lambda: _decoded(state, rows[number], None))

    def compare(first: int, second: int) -> SameWork | None:
        try:
            return same_work(picture(first), picture(second))
        except ImageError as error:
            log.warning("Not compared: %s", error)
            return None

    return compare


def _decoded(state: State, row: int, short_side: int | None) -> Image.Image:
    return load_image(state.pictures(row), short_side=short_side, name=state.table.column("id")[row].as_py())


def _with_copies(state: State, files: list[str], members: dict[int, dict[int, SameWork]]) -> list[DuplicateGroup]:
    """Groups of works, by the row of their best, from groups of one work a file."""
    copies: dict[str, list[int]] = defaultdict(list)
    for row, file in enumerate(files):
        copies[file].append(row)
    grouped = {row for best, others in members.items() for row in (best, *others)}
    members |= {alike[0]: {} for alike in copies.values() if len(alike) > 1 and alike[0] not in grouped}
    ids = state.table.column("id").to_pylist()
    groups = []
    for best, others in members.items():
        found = dict(others)
        for row, same in [(best, SameWork("same file")), *others.items()]:
            found |= dict.fromkeys(copies[files[row]][1:], same)
        pairs = [DuplicatePair(ids[best], ids[row], found[row].relation, found[row].places) for row in sorted(found)]
        groups.append(DuplicateGroup(ids[best], tuple(ids[row] for row in sorted({best, *found})), tuple(pairs)))
    return sorted(groups, key=lambda group: (RELATIONS.index(group.relation), state.rows[group.ids[0]]))
