"""Full rankings: order all works for every query by the scores that `Collection.search` orders its matches by.

`search` orders a few hundred candidates of the index; this module scores all works. In a collection with no more works than
candidates, both orders are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from artsim.collection import Collection
from artsim.encoders.presets import PRESETS, RANKINGS, Ranking
from artsim.encoders.protocol import Aspect, unit_rows
from artsim.errors import QueryError
from artsim.search.encoder_selection import AutoRule
from artsim.search.engine import make_space_queries, rank_space_queries, select_encoder
from artsim.search.fusion import FusionRule
from artsim.search.query import ENCODER_MODES, Part, Query, check_query
from artsim.search.query_vectors import QueryEmbedding
from artsim.search.ranking import order_tuned
from artsim.snapshot.space import Space
from artsim.snapshot.state import State, find_space

_BLOCK_SCORES = 20_000_000  # scores in memory at once: 80 MB, and a few times that during sorting


@dataclass(frozen=True)
class Setting:
    """The options of a search that determine its ranking; see `artsim.search.query.Query`."""

    ranking: Ranking = "tuned"
    aspects: Mapping[Aspect, float] = field(default_factory=lambda: PRESETS["balanced"])
    """Ignored by ranking "cosine", which compares raw subject vectors only."""
    encoder: str | None = None
    auto: AutoRule = "margin"
    fusion: FusionRule = "weighted"
    encoder_weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.ranking not in RANKINGS:
            raise QueryError(f"There is no ranking {self.ranking!r}; choose among {', '.join(RANKINGS)}.")

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


def rank_works(
    space: Space, setting: Setting, rows: np.ndarray, candidates: Callable[[int], np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rank all works for the query works at `rows` with one encoder, in blocks.

    Yields the block's query rows (b,) and all rows for each of them (b, n), best first. Works where `candidates(row)` (n,)
    bool is false go to the end. Equal scores keep the order of the collection.
    """
    size = max(1, _BLOCK_SCORES // len(space))
    shares = space.statistics.weigh(setting.aspects)
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        scores = _uncorrected_scores(space, setting, block)
        for number, row in enumerate(block):
            is_candidate = candidates(int(row))
            if setting.ranking == "tuned":
                kept = np.flatnonzero(is_candidate)
                scores[number, kept] = order_tuned(space, shares, kept, scores[number, kept])
            scores[number, ~is_candidate] = -np.inf
        yield block, np.argsort(-scores, axis=1, kind="stable")


def _uncorrected_scores(space: Space, setting: Setting, rows: np.ndarray) -> np.ndarray:
    """(q, n) float32: raw cosines, or weighted sums of the aspects' cosines, of the works at `rows` (q,) to all works."""
    all_rows = np.arange(len(space))
    if setting.ranking == "cosine":
        return unit_rows(space.plain(rows)) @ space.plain(all_rows).T
    statistics = space.statistics
    blocks = statistics.split(space.index.vectors(rows))  # unit rows again, as in a search: 8 bits round
    index_vectors = np.concatenate([unit_rows(block) for block in blocks.values()], axis=1)
    return statistics.query_vector(index_vectors, statistics.weigh(setting.aspects)) @ space.index.vectors(all_rows).T


def rank_by_encoders(
    collection: Collection, state: State, setting: Setting, rows: np.ndarray, candidates: Callable[[int], np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray, Counter[str]]]:
    """Rank all works as `rank_works` does, in any encoder mode; also yields how many queries of the block each space answered.

    In a fusion, every space answers every query.
    """
    if setting.several is None:
        space = find_space(state, setting.encoder)
        for block, order in rank_works(space, setting, rows, candidates):
            yield block, order, Counter({space.name: len(block)})
        return
    embed = QueryEmbedding(collection.encoder, collection.picture)
    ids = state.table.column("id").take(rows).to_pylist()
    for row, identity in zip(rows.tolist(), ids, strict=True):
        query = Query((Part(work=identity),), **vars(setting))
        check_query(query, state)
        is_candidate = candidates(row)
        space_queries = make_space_queries(state, query, embed)
        if setting.encoder == "auto":
            space_queries = [select_encoder(state, space_queries, query, is_candidate)[0]]
        _, order = rank_space_queries(state, space_queries, query, len(state), is_candidate)
        order = np.concatenate([order, np.setdiff1d(np.arange(len(state)), order)])
        yield np.array([row]), order[None], Counter(space_query.space.name for space_query in space_queries)
