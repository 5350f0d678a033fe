"""How well a collection finds a work again: by another reproduction, by a detail, and as a duplicate of itself.

The queries are made from the collection's own pictures (see `distortions`), so the one right answer is known. They go through
`Collection.search` and `Collection.duplicates`, like anyone's.
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
from artsim.search.engine import Match

DEPTH = 100  # answers that are looked at; a work that is not among them counts as not found
SIDE = 640  # short side to which pictures are reduced before they are altered
METRICS = ("recall@1", "recall@5", "mrr")

Way = Mapping[str, Any]
"""A way of searching: options of `Collection.search`."""
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
    """What one way of searching made of one distortion of `len(ranks)` works."""

    distortion: str
    way: str
    ranks: np.ndarray
    """(q,) int: the place of the right work among the answers, from 1; 0 where it is not among the first `DEPTH`."""
    overlaps: np.ndarray
    """(q,) float: of the region found and the true one, intersection over union; nan where there is none to compare."""

    def values(self) -> np.ndarray:
        """(q, 3): `METRICS` of each query."""
        found = self.ranks > 0
        reciprocal = np.divide(1.0, self.ranks, out=np.zeros(len(self.ranks)), where=found)
        return np.stack([self.ranks == 1, found & (self.ranks <= 5), reciprocal], axis=1).astype(float)

    def means(self) -> dict[str, float]:
        return dict(zip(METRICS, self.values().mean(axis=0).tolist(), strict=True))

    def intervals(self, seed: int = 0) -> dict[str, tuple[float, float]]:
        """95 % by bootstrap over queries; nan with fewer than two."""
        bounds = bootstrap_intervals(self.values(), seed=seed)
        return {metric: (float(low), float(high)) for metric, (low, high) in zip(METRICS, bounds, strict=True)}

    @property
    def overlap(self) -> float:
        """Mean overlap of the regions of the works that were found; nan where this way of searching gives none."""
        known = self.overlaps[~np.isnan(self.overlaps)]
        return float(known.mean()) if len(known) else math.nan


def draw_works(collection: Collection, count: int | None, *, seed: int) -> list[str]:
    """The ids of `count` works (default: all), drawn without replacement, in the order of the collection."""
    ids = collection.ids
    if count is None or count >= len(ids):
        return ids
    if count < 1:
        raise QueryError(f"The number of works that are asked for must be at least 1; it is {count}.")
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
    """Every work of `ids` is altered by every distortion and looked for in every way."""
    found = []
    for number, alter in enumerate(distortions):
        name = alter.__name__

        def query(identity: str, alter: Alter = alter, name: str = name) -> Detail:
            image = load_image(collection.picture(identity), short_side=SIDE, name=identity)
            return Detail(alter(image, generator(seed, identity, name)), (0.0, 0.0, 1.0, 1.0))

        step = None if progress is None else _shifted(progress, number * len(ids), len(distortions) * len(ids))
        found += _find(collection, ids, name, query, ways, step)
    return found


def find_details(
    collection: Collection,
    ids: Sequence[str],
    cuts: Sequence[Cut] = DETAILS,
    ways: Mapping[str, Way] = DETAIL_WAYS,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[FoundAgain]:
    """Every work of `ids` is looked for by one detail of it by each of `cuts`, in every way."""
    found = []
    for number, cut in enumerate(cuts):
        name = cut.__name__

        def query(identity: str, cut: Cut = cut, name: str = name) -> Detail:
            image = load_image(collection.picture(identity), short_side=SIDE, name=identity)
            return cut(image, generator(seed, identity, name))

        step = None if progress is None else _shifted(progress, number * len(ids), len(cuts) * len(ids))
        found += _find(collection, ids, name, query, ways, step)
    return found


def _find(
    collection: Collection,
    ids: Sequence[str],
    name: str,
    query: Callable[[str], Detail],
    ways: Mapping[str, Way],
    progress: Progress | None,
) -> list[FoundAgain]:
    ranks = {way: np.zeros(len(ids), int) for way in ways}
    overlaps = {way: np.full(len(ids), np.nan) for way in ways}
    for number, identity in enumerate(ids):
        asked = query(identity)
        for way, options in ways.items():
            match = _match_of(collection.search(image=asked.image, k=DEPTH, **options), identity)
            if match is not None:
                ranks[way][number] = match.rank
                if match.region is not None:
                    overlaps[way][number] = overlap(match.region, asked.region)
        if progress is not None:
            progress(number + 1, len(ids))
    return [FoundAgain(name, way, ranks[way], overlaps[way]) for way in ways]


def with_all_together(found: Sequence[FoundAgain]) -> list[FoundAgain]:
    """The same, then each way over all distortions together, where there are several."""
    ways: dict[str, list[FoundAgain]] = {}
    for one in found:
        ways.setdefault(one.way, []).append(one)
    together = [
        FoundAgain(
            "all", way, np.concatenate([one.ranks for one in each]), np.concatenate([one.overlaps for one in each])
        )
        for way, each in ways.items()
        if len(each) > 1
    ]
    return [*found, *together]


def _match_of(matches: Sequence[Match], identity: str) -> Match | None:
    return next((match for match in matches if match.id == identity), None)


def overlap(first: Region, second: Region) -> float:
    """Intersection over union of two regions, 0..1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    both = max(0.0, width) * max(0.0, height)
    areas = sum((right - left) * (bottom - top) for left, top, right, bottom in (first, second))
    return both / (areas - both)


