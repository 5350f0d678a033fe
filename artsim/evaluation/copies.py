"""Measure whether a collection finds a work again: from another reproduction, from a detail, and as a duplicate.

Queries are made from the collection's own pictures (see `distortions`), so the one right answer is known. They run through
`Collection.search` and `Collection.duplicates`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from artsim.collection import Collection
from artsim.encoders.region_vectors import Region
from artsim.evaluation.distortions import DETAILS, SAME_WORK, Alter, Cut, Detail, generator
from artsim.evaluation.intervals import bootstrap_intervals, bounds_or_none
from artsim.evaluation.relevance import draw_queries
from artsim.evaluation.tables import Table
from artsim.images.decode import load_image
from artsim.messages.progress import Progress

MEASUREMENTS = ("same-work", "details", "duplicates")
DEPTH = 100  # matches examined per query; a work beyond them counts as not found
SIDE = 640  # short side in pixels to which pictures are reduced before they are altered
RANK_METRICS = ("recall@1", "recall@5", "mrr")
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


def measure_copies(
    measurement: str, collection: Collection, ids: Sequence[str], *, seed: int, progress: Progress
) -> tuple[Any, Table]:
    """One of `MEASUREMENTS`, as figures for a JSON file and as a table.

    "duplicates" changes `collection` in memory: measure it last, and do not save the collection.
    """
    if measurement == "duplicates":
        figures = find_duplicates_again(collection, ids, SAME_WORK, seed=seed, progress=progress)
        return figures, _duplicates_table(figures, copies=len(ids))
    if measurement == "same-work":
        title = "The same work in another reproduction"
        found = find_reproductions(collection, ids, SAME_WORK, SAME_WORK_WAYS, seed=seed, progress=progress)
        found += all_together(found)
    else:
        title = "The work that a detail is of"
        found = find_reproductions(collection, ids, DETAILS, DETAIL_WAYS, seed=seed, progress=progress)
    entries = [one.as_json() for one in found]
    return entries, _found_table(f"{title}: {len(ids)} queries each", entries)


def draw_works(collection: Collection, count: int | None, *, seed: int) -> list[str]:
    """Ids of `count` works (default: all), drawn without replacement, in collection order. `QueryError` below 1."""
    return [collection.ids[row] for row in draw_queries(np.arange(len(collection)), count, seed=seed)]


@dataclass(frozen=True)
class FoundAgain:
    """Results of one search method for one distortion of `len(ranks)` works."""

    distortion: str
    way: str
    ranks: np.ndarray
    """(q,) int: rank of the right work among the matches, from 1; 0 where it is not among the first `DEPTH`."""
    region_overlaps: np.ndarray
    """(q,) float: intersection over union of the matched region and the true one; nan where there is no region."""

    def values(self) -> np.ndarray:
        """(q, 3) float: `RANK_METRICS` of each query."""
        found = self.ranks > 0
        reciprocal = np.divide(1.0, self.ranks, out=np.zeros(len(self.ranks)), where=found)
        return np.stack([self.ranks == 1, found & (self.ranks <= 5), reciprocal], axis=1).astype(float)

    def means(self) -> dict[str, float]:
        """Mean of each metric over the queries."""
        return dict(zip(RANK_METRICS, self.values().mean(axis=0).tolist(), strict=True))

    @property
    def region_overlap(self) -> float | None:
        """Mean over the works found; None where the search method returns no regions."""
        known = self.region_overlaps[~np.isnan(self.region_overlaps)]
        return float(known.mean()) if len(known) else None

    def as_json(self) -> dict[str, Any]:
        return {
            "distortion": self.distortion,
            "way": self.way,
            "queries": len(self.ranks),
            **self.means(),
            "intervals": dict(zip(RANK_METRICS, map(bounds_or_none, bootstrap_intervals(self.values())), strict=True)),
            "overlap": self.region_overlap,
        }


def find_reproductions(
    collection: Collection,
    ids: Sequence[str],
    alterations: Sequence[Alter | Cut],
    ways: Mapping[str, Way] = SAME_WORK_WAYS,
    *,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> list[FoundAgain]:
    """Search for every work in `ids` by one altered picture or detail per alteration, with every search method."""
    results = []
    for number, alter in enumerate(alterations):
        ranks = {way: np.zeros(len(ids), int) for way in ways}
        overlaps = {way: np.full(len(ids), np.nan) for way in ways}
        for position, identity in enumerate(ids):
            altered = alter(_original(collection, identity), generator(seed, identity, alter.__name__))
            image = altered.image if isinstance(altered, Detail) else altered
            for way, options in ways.items():
                matches = collection.search(image=image, k=DEPTH, **options)
                match = next((match for match in matches if match.id == identity), None)
                if match is not None:
                    ranks[way][position] = match.rank
                    if match.region is not None and isinstance(altered, Detail):
                        overlaps[way][position] = intersection_over_union(match.region, altered.region)
            progress(number * len(ids) + position + 1, len(alterations) * len(ids))
        results += [FoundAgain(alter.__name__, way, ranks[way], overlaps[way]) for way in ways]
    return results


def all_together(results: Sequence[FoundAgain]) -> list[FoundAgain]:
    """One result over all distortions for each search method."""
    together = []
    for way in dict.fromkeys(result.way for result in results):
        own = [result for result in results if result.way == way]
        ranks, overlaps = [one.ranks for one in own], [one.region_overlaps for one in own]
        together.append(FoundAgain("all", way, np.concatenate(ranks), np.concatenate(overlaps)))
    return together


def intersection_over_union(first: Region, second: Region) -> float:
    """In [0, 1]: common area of two regions, divided by the area of both together."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    intersection = max(0.0, width) * max(0.0, height)
    areas = sum((right - left) * (bottom - top) for left, top, right, bottom in (first, second))
    return intersection / (areas - intersection)


