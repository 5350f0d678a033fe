"""The search engine: a query, embedded, ranked in each space, and turned into matches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from artsim.errors import EncoderError, QueryError
from artsim.search.calibration import scores_of
from artsim.search.encoder_selection import DEPTH, best_of, margin, mean_cosine
from artsim.search.familiarity import is_familiar
from artsim.search.fusion import leaders, rank_fused
from artsim.search.match import Match, matches_in
from artsim.search.query import ENCODER_MODES, Part, Query, check_query, query_kind, weights_between
from artsim.search.query_vectors import QueryEmbedding
from artsim.search.ranking import SpaceQuery, add_pictures, add_texts, take_within_limits
from artsim.search.timing import timed
from artsim.snapshot.filters import allowed_rows, groups_of, numbered_groups
from artsim.snapshot.scalar_fields import filter_expression
from artsim.snapshot.space import Space
from artsim.snapshot.state import State, find_space

Ranked = Callable[[int], tuple[np.ndarray, np.ndarray]]
"""k -> scores and rows of the k best, best first."""


def run_query(state: State, query: Query, embed: QueryEmbedding) -> list[Match]:
    """The best `query.k` works, fewer if the filters leave fewer. The works of the query are excluded."""
    with timed("search", query_kind(query)):
        check_query(query, state)
        return find_matches(state, query, embed)


def find_matches(state: State, query: Query, embed: QueryEmbedding) -> list[Match]:
    """The works that look like a query, which has been checked: see `run_query`."""
    space_queries = make_space_queries(state, query, embed)
    allowed = allowed_works(state, query)
    with timed("index", query.ranking):
        if query.encoder == "auto":
            chosen, scores, rows = select_encoder(state, space_queries, query, allowed)
            space_queries = [chosen]
        else:
            scores, rows = rank_space_queries(state, space_queries, query, query.k, allowed)
    familiar = is_familiar(state, query, space_queries, embed, rows)
    return _matches(query, state, space_queries, scores, rows, familiar=familiar)


def run_query_each(state: State, query: Query, embed: QueryEmbedding, by: str, most: int) -> dict[Any, list[Match]]:
    """Conditional search: the best `query.k` works for each value of the column `by` (or each "century").

    At most `most` values, those with the most works; ordered by their best match (centuries by time).
    """
    check_query(query, state)
    if query.detail:
        raise QueryError(
            "A search for details cannot be grouped by {column}; leave detail out, or filter with where.", column=by
        )
    space_queries = make_space_queries(state, query, embed)
    allowed = allowed_works(state, query)
    if query.encoder == "auto":
        space_queries = [select_encoder(state, space_queries, query, allowed)[0]]
    numbers, values = numbered_groups(state.table, by)
    has_value = numbers >= 0 if allowed is None else (numbers >= 0) & allowed
    counts = np.bincount(numbers[has_value], minlength=len(values))
    if not counts.any():
        raise QueryError("No work that matches the filters has a value in {column!r}.", column=by)
    familiar = is_familiar(state, query, space_queries, embed, np.zeros(0, np.int64))
    answers = {}
    for number in np.argsort(-counts, kind="stable")[: min(most, np.count_nonzero(counts))].tolist():
        mask = has_value & (numbers == number)
        # without diffusion, scores are comparable across values
        scores, rows = rank_space_queries(state, space_queries, query, query.k, mask, diffused=False)
        answers[values[number]] = _matches(query, state, space_queries, scores, rows, familiar=familiar, diffused=False)
    answers = {value: matches for value, matches in answers.items() if matches}
    if by == "century":
        return dict(sorted(answers.items()))
    by_ranks = len(space_queries) > 1 and query.fusion == "reciprocal-rank"  # ranks are not comparable across values
    firsts = {value: matches[0].percentile if by_ranks else matches[0].score for value, matches in answers.items()}
    return dict(sorted(answers.items(), key=lambda item: -(firsts[item[0]] or 0.0)))


def make_space_queries(state: State, query: Query, embed: QueryEmbedding) -> list[SpaceQuery]:
    """The query in every space that takes part: one, except for "auto" and "fusion".

    Raises `EncoderError` if the query has texts and no encoder embeds texts.
    """
    spaces = state.spaces if query.encoder in (None, *ENCODER_MODES) else (find_space(state, query.encoder),)
    weights = weights_between(state, query)
    if query.encoder == "fusion":
        spaces = tuple(space for space in spaces if weights[space.name] > 0)
    if len(spaces) > 1 and any(part.text is not None for part in query.parts):
        spaces = tuple(space for space in spaces if embed.embeds_text(space))
        if not spaces:
            raise EncoderError(
                "None of the encoders of this collection ({encoders}) embeds text. Search with a picture, or build it"
                " with a CLIP or SigLIP encoder as well.",
                encoders=[space.name for space in state.spaces],
            )
    if query.encoder is None:
        spaces = spaces[:1]
    return [make_space_query(state, space, query, embed, weights[space.name]) for space in spaces]


def select_encoder(
    state: State, space_queries: Sequence[SpaceQuery], query: Query, allowed: np.ndarray | None
) -> tuple[SpaceQuery, np.ndarray, np.ndarray]:
    """The best of `space_queries` by the rule `query.auto`, with its scores and rows."""
    k = max(query.k, DEPTH)
    answers = [rank_space_queries(state, [item], query, k, allowed) for item in space_queries]
    if query.auto == "margin":
        values = [margin(item, rows, query.ranking) for item, (_, rows) in zip(space_queries, answers, strict=True)]
    else:
        values = [mean_cosine(item, rows[: query.k]) for item, (_, rows) in zip(space_queries, answers, strict=True)]
    best = best_of(values)
    scores, rows = answers[best]
    return space_queries[best], scores[: query.k], rows[: query.k]


def make_space_query(
    state: State, space: Space, query: Query, embed: QueryEmbedding, weight: float = 1.0
) -> SpaceQuery:
    """Embed the parts of the query and add them up; the vectors of whole works are looked up in the space."""
    expression = filter_expression(state.table, query.where, space.index.fields)
    made = SpaceQuery(space, space.weigh(query.aspects), weight=weight, expression=expression)
    pictures = [part for part in query.parts if part.text is None]
    words = [part for part in query.parts if part.text is not None]
    fresh = [part for part in pictures if part.work is None or part.region is not None]
    known = [part for part in pictures if part.work is not None and part.region is None]
    index_vectors, raw = [], []
    if fresh:
        blocks = embed.images(space, fresh, reproductions=_compares_layouts(space, made.shares))
        index_vectors.append(space.statistics.index_vectors(blocks))
        raw.append(blocks["subject"])
    if known:
        rows = np.array([state.rows[part.work or ""] for part in known])
        index_vectors.append(space.index.vectors(rows))
        raw.append(space.plain(rows))
    if pictures:
        weights = _weights([*fresh, *known])
        sums = add_pictures(space, np.concatenate(index_vectors), np.concatenate(raw), weights)
        made = replace(made, index_vector=sums[0], raw=sums[1])
    if words:
        vectors = embed.texts(space, [part.text or "" for part in words])
        combined, word_weight = add_texts(vectors, _weights(words))
        made = replace(made, words=combined, word_weight=word_weight)
    return made


def _compares_layouts(space: Space, shares: np.ndarray) -> bool:
    return dict(zip(space.statistics.aspects, shares, strict=True)).get("layout", 0) > 0


def _weights(parts: Sequence[Part]) -> np.ndarray:
    return np.array([part.weight for part in parts], np.float32)


def allowed_works(state: State, query: Query) -> np.ndarray | None:
    """(n,) bool: the works that pass the filters, without those of the query; None if all do."""
    allowed = allowed_rows(state.table, query.where)
    query_rows = [state.rows[part.work] for part in query.parts if part.work is not None]
    if not query_rows:
        return allowed
    allowed = np.ones(len(state), bool) if allowed is None else allowed
    allowed[query_rows] = False
    for column in query.other:
        numbers, _ = numbered_groups(state.table, column)
        avoided = numbers[query_rows]
        allowed &= ~np.isin(numbers, avoided[avoided >= 0])
    return allowed


def rank_space_queries(
    state: State,
    space_queries: Sequence[SpaceQuery],
    query: Query,
    k: int,
    allowed: np.ndarray | None,
    *,
    diffused: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows of the `k` best within the query's limits, best first; several spaces are fused."""

    def ranked(depth: int) -> tuple[np.ndarray, np.ndarray]:
        return rank_fused(space_queries, query.fusion, query.ranking, depth, allowed, diffused=diffused)

    return within_limits(state, query, k, ranked)