def _shifted(progress: Progress, before: int, total: int) -> Progress:
    return lambda done, _: progress(before + done, total)


@dataclass(frozen=True)
class DuplicatesFound:
    """What `Collection.duplicates` made of altered copies."""

    found: Mapping[str, np.ndarray]
    """Distortion -> (copies,) bool: whether a copy stands in one group with its original."""
    pairs: int
    """Pairs of works that stand in one group, over all groups."""
    right_pairs: int
    """Those of them that are of one original."""
    already: tuple[tuple[str, ...], ...]
    """The groups that were listed before any copy was added; each counts as one original, whether that is so or not."""

    def intervals(self, seed: int = 0) -> dict[str, tuple[float, float]]:
        """95 % of the recall of each distortion, by bootstrap over copies; nan with fewer than two."""
        bounds = {
            name: bootstrap_intervals(found[:, None].astype(float), seed=seed)[0] for name, found in self.found.items()
        }
        return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}

    @property
    def recall(self) -> float:
        return float(np.concatenate(list(self.found.values())).mean())

    @property
    def precision(self) -> float:
        """nan when nothing was listed."""
        return self.right_pairs / self.pairs if self.pairs else math.nan


def find_duplicates_again(
    collection: Collection,
    ids: Sequence[str],
    distortions: Sequence[Alter],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> DuplicatesFound:
    """Add an altered copy of every work of `ids` by every distortion, and list the duplicates.

    It changes `collection` in memory: open one for this alone, and do not save it.
    """
    already = tuple(group.ids for group in collection.duplicates())
    original = {identity: identity for identity in collection.ids}
    original |= {identity: group[0] for group in already for identity in group}
    copies: dict[str, list[str]] = {}
    for number, alter in enumerate(distortions):
        name = alter.__name__
        for start in range(0, len(ids), _ADDED_AT_ONCE):
            chunk = ids[start : start + _ADDED_AT_ONCE]
            images = [load_image(collection.picture(identity), short_side=SIDE, name=identity) for identity in chunk]
            works = [
                {"id": f"{identity} {name}", "image": alter(image, generator(seed, identity, name))}
                for identity, image in zip(chunk, images, strict=True)
            ]
            added = collection.add(works)
            copies[name] = copies.get(name, []) + added
            original |= {copy: original[identity] for copy, identity in zip(added, chunk, strict=True)}
            if progress is not None:
                progress(number * len(ids) + start + len(chunk), len(distortions) * len(ids))
    groups = [group.ids for group in collection.duplicates()]
    group_of = {identity: number for number, group in enumerate(groups) for identity in group}
    found = {
        name: np.array(
            [group_of.get(copy, -1) == group_of.get(identity, -2) for copy, identity in zip(made, ids, strict=True)]
        )
        for name, made in copies.items()
    }
    pairs = right = 0
    for group in groups:
        pairs += math.comb(len(group), 2)
        _, counts = np.unique([original[identity] for identity in group], return_counts=True)
        right += sum(math.comb(int(count), 2) for count in counts)
    return DuplicatesFound(found, pairs, right, already)


_ADDED_AT_ONCE = 32
