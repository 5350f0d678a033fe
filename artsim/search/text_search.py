"""Search for a text alone: works that have its words in their metadata, then works that look like it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from artsim.errors import EncoderError, QueryError
from artsim.search.engine import allowed_works, find_matches, run_query_each, within_limits
from artsim.search.label_index import LabelIndex, LabelIndexes, Suggestion
from artsim.search.match import Match, label_match
from artsim.search.query import ENCODER_MODES, MAX_K, Query, check_query
from artsim.search.query_vectors import QueryEmbedding
from artsim.search.ranking import take_within_limits
from artsim.search.timing import timed
from artsim.snapshot.filters import groups_of
from artsim.snapshot.state import State, find_space

MOST_SUGGESTIONS = 100

log = logging.getLogger(__name__)


class _Collection(Protocol):
    """Implemented by `artsim.Collection`."""

    state: State
    label_indexes: LabelIndexes


def suggest(collection: _Collection, text: str, limit: int = 8) -> list[Suggestion]:
    """What someone who has typed `text` may search for: at most `limit` artists, titles, tags and the like, best first.

    They have words that begin as the words of the text do, or contain these, each with its number of works. Case and accents
    do not matter; if no word begins so, small typing errors are forgiven. Takes any text. Raises `QueryError` for a limit
    that is not a whole number from 1 to 100.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_SUGGESTIONS:
        raise QueryError(
            "The number of suggestions must be a whole number from 1 to {most}; it is {limit}.",
            most=MOST_SUGGESTIONS,
            limit=limit,
        )
    if not isinstance(text, str):
        raise QueryError("A text to search for must be a string; it is {kind}.", kind=type(text).__name__)
    return collection.label_indexes.of(collection.state.table).suggest(text, limit)


def run_text_query(state: State, query: Query, embed: QueryEmbedding, indexes: LabelIndexes) -> list[Match]:
    """The works that have `query.words` in their metadata, best first, then those that look like them, `query.k` in all."""
    with timed("search", "text"):
        check_query(query, state)
        index, allowed = indexes.of(state.table), allowed_works(state, query)

        def ranked(depth: int) -> tuple[np.ndarray, np.ndarray]:
            rows = index.search(query.words or "", depth, allowed)
            return np.zeros(len(rows)), rows

        rows = within_limits(state, query, query.k, ranked)[1]
        alike: list[Match] = []
        if len(rows) < query.k and _reads_words(state, query, embed, needed=not len(rows)):
            # each of `rows` may be among those that look so, and for each limit, take the place of another
            k = query.k + len(rows) * (1 + len(query.at_most))
            alike = find_matches(state, _by_meaning(query, min(k, MAX_K)), embed)
        return _together(state, query, rows, alike)


def run_text_query_each(
    state: State, query: Query, embed: QueryEmbedding, indexes: LabelIndexes, by: str, most: int
) -> dict[Any, list[Match]]:
    """The same for each value of the column `by` (or each "century"), at most `most`: those of the best works by label, then
    as `run_query_each`."""
    check_query(query, state)
    index: LabelIndex = indexes.of(state.table)
    rows = index.search(query.words or "", len(state), allowed_works(state, query))
    of_values: dict[Any, list[int]] = {}
    for value, row in zip(groups_of(state.table, by, rows), rows.tolist(), strict=True):
        if value is not None:
            of_values.setdefault(value, []).append(row)
    alike: dict[Any, list[Match]] = {}
    if _reads_words(state, query, embed, needed=not of_values):
        alike = run_query_each(state, _by_meaning(query, query.k), embed, by, most)
    values = list(dict.fromkeys((*of_values, *alike)))[:most]
    return {
        value: _together(state, query, np.array(of_values.get(value, ()), np.int64), alike.get(value, ()))
        for value in (sorted(values) if by == "century" else values)
    }


def _by_meaning(query: Query, k: int) -> Query:
    return replace(query, text_mode="meaning", k=k)


def _reads_words(state: State, query: Query, embed: QueryEmbedding, *, needed: bool) -> bool:
    """Whether to search for the meaning of the text, as an encoder of the query embeds texts.

    One that cannot be loaded is an error if it is `needed`, as nothing else was found; otherwise it is logged.
    """
    if query.text_mode == "metadata":
        return False
    spaces = state.spaces if query.encoder in (None, *ENCODER_MODES) else (find_space(state, query.encoder),)
    try:
        return any(embed.embeds_text(space) for space in spaces)
    except EncoderError as error:
        if needed:
            raise
        log.warning("Only metadata is searched: %s", error)
        return False


def _together(state: State, query: Query, rows: np.ndarray, alike: Sequence[Match]) -> list[Match]:
    """The works at `rows`, then the others of `alike`: the first `query.k` within the limits of the query."""
    matches = [label_match(1, row, work) for row, work in zip(rows.tolist(), state.works(rows), strict=True)]
    listed = set(rows.tolist())
    matches += [match for match in alike if match.row not in listed]
    if query.at_most:
        found = np.array([match.row for match in matches], np.int64)
        groups = [groups_of(state.table, column, found) for column in query.at_most]
        matches = [matches[position] for position in take_within_limits(groups, list(query.at_most.values()), query.k)]
    return [replace(match, rank=rank) for rank, match in enumerate(matches[: query.k], start=1)]
