"""Many queries at once: one search of the index, and one look-up of the metadata of all matches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from artsim.encoders.presets import Ranking, ranking_of, weights_of
from artsim.encoders.protocol import Aspect, unit_rows
from artsim.errors import QueryError
from artsim.images.decode import ImageLike
from artsim.search.calibration import scores_of
from artsim.search.engine import make_space_query
from artsim.search.familiarity import is_familiar, is_near_some
from artsim.search.match import Match, matches_in
from artsim.search.query import Part, Query, check_k, check_query, check_ranking
from artsim.search.query_vectors import SearchedCollection
from artsim.search.ranking import SpaceQuery, rank
from artsim.snapshot.filters import Where, allowed_rows
from artsim.snapshot.space import Space
from artsim.snapshot.state import State

_TOGETHER = 100  # queries whose candidates are in memory at once


def search_many(
    collection: SearchedCollection,
    works: Sequence[str] | None = None,
    images: Sequence[ImageLike] | None = None,
    vectors: np.ndarray | None = None,
    *,
    k: int = 10,
    aspects: Mapping[Aspect, float] | None = None,
    preset: str | None = None,
    where: Where | None = None,
    ranking: Ranking = "likeness",
) -> list[list[Match]]:
    """The matches of many works (ids), images or plain subject vectors (q, d): for each, those that `search` finds for it.

    Give one of the three; vectors are compared by subject alone. The first encoder is used. By the ranking "likeness", all
    queries are one search of the index. "tuned" and "cosine" rank one query after another, which takes as long as as many
    searches; docs/performance.md has the times of each. Raises what `search` raises.
    """
    if sum(given is not None for given in (works, images, vectors)) != 1:
        raise QueryError("Give exactly one of works, images and vectors.")
    state = collection.state
    if vectors is not None:
        if aspects is not None or preset is not None:
            raise QueryError("Vectors are compared by subject alone; leave aspects and preset out.")
        return _by_vectors(state, vectors, k, where, ranking)
    weights, chosen = weights_of(aspects, preset), ranking_of(ranking, preset)
    parts = [Part(work=work) for work in works or ()] + [Part(image=image) for image in images or ()]
    queries = [Query(parts=(part,), aspects=weights, where=where, k=k, ranking=chosen) for part in parts]
    for query in queries:
        check_query(query, state)
    if not queries:
        return []
    embed = collection.query_embedding
    asked = [make_space_query(state, state.spaces[0], query, embed) for query in queries]
    own = np.array([-1 if part.work is None else state.rows[part.work] for part in parts], np.int64)

    def familiar(position: int, rows: np.ndarray) -> bool:
        return is_familiar(state, queries[position], [asked[position]], embed, rows)

    return _matches(state, asked, own, queries[0], familiar)


def _by_vectors(state: State, vectors: np.ndarray, k: int, where: Where | None, ranking: Ranking) -> list[list[Match]]:
    """The matches of plain subject vectors (q, d), by subject alone, in the first space. `QueryError` for other shapes."""
    check_k(k)
    check_ranking(ranking)
    space, statistics = state.spaces[0], state.spaces[0].statistics
    dimension = statistics.raw_dims["subject"]
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != dimension or not np.isfinite(vectors).all():
        raise QueryError(
            "The vectors must be rows of {dimension} numbers, as the encoder {encoder} makes them.",
            dimension=dimension,
            encoder=space.encoder,
        )
    if not len(vectors):
        return []
    query = Query(parts=(), aspects={"subject": 1.0}, where=where, k=k, ranking=ranking)
    shares = space.weigh(query.aspects)
    index_vectors = np.zeros((len(vectors), statistics.dimension), np.float32)
    statistics.split(index_vectors)["subject"][:] = statistics.block("subject", vectors)
    asked = [
        SpaceQuery(space, shares, index_vector=index_vector, raw=raw)
        for index_vector, raw in zip(index_vectors, unit_rows(vectors), strict=True)
    ]

    def familiar(position: int, rows: np.ndarray) -> bool:
        return is_near_some(space, asked[position].reference, rows)

    found = _matches(state, asked, np.full(len(asked), -1), query, familiar)
    return [[_by_subject_alone(match) for match in matches] for matches in found]


def _by_subject_alone(match: Match) -> Match:
    aspects, percentiles = match.aspects, match.aspect_percentiles
    return replace(
        match, aspects={"subject": aspects["subject"]}, aspect_percentiles={"subject": percentiles["subject"]}
    )


def _matches(
    state: State,
    asked: Sequence[SpaceQuery],
    own: np.ndarray,
    query: Query,
    familiar: Callable[[int, np.ndarray], bool],
) -> list[list[Match]]:
    """The matches of each query by the options of `query`, without the work `own` (q,) of each, -1 for none.

    `familiar(position, rows)`: whether something is close to the query at `position`, which found the works at `rows`.
    """
    allowed = allowed_rows(state.table, query.where)
    if query.ranking == "likeness":
        answers = _likeness(state.spaces[0], asked, own, query.k, allowed)
    else:
        answers = [
            rank(item, query.ranking, query.k, _without(allowed, row, len(state)))
            for item, row in zip(asked, own.tolist(), strict=True)
        ]
    found, positions = np.unique(np.concatenate([rows for _, rows in answers]), return_inverse=True)
    works = state.works(found)
    matches, start = [], 0
    for number, (item, (scores, rows)) in enumerate(zip(asked, answers, strict=True)):
        of_query = [works[position] for position in positions[start : start + len(rows)].tolist()]
        scores = scores_of([item], scores, ranking=query.ranking, familiar=familiar(number, rows))
        matches.append(matches_in(state, item, scores, rows, of_query))
        start += len(rows)
    return matches


def _likeness(
    space: Space, asked: Sequence[SpaceQuery], own: np.ndarray, k: int, allowed: np.ndarray | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scores and rows of the `k` nearest works of each query."""
    answers = []
    for start in range(0, len(asked), _TOGETHER):
        queries = np.stack([item.weighted_vector for item in asked[start : start + _TOGETHER]])
        of_all = zip(*space.index.search(queries, k + 1, allowed=allowed), own[start : start + _TOGETHER], strict=True)
        for scores, rows, row in of_all:
            others = np.flatnonzero(rows != row)[:k]
            answers.append((scores[others], rows[others]))
    return answers


def _without(allowed: np.ndarray | None, row: int, n: int) -> np.ndarray | None:
    """(n,) bool: `allowed` without `row`, if that is a row."""
    if row < 0:
        return allowed
    mask = np.ones(n, bool) if allowed is None else allowed.copy()
    mask[row] = False
    return mask