def find_duplicates_again(
    collection: Collection,
    ids: Sequence[str],
    distortions: Sequence[Alter],
    *,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> dict[str, Any]:
    """Add one altered copy per distortion of every work in `ids`, then list the duplicates; figures for a JSON file.

    `recall` is the share of copies in one group with their original, `precision` the share of the pairs within groups that
    have one original (None without pairs). Each of `groups_before`, listed before any copy was added, counts as one original,
    whether or not that is true. Changes `collection` in memory: open one for this call only, and do not save it.
    """
    groups_before = tuple(group.ids for group in collection.duplicates())
    original_of = {identity: identity for identity in collection.ids}
    original_of |= {identity: group[0] for group in groups_before for identity in group}
    copies: dict[str, list[str]] = {}
    for number, alter in enumerate(distortions):
        name = alter.__name__
        copies[name] = []
        for start in range(0, len(ids), _ADD_BATCH):
            chunk = ids[start : start + _ADD_BATCH]
            altered = [alter(_original(collection, one), generator(seed, one, name)) for one in chunk]
            works = [{"id": f"{one} {name}", "image": image} for one, image in zip(chunk, altered, strict=True)]
            copies[name] += collection.add(works)
            progress(number * len(ids) + start + len(chunk), len(distortions) * len(ids))
        original_of |= {copy: original_of[identity] for copy, identity in zip(copies[name], ids, strict=True)}
    groups = [group.ids for group in collection.duplicates()]
    group_of = {identity: number for number, group in enumerate(groups) for identity in group}
    found = {
        name: np.array([group_of.get(copy, -1) == group_of.get(one, -2) for copy, one in zip(own, ids, strict=True)])
        for name, own in copies.items()
    }
    pairs = right_pairs = 0
    for group in groups:
        pairs += math.comb(len(group), 2)
        _, counts = np.unique([original_of[identity] for identity in group], return_counts=True)
        right_pairs += sum(math.comb(int(count), 2) for count in counts)
    intervals = {name: bootstrap_intervals(own[:, None].astype(float))[0] for name, own in found.items()}
    return {
        "recall": float(np.concatenate(list(found.values())).mean()),
        "recall_by_distortion": {name: float(own.mean()) for name, own in found.items()},
        "intervals": {name: bounds_or_none(interval) for name, interval in intervals.items()},
        "precision": right_pairs / pairs if pairs else None,
        "pairs": pairs,
        "right_pairs": right_pairs,
        "groups_before": [list(group) for group in groups_before],
    }


def _found_table(title: str, entries: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for entry in entries:
        interval, overlap = entry["intervals"]["recall@1"], entry["overlap"]
        between = "" if interval is None else f"{interval[0]:.3f}..{interval[1]:.3f}"
        recall, recall_5, mrr = (f"{entry[metric]:.3f}" for metric in RANK_METRICS)
        name = f"{entry['distortion']}, {entry['way']}"
        rows.append((name, recall, between, recall_5, mrr, "" if overlap is None else f"{overlap:.2f}"))
    return Table(title, ("", "R@1", "95 %", "R@5", "MRR", "overlap"), tuple(rows))


def _duplicates_table(figures: Mapping[str, Any], *, copies: int) -> Table:
    rows = tuple((name, f"{recall:.3f}", str(copies)) for name, recall in figures["recall_by_distortion"].items())
    precision = "not known" if figures["precision"] is None else f"{figures['precision']:.4f}"
    note = (
        f"{figures['right_pairs']} of {figures['pairs']} pairs of works in one group are of one original: precision "
        f"{precision}. Groups before any copy was added: {len(figures['groups_before'])}."
    )
    return Table("Altered copies among the duplicates", ("", "recall", "copies"), rows, note)


def _original(collection: Collection, identity: str) -> Any:
    return load_image(collection.picture(identity), short_side=SIDE, name=identity)
