"""Measure whether a collection finds a work again: from another reproduction, from a detail, and as a duplicate.

Queries are made from the collection's own pictures (see `distortions`), so the one right answer is known. They run through
`Collection.search` and `Collection.duplicates`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from artsim.collection import Collection
from artsim.encoders.region_vectors import Region
from artsim.errors import QueryError
from artsim.evaluation.distortions import DETAILS, Alter, Cut, Detail, generator
from artsim.evaluation.intervals import bootstrap_intervals
from artsim.images.decode import load_image
from artsim.search.match import Match

DEPTH = 100  # matches examined per query; a work beyond them counts as not found
SIDE = 640  # short side in pixels to which pictures are reduced before they are altered
METRICS = ("recall@1", "recall@5", "mrr")
_ADD_BATCH = 32  # copies added at once

Way = Mapping[str, Any]
"""A search method: keyword options of `Collection.search`."""
SAME_WORK_WAYS: Mapping[str, Way] = {
    "preset same-work": {"preset": "same-work"},
    "raw cosine of whole pictures": {"ranking": "cosine"},
}
DETAIL_WAYS: Mapping[str, Way] = {
    "detail search": {"detail": True},
    "balanced, whole pictures": {},
    "raw cosine of whole pictures": {"ranking": "cosine"},
}
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class FoundAgain:
    """Results of one search method for one distortion of `len(ranks)` works."""

    distortion: str
    way: str
    ranks: np.ndarray
    """(q,) int: rank of the right work among the matches, from 1; 0 where it is not among the first `DEPTH`."""
    overlaps: np.ndarray
    """(q,) float: intersection over union of the matched region and the true one; nan where there is no region."""

    def values(self) -> np.ndarray:
        """(q, 3) float: `METRICS` of each query."""
        found = self.ranks > 0
        reciprocal = np.divide(1.0, self.ranks, out=np.zeros(len(self.ranks)), where=found)
        return np.stack([self.ranks == 1, found & (self.ranks <= 5), reciprocal], axis=1).astype(float)

    def means(self) -> dict[str, float]:
        """Mean of each metric over the queries."""
        return dict(zip(METRICS, self.values().mean(axis=0).tolist(), strict=True))

    def intervals(self, seed: int = 0) -> dict[str, tuple[float, float]]:
        """95 % interval of each mean, by bootstrap over queries; nan with fewer than two."""
        bounds = bootstrap_intervals(self.values(), seed=seed)
        return {metric: (float(low), float(high)) for metric, (low, high) in zip(METRICS, bounds, strict=True)}

    @property
    def overlap(self) -> float:
        """Mean region overlap over the works found; nan where the search method returns no regions."""
        known = self.overlaps[~np.isnan(self.overlaps)]
        return float(known.mean()) if len(known) else math.nan


def draw_works(collection: Collection, count: int | None, *, seed: int) -> list[str]:
    """Ids of `count` works (default: all), drawn without replacement, in collection order.

    `QueryError` for a count below 1.
    """
    ids = collection.ids
    if count is None or count >= len(ids):
        return ids
    if count < 1:
        raise QueryError(f"The number of queries must be at least 1; it is {count}.")
    return [ids[row] for row in np.sort(np.random.default_rng(seed).choice(len(ids), count, replace=False))]


def find_reproductions(
    collection: Collection,
    ids: Sequence[str],
    distortions: Sequence[Alter],
    ways: Mapping[str, Way] = SAME_WORK_WAYS,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[FoundAgain]:
    """Search for every work in `ids` under every distortion, with every search method."""
    results = []
    for number, alter in enumerate(distortions):
        name = alter.__name__

        def make_query(identity: str, alter: Alter = alter, name: str = name) -> Detail:
            image = load_image(collection.picture(identity), short_side=SIDE, name=identity)
            return Detail(alter(image, generator(seed, identity, name)), (0.0, 0.0, 1.0, 1.0))

        part_progress = (
            None if progress is None else _offset_progress(progress, number * len(ids), len(distortions) * len(ids))
        )
        results += _search_works(collection, ids, name, make_query, ways, part_progress)
    return results


def find_details(
    collection: Collection,
    ids: Sequence[str],
    cuts: Sequence[Cut] = DETAILS,
    ways: Mapping[str, Way] = DETAIL_WAYS,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[FoundAgain]:
    """Search for every work in `ids` by one detail per function in `cuts`, with every search method."""
    results = []
    for number, cut in enumerate(cuts):
        name = cut.__name__

        def make_query(identity: str, cut: Cut = cut, name: str = name) -> Detail:
            image = load_image(collection.picture(identity), short_side=SIDE, name=identity)
            return cut(image, generator(seed, identity, name))

        part_progress = (
            None if progress is None else _offset_progress(progress, number * len(ids), len(cuts) * len(ids))
        )
        results += _search_works(collection, ids, name, make_query, ways, part_progress)
    return results


def _search_works(
    collection: Collection,
    ids: Sequence[str],
    name: str,
    make_query: Callable[[str], Detail],
    ways: Mapping[str, Way],
    progress: Progress | None,
) -> list[FoundAgain]:
    """Search for each work by `make_query(id)`; one result per search method."""
    ranks = {way: np.zeros(len(ids), int) for way in ways}
    overlaps = {way: np.full(len(ids), np.nan) for way in ways}
    for number, identity in enumerate(ids):
        detail = make_query(identity)
        for way, options in ways.items():
            match = _match_of(collection.search(image=detail.image, k=DEPTH, **options), identity)
            if match is not None:
                ranks[way][number] = match.rank
                if match.region is not None:
                    overlaps[way][number] = overlap(match.region, detail.region)
        if progress is not None:
            progress(number + 1, len(ids))
    return [FoundAgain(name, way, ranks[way], overlaps[way]) for way in ways]


def with_all_together(results: Sequence[FoundAgain]) -> list[FoundAgain]:
    """`results`, then one result over all distortions for each search method that has several."""
    by_way: dict[str, list[FoundAgain]] = {}
    for result in results:
        by_way.setdefault(result.way, []).append(result)
    pooled = [
        FoundAgain(
            "all",
            way,
            np.concatenate([result.ranks for result in of_way]),
            np.concatenate([result.overlaps for result in of_way]),
        )
        for way, of_way in by_way.items()
        if len(of_way) > 1
    ]
    return [*results, *pooled]


def _match_of(matches: Sequence[Match], identity: str) -> Match | None:
    return next((match for match in matches if match.id == identity), None)


def overlap(first: Region, second: Region) -> float:
    """Intersection over union of two regions, in [0, 1]."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    intersection = max(0.0, width) * max(0.0, height)
    areas = sum((right - left) * (bottom - top) for left, top, right, bottom in (first, second))
    return intersection / (areas - intersection)


