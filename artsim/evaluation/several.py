"""Every work ranked for every query by whatever encoders a setting names: one, the one chosen for each query, or all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from artsim.collection import Collection
from artsim.evaluation.full_ranking import Setting, rank_works
from artsim.search.engine import Part, Query, find_space, make_space_queries, rank_space_queries, select_encoder
from artsim.search.query_vectors import QueryEmbedding
from artsim.snapshot.state import State


def rank_by_encoders(
    collection: Collection, state: State, setting: Setting, rows: np.ndarray, left: Callable[[int], np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray, Counter[str]]]:
    """As `rank_works`, and how many of the block's queries each space answered (in a fusion: all of them)."""
    if setting.several is None:
        space = find_space(state, setting.encoder)
        for block, order in rank_works(space, setting, rows, left):
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
        allowed = left(row)
        space_queries = make_space_queries(state, query, embed)
        if setting.encoder == "auto":
            space_queries = [select_encoder(state, space_queries, query, allowed)[0]]
        _, order = rank_space_queries(state, space_queries, query, len(state), allowed)
        order = np.concatenate([order, np.setdiff1d(np.arange(len(state)), order)])
        yield np.array([row]), order[None], Counter(each.space.name for each in space_queries)
