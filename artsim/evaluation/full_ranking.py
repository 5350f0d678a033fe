"""Full ranking: order all works for every query by the scores that `Collection.search` orders its matches by.

`search` orders a few hundred candidates of the index; this module scores all works, by matrix products over blocks of
queries. In a collection with no more works than candidates, both orders are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from artsim.encoders.presets import PRESETS, RANKINGS, Ranking
from artsim.encoders.protocol import Aspect, unit_rows
from artsim.errors import QueryError
from artsim.search.encoder_selection import AUTO_RULES, AutoRule
from artsim.search.fusion import FUSION_RULES, FusionRule
from artsim.search.query import ENCODER_MODES
from artsim.search.ranking import order_tuned
from artsim.snapshot.space import Space

_BLOCK_SCORES = 20_000_000  # scores in memory at once: 80 MB, and a few times that during sorting


@dataclass(frozen=True)
class Setting:
    """The options of a search that determine its ranking. `QueryError` for an unknown ranking, rule or fusion."""

    ranking: Ranking = "tuned"
    aspects: Mapping[Aspect, float] = field(default_factory=lambda: PRESETS["balanced"])
    """Ignored by ranking "cosine", which compares raw subject vectors only."""
    encoder: str | None = None
    """As in a search: the name of a space, the id of its encoder, "auto" or "fusion"; default: the first space."""
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
        """Mode and rule of several encoders, such as "auto, margin"; None when one encoder answers."""
        return f"{self.encoder}, {getattr(self, self.encoder)}" if self.encoder in ENCODER_MODES else None

    def __str__(self) -> str:
        if self.ranking == "cosine":
            return "cosine of raw subject vectors"
        weights = {aspect: weight for aspect, weight in self.aspects.items() if weight}
        presets = (name for name, preset in PRESETS.items() if {a: w for a, w in preset.items() if w} == weights)
        in_words = " ".join(f"{aspect} {weight:g}" for aspect, weight in weights.items())
        return f"{self.ranking}, {next(presets, in_words)}"


def likeness(space: Space, setting: Setting, rows: np.ndarray) -> np.ndarray:
    """(q, n) float32: uncorrected similarity of the query works at `rows` (q,) to all works.

    Ranking "cosine": inner product of raw subject vectors; otherwise the weighted sum of the aspects' cosines. `QueryError`
    for weights that do not fit the space.
    """
    all_rows = np.arange(len(space.statistics))
    if setting.ranking == "cosine":
        raw = space.raw_subject
        return unit_rows(raw.vectors(rows)) @ raw.vectors(all_rows).T
    statistics = space.statistics
    shares = statistics.weigh(setting.aspects)
    blocks = statistics.split(space.index.vectors(rows))  # unit rows again, as in a search: an fp16 index rounds
    index_vectors = np.concatenate([unit_rows(block) for block in blocks.values()], axis=1)
    return statistics.query_vector(index_vectors, shares) @ space.index.vectors(all_rows).T


def rank_works(
    space: Space, setting: Setting, rows: np.ndarray, candidates: Callable[[int], np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rank all works for the query works at `rows`, in blocks.

    Yields the block's query rows (b,) and all rows for each of them (b, n), best first. Works where `candidates(row)` (n,)
    bool is false go to the end. Equal scores keep the order of the collection.
    """
    size = max(1, _BLOCK_SCORES // len(space.statistics))
    shares = space.statistics.weigh(setting.aspects)
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        scores = likeness(space, setting, block)
        for number, row in enumerate(block):
            is_candidate = candidates(int(row))
            if setting.ranking == "tuned":
                kept = np.flatnonzero(is_candidate)
                scores[number, kept] = order_tuned(space, shares, kept, scores[number, kept])
            scores[number, ~is_candidate] = -np.inf
        yield block, np.argsort(-scores, axis=1, kind="stable")