def _offset_progress(progress: Progress, before: int, total: int) -> Progress:
    return lambda done, _: progress(before + done, total)


@dataclass(frozen=True)
class DuplicatesFound:
    """Altered copies in the groups of `Collection.duplicates`."""

    found: Mapping[str, np.ndarray]
    """Distortion -> (copies,) bool: whether a copy is in the same group as its original."""
    pairs: int
    """Number of pairs of works within one group, over all groups."""
    right_pairs: int
    """Number of those pairs whose works share an original."""
    already: tuple[tuple[str, ...], ...]
    """Groups listed before any copy was added; each counts as one original, whether or not that is true."""

    def intervals(self, seed: int = 0) -> dict[str, tuple[float, float]]:
        """95 % interval of each recall, by bootstrap over copies; nan with fewer than two."""
        bounds = {
            name: bootstrap_intervals(found[:, None].astype(float), seed=seed)[0] for name, found in self.found.items()
        }
        return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}

    @property
    def recall(self) -> float:
        """Share of the copies that are grouped with their original."""
        return float(np.concatenate(list(self.found.values())).mean())

    @property
    def precision(self) -> float:
        """Share of the pairs that share an original; nan when there are none."""
        return self.right_pairs / self.pairs if self.pairs else math.nan


def find_duplicates_again(
    collection: Collection,
    ids: Sequence[str],
    distortions: Sequence[Alter],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> DuplicatesFound:
    """Add one altered copy per distortion of every work in `ids`, then list the duplicates.

    Changes `collection` in memory: open one for this call only, and do not save it.
    """
    groups_before = tuple(group.ids for group in collection.duplicates())
    original_of = {identity: identity for identity in collection.ids}
    original_of |= {identity: group[0] for group in groups_before for identity in group}
    copies: dict[str, list[str]] = {}
    for number, alter in enumerate(distortions):
        name = alter.__name__
        for start in range(0, len(ids), _ADD_BATCH):
            chunk = ids[start : start + _ADD_BATCH]
            images = [load_image(collection.picture(identity), short_side=SIDE, name=identity) for identity in chunk]
            works = [
                {"id": f"{identity} {name}", "image": alter(image, generator(seed, identity, name))}
                for identity, image in zip(chunk, images, strict=True)
            ]
            added = collection.add(works)
            copies[name] = copies.get(name, []) + added
            original_of |= {copy: original_of[identity] for copy, identity in zip(added, chunk, strict=True)}
            if progress is not None:
                progress(number * len(ids) + start + len(chunk), len(distortions) * len(ids))
    groups = [group.ids for group in collection.duplicates()]
    group_of = {identity: number for number, group in enumerate(groups) for identity in group}
    found = {
        name: np.array(
            [group_of.get(copy, -1) == group_of.get(identity, -2) for copy, identity in zip(copy_ids, ids, strict=True)]
        )
        for name, copy_ids in copies.items()
    }
    pairs = right_pairs = 0
    for group in groups:
        pairs += math.comb(len(group), 2)
        _, counts = np.unique([original_of[identity] for identity in group], return_counts=True)
        right_pairs += sum(math.comb(int(count), 2) for count in counts)
    return DuplicatesFound(found, pairs, right_pairs, groups_before)
