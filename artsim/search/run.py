"""Run a query, whatever it is: labels and words, details, or everything else."""

from __future__ import annotations

from typing import Any

from artsim.search.engine import run_query, run_query_each
from artsim.search.label_index import LabelIndexes
from artsim.search.match import Match
from artsim.search.query import Query
from artsim.search.query_vectors import QueryEmbedding
from artsim.search.regions import run_region_search
from artsim.search.text_search import run_text_query, run_text_query_each
from artsim.snapshot.state import State


def run(state: State, query: Query, embed: QueryEmbedding, indexes: LabelIndexes) -> list[Match]:
    """The matches of a query that have its least score."""
    if query.words is not None:
        matches = run_text_query(state, query, embed, indexes)
    else:
        matches = (run_region_search if query.detail else run_query)(state, query, embed)
    return [match for match in matches if match.reaches(query.min_score)]


def run_each(
    state: State, query: Query, embed: QueryEmbedding, indexes: LabelIndexes, by: str, most: int
) -> dict[Any, list[Match]]:
    """The same for each value of the column `by`, or each "century"; only values with matches."""
    if query.words is not None:
        answers = run_text_query_each(state, query, embed, indexes, by, most)
    else:
        answers = run_query_each(state, query, embed, by, most)
    kept = {value: [match for match in found if match.reaches(query.min_score)] for value, found in answers.items()}
    return {value: found for value, found in kept.items() if found}
