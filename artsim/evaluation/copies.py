"""Measure whether a collection finds a work again: from another reproduction of it, or from a detail.

Queries are made from the collection's own pictures (see `distortions` and `museum_photographs`), so the one right answer is
known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from artsim.collection import Collection
from artsim.encoders.presets import PRESETS
from artsim.evaluation.distortions import DETAILS, SAME_WORK, Alter, generator
from artsim.evaluation.intervals import bootstrap_intervals, bounds_or_none
from artsim.evaluation.museum_photographs import PHOTOGRAPHS, Take, taken
from artsim.evaluation.tables import Table
from artsim.images.decode import load_image
from artsim.messages.progress import Progress

DEPTH = 100  # matches examined per query; a work beyond them counts as not found
SIDE = 640  # short side in pixels to which pictures are reduced before they are altered
RANK_METRICS = ("recall@1", "recall@5", "mrr")

Way = Mapping[str, Any]
"""A search method: keyword options of `Collection.search`."""
_COSINE = {"raw cosine of whole pictures": {"ranking": "cosine"}}
MEASUREMENTS: Mapping[str, tuple[Sequence[Take | Alter], Mapping[str, Way]]] = {
    "same-work": (SAME_WORK, {"preset same-work": {"preset": "same-work"}, **_COSINE}),
    "photographs": (PHOTOGRAPHS, {**_COSINE, **{f"preset {name}": {"preset": name} for name in PRESETS}}),
    "details": (DETAILS, {"detail search": {"detail": True}, "balanced, whole pictures": {}, **_COSINE}),
}


@dataclass(frozen=True)
class FoundAgain:
    """Results of one search method for one distortion of `len(ranks)` works."""

    distortion: str
    way: str
    ranks: np.ndarray
    """(q,) int: rank of the right work among the matches, from 1; 0 where it is not among the first `DEPTH`."""

    def values(self) -> np.ndarray:
        """(q, 3) float: `RANK_METRICS` of each query."""
        found = self.ranks > 0
        reciprocal = np.divide(1.0, self.ranks, out=np.zeros(len(self.ranks)), where=found)
        return np.stack([self.ranks == 1, found & (self.ranks <= 5), reciprocal], axis=1).astype(float)

    def as_json(self) -> dict[str, Any]:
        values = self.values()
        return {
            "distortion": self.distortion,
            "way": self.way,
            "queries": len(self.ranks),
            **dict(zip(RANK_METRICS, values.mean(axis=0).tolist(), strict=True)),
            "intervals": dict(zip(RANK_METRICS, map(bounds_or_none, bootstrap_intervals(values)), strict=True)),
        }


def find_reproductions(
    collection: Collection,
    ids: Sequence[str],
    alterations: Sequence[Take | Alter],
    ways: Mapping[str, Way],
    *,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> list[FoundAgain]:
    """Search for every work in `ids` by one altered picture or detail per alteration, with every search method."""
    results = []
    for number, alter in enumerate(alterations):
        found = [FoundAgain(alter.__name__, way, np.zeros(len(ids), int)) for way in ways]
        for position, identity in enumerate(ids):
            original = load_image(collection.picture(identity), short_side=SIDE, name=identity)
            image = taken(alter, original, generator(seed, identity, alter.__name__))
            for result in found:
                matches = collection.search(image=image, k=DEPTH, **ways[result.way])
                result.ranks[position] = next((match.rank for match in matches if match.id == identity), 0)
            progress(number * len(ids) + position + 1, len(alterations) * len(ids))
        results += found
    return results


def found_table(measurement: str, found: Sequence[FoundAgain]) -> Table:
    """Recall and mean reciprocal rank of every distortion and search method."""
    rows = []
    for entry in (one.as_json() for one in found):
        interval = entry["intervals"]["recall@1"]
        between = "" if interval is None else f"{interval[0]:.3f}..{interval[1]:.3f}"
        recall, recall_5, mrr = (f"{entry[metric]:.3f}" for metric in RANK_METRICS)
        rows.append((f"{entry['distortion']}, {entry['way']}", recall, between, recall_5, mrr))
    title = f"Found again ({measurement}): {len(found[0].ranks)} queries each"
    return Table(title, ("", "R@1", "95 %", "R@5", "MRR"), tuple(rows))
