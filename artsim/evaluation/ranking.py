"""Full rankings: the search itself, asked for all works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from artsim.collection import Collection
from artsim.encoders.presets import Ranking, Weights
from artsim.search.calibration import scores_of
from artsim.search.encoder_selection import AutoRule
from artsim.search.engine import make_space_queries, rank_space_queries, select_encoder
from artsim.search.familiarity import is_familiar
from artsim.search.fusion import FusionRule
from artsim.search.query import ENCODER_MODES, Part, Query, check_query


@dataclass(frozen=True)
class Setting:
    """The options of a search that determine its ranking; see `artsim.search.query.Query`."""

    ranking: Ranking = "tuned"
    aspects: Weights = "balanced"
    """Ignored by ranking "cosine", which compares raw subject vectors only."""
    encoder: str | None = None
    auto: AutoRule = "margin"
    fusion: FusionRule = "weighted"
    encoder_weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def several(self) -> str | None:
        """Mode and rule of several encoders, such as "auto, margin"; None when one encoder answers."""
        return f"{self.encoder}, {getattr(self, self.encoder)}" if self.encoder in ENCODER_MODES else None

    def __str__(self) -> str:
        if self.ranking == "cosine":
            return "cosine of raw subject vectors"
        if isinstance(self.aspects, str):
            return f"{self.ranking}, {self.aspects}"
        return (
            f"{self.ranking}, {' '.join(f'{aspect} {weight:g}' for aspect, weight in self.aspects.items() if weight)}"
        )


def rank_works(
    collection: Collection, setting: Setting, row: int, candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Rows and scores of all `candidates` (n,) bool for the work at `row`, best first, and the spaces that answered."""
    state = collection.state
    query = Query((Part(work=collection.ids[row]),), **vars(setting))
    check_query(query, state)
    embed = collection.query_embedding
    space_queries = make_space_queries(state, query, embed)
    if setting.encoder == "auto":
        space_queries = [select_encoder(state, space_queries, query, candidates)[0]]
    numbers, order = rank_space_queries(state, space_queries, query, len(state), candidates)
    familiar = is_familiar(state, query, space_queries, embed, order[: query.k])
    scores = scores_of(space_queries, numbers, ranking=setting.ranking, fusion=setting.fusion, familiar=familiar)
    return order, scores, [item.space.name for item in space_queries]