def within_limits(state: State, query: Query, k: int, ranked: Ranked) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows of the `k` best that satisfy `query.at_most`, searching deeper in the ranking where needed."""
    if not query.at_most:
        return ranked(k)
    depth, total = 10 * k, len(state)
    while True:
        scores, rows = ranked(min(depth, total))
        groups = [groups_of(state.table, column, rows) for column in query.at_most]
        taken = take_within_limits(groups, list(query.at_most.values()), k)
        if len(taken) == k or depth >= total:
            return scores[taken], rows[taken]
        depth *= 4


def _matches(
    query: Query,
    state: State,
    space_queries: Sequence[SpaceQuery],
    numbers: np.ndarray,
    rows: np.ndarray,
    *,
    familiar: bool,
    diffused: bool = True,
) -> list[Match]:
    """The matches of one space, or of several fused: then each has the figures of its leading space."""
    scores = scores_of(
        space_queries, numbers, ranking=query.ranking, fusion=query.fusion, diffused=diffused, familiar=familiar
    )
    if len(space_queries) == 1 or not len(rows):
        return matches_in(state, space_queries[0], scores, rows)
    leading = leaders(space_queries, query.ranking, rows)
    matches = []
    for number, space_query in enumerate(space_queries):
        ranks = np.flatnonzero(leading == number)
        of_space = matches_in(state, space_query, scores[ranks], rows[ranks])
        matches += [replace(match, rank=int(rank) + 1) for match, rank in zip(of_space, ranks, strict=True)]
    return sorted(matches, key=lambda match: match.rank)
