"""Full ranking in any encoder mode: one encoder, the one selected per query, or a fusion of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from artsim.collection import Collection
from artsim.evaluation.full_ranking import Setting, rank_works
from artsim.search.engine import make_space_queries, rank_space_queries, select_encoder
from artsim.search.query import Part, Query
from artsim.search.query_vectors import QueryEmbedding
from artsim.snapshot.state import State, find_space


def rank_by_encoders(
    collection: Collection, state: State, setting: Setting, rows: np.ndarray, candidates: Callable[[int], np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray, Counter[str]]]:
    """Rank all works as `rank_works` does; also yields how many of the block's queries each space answered.

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
        query = Query(
            (Part(work=identity),),
            setting.aspects,
            ranking=setting.ranking,
            encoder=setting.encoder,
            auto=setting.auto,
            fusion=setting.fusion,
            encoder_weights=setting.encoder_weights,
        )
        is_candidate = candidates(row)
        space_queries = make_space_queries(state, query, embed)
        if setting.encoder == "auto":
            space_queries = [select_encoder(state, space_queries, query, is_candidate)[0]]
        _, order = rank_space_queries(state, space_queries, query, len(state), is_candidate)
        order = np.concatenate([order, np.setdiff1d(np.arange(len(state)), order)])
        yield np.array([row]), order[None], Counter(space_query.space.name for space_query in space_queries)
