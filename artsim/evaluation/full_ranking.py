"""Every work ranked for every query, by the very scores that `Collection.search` orders its answers by.

`search` takes a few hundred candidates from the index and puts them in order; here all works are scored, by matrix
products over blocks of queries. In a collection of no more works than candidates the order is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from artsim.encoders.presets import PRESETS, RANKINGS, Ranking
from artsim.encoders.protocol import Aspect, unit_rows
from artsim.errors import QueryError
from artsim.search.encoder_selection import AUTO_RULES, AutoRule
from artsim.search.engine import SEVERAL
from artsim.search.fusion import FUSION_RULES, FusionRule
from artsim.search.ranking import order_tuned
from artsim.snapshot.space import Space

_BLOCK_SCORES = 20_000_000  # in memory at once: 80 MB, and a few times that while they are sorted


@dataclass(frozen=True)
class Setting:
    """How works are ranked: what a search is asked, apart from the query."""

    ranking: Ranking = "tuned"
    aspects: Mapping[Aspect, float] = field(default_factory=lambda: PRESETS["balanced"])
    """Ignored by the ranking "cosine", which compares raw subject vectors only."""
    encoder: str | None = None
    """As in a search: the name of a space or the id of its encoder, "auto" or "fusion"; by default the first space."""
    auto: AutoRule = "margin"
    fusion: FusionRule = "weighted"
    encoder_weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value, known in (
            ("ranking", self.ranking, RANKINGS),
            ("rule", self.auto, AUTO_RULES),
            ("fusion", self.fusion, FUSION_RULES),
        ):
            if value not in known:
                raise QueryError(f"There is no {name} {value!r}; choose among {', '.join(known)}.")

    @property
    def several(self) -> str | None:
        """How several encoders answer, such as "auto, margin"; None when one does."""
        return f"{self.encoder}, {getattr(self, self.encoder)}" if self.encoder in SEVERAL else None

    def __str__(self) -> str:
        if self.ranking == "cosine":
            return "cosine of raw subject vectors"
        weights = {aspect: weight for aspect, weight in self.aspects.items() if weight}
        preset = next((name for name, of in PRESETS.items() if {a: w for a, w in of.items() if w} == weights), None)
        return f"{self.ranking}, {preset or ' '.join(f'{aspect} {weight:g}' for aspect, weight in weights.items())}"


def likeness(space: Space, setting: Setting, rows: np.ndarray) -> np.ndarray:
    """(q, n) float32: of the query works at `rows` (q,) with all works, before any correction.

    "cosine": inner product of raw subject vectors; else the weighted sum of the aspects' cosines. `QueryError` for
    weights that the space does not have.
    """
    everything = np.arange(len(space.statistics))
    if setting.ranking == "cosine":
        raw = space.raw_subject
        return unit_rows(raw.vectors(rows)) @ raw.vectors(everything).T
    statistics = space.statistics
    shares = statistics.weigh(setting.aspects)
    blocks = statistics.split(space.index.vectors(rows))  # made unit again as the search does: an fp16 index rounds
    index_vectors = np.concatenate([unit_rows(block) for block in blocks.values()], axis=1)
    return statistics.query_vector(index_vectors, shares) @ space.index.vectors(everything).T


def rank_works(
    space: Space, setting: Setting, rows: np.ndarray, left: Callable[[int], np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For blocks of the query works `rows`: the block's rows (b,) and all rows in their order for each (b, n), best first.

    Works where `left(row)` (n,) bool is false go to the end. Equal scores keep the order of the collection.
    """
    size = max(1, _BLOCK_SCORES // len(space.statistics))
    shares = space.statistics.weigh(setting.aspects)
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        scores = likeness(space, setting, block)
        for number, row in enumerate(block):
            allowed = left(int(row))
            if setting.ranking == "tuned":
                among = np.flatnonzero(allowed)
                scores[number, among] = order_tuned(space, shares, among, scores[number, among])
            scores[number, ~allowed] = -np.inf
        yield block, np.argsort(-scores, axis=1, kind="stable")
