"""Echoes: the detail of a work that returns most clearly in other works, and where it is in each of them.

It compares the region vectors that detail searches use, and needs no encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from artsim.analysis.protocol import SearchableCollection
from artsim.encoders.region_vectors import Region
from artsim.snapshot.region_index import IndexedRegions

_LARGEST = 0.45  # share of the picture: a larger region is no detail
_CLEAREST = 3  # other works by which the details of a work are compared
_REGIONS_PER_WORK = 16  # regions to look at for each work wanted: those of one work are near to each other


@dataclass(frozen=True)
class Echo:
    """Another work, and the region of it that looks most like the detail."""

    work: Mapping[str, Any]
    region: Region


@dataclass(frozen=True)
class Echoes:
    """A detail of a work, and the works that contain something like it, most similar first."""

    work: Mapping[str, Any]
    region: Region
    found: tuple[Echo, ...]


def echoes(collection: SearchableCollection, work: str, *, k: int = 6) -> Echoes | None:
    """The detail of a work (its id) that returns most clearly in other works, with up to `k` of those; None if the collection
    has no regions, or no other works.

    Raises `QueryError` if there is no such work.
    """
    state = collection.state
    row = state.row_of(work)
    regions = next((space.regions for space in state.spaces if space.regions is not None), None)
    if regions is None or len(state) < 2:
        return None
    details = [place for place, box in enumerate(regions.boxes) if _area(box) <= _LARGEST]
    own = regions.of_works(np.array([row]))[0][details]  # (details, d)
    answers = [_best_of_works(regions, vector, row, max(k, _CLEAREST)) for vector in own]
    clearest = max(range(len(details)), key=lambda place: _clearness(answers[place]))
    found = tuple(Echo(state.work(other), regions.boxes[place]) for _, other, place in answers[clearest][:k])
    return Echoes(state.work(row), regions.boxes[details[clearest]], found)


def _clearness(answer: list[tuple[float, int, int]]) -> float:
    """The mean cosine of the works that are nearest to a detail."""
    return float(np.mean([cosine for cosine, *_ in answer[:_CLEAREST]])) if answer else -1.0


def _area(box: Region) -> float:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def _best_of_works(regions: IndexedRegions, vector: np.ndarray, row: int, k: int) -> list[tuple[float, int, int]]:
    """(cosine, row, region) of the `k` other works with the most similar detail, best first."""
    count = len(regions.boxes)
    cosines, numbers = regions.index.search(vector[None], (k + 1) * _REGIONS_PER_WORK)
    best: dict[int, tuple[float, int, int]] = {}
    for cosine, number in zip(cosines[0].tolist(), numbers[0].tolist(), strict=True):
        work, place = divmod(number, count)
        if number >= 0 and work != row and _area(regions.boxes[place]) <= _LARGEST:
            best.setdefault(work, (cosine, work, place))
    return list(best.values())[:k]
