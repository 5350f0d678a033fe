"""Detail search: the works that contain what a picture shows, and where in them.

A work is as near as its most like region is (`artsim.snapshot.region_index`). What is for and against is added up work by
work, each with the region that suits it best: a work that contains the one but not the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from artsim.errors import QueryError
from artsim.search.engine import (
    SEVERAL,
    Embed,
    Query,
    allowed_works,
    check_query,
    find_space,
    find_target,
    within_limits,
)
from artsim.search.match import Match, matches_in
from artsim.search.ranking import SpaceQuery
from artsim.search.timing import timed
from artsim.snapshot.region_index import IndexedRegions
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import percentile
from artsim.snapshot.state import State

_CLOSE = 99.0  # percentile of the score from which on a match counts as close
_CANDIDATES = 300  # works that are looked at where several pictures are for or against


@dataclass(frozen=True)
class Sought:
    """Placed vectors (p, d) of the pictures of a query, each unit length, and what each counts."""

    vectors: np.ndarray
    weights: np.ndarray


def run_detail(state: State, query: Query, embed: Embed) -> list[Match]:
    """The best `query.k` works, each with the region that is most like the picture for which counts most.

    The score is the sum of the cosines of the best regions, times the weights. Cosine, angular distance and aspects are
    those of the whole pictures, as in every search. Works named in the query are not among the answers.
    """
    with timed("search", "detail"):
        check_query(query, state)
        if any(part.text is not None for part in query.parts):
            raise QueryError("Details are looked for by pictures; leave the text out, or search without detail.")
        space, regions = _choose(state, query.encoder)
        index_vector = regions.statistics.index_vectors(embed.details(space, query.parts))
        sought = Sought(index_vector, np.array([part.weight for part in query.parts], np.float32))
        allowed = allowed_works(state, query)

        def rank(k: int) -> tuple[np.ndarray, np.ndarray]:
            return rank_regions(regions, sought, k, allowed)

        with timed("index", "detail"):
            scores, rows = within_limits(state, query, query.k, rank)
        target = find_target(state, space, query, embed)
        matches = matches_in(state, SpaceQuery(space, target), scores, rows)
        return _with_regions(matches, regions, sought)


def _choose(state: State, name: str | None) -> tuple[Space, IndexedRegions]:
    """The space called `name`, by default the first that has regions."""
    if name in SEVERAL:
        raise QueryError(
            "Details are looked for with one encoder, not with {name!r}; name one, or leave it out.", name=name
        )
    spaces = state.spaces if name is None else (find_space(state, name),)
    for space in spaces:
        if space.regions is not None:
            return space, space.regions
    raise QueryError(
        "This collection has no regions in which a detail could be found. Build it again with --regions "
        "(build_collection(..., regions=True))."
    )


def rank_regions(
    regions: IndexedRegions, sought: Sought, k: int, allowed: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows of works, best first. For one picture it is exact; for several, among the best for any of them."""
    count = len(regions.boxes)
    allowed_regions = None if allowed is None else np.repeat(allowed, count)
    wanted = k if len(sought.vectors) == 1 else max(_CANDIDATES, 4 * k)
    found = [np.zeros(0, np.int64)]
    for vector, weight in zip(sought.vectors, sought.weights, strict=True):
        if weight > 0:  # the best region of each of `wanted` works is among that many regions
            _, numbers = regions.index.search(vector[None], wanted * count, allowed=allowed_regions)
            found.append(numbers[0][numbers[0] >= 0] // count)
    rows = np.unique(np.concatenate(found))
    if not len(rows):
        return np.zeros(0, np.float32), rows
    best = np.concatenate([_likeness(regions, sought, chunk).max(axis=1) for chunk in _chunks(rows)])
    scores = best @ sought.weights
    order = np.argsort(-scores, kind="stable")[:k]
    return scores[order], rows[order]


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, max(1, -(-len(rows) // 500)))


def _likeness(regions: IndexedRegions, sought: Sought, rows: np.ndarray) -> np.ndarray:
    """(len(rows), regions, p): the cosine of each region of some works and each picture."""
    return regions.of_works(rows) @ sought.vectors.T


def _with_regions(matches: Sequence[Match], regions: IndexedRegions, sought: Sought) -> list[Match]:
    """The matches with where the detail is in each, how unusual so like a region is, and whether it is close."""
    if not matches:
        return []
    likeness = _likeness(regions, sought, np.array([match.row for match in matches]))
    leading = np.where(sought.weights > 0, likeness.max(axis=1) * sought.weights, -np.inf).argmax(axis=1)  # (matches,)
    of_leading = likeness[np.arange(len(matches)), :, leading]  # (matches, regions)
    percentiles = percentile(regions.statistics.pairs, of_leading.max(axis=1))
    return [
        replace(
            match,
            region=regions.boxes[int(own.argmax())],
            percentile=float(percentiles[i]),
            close=bool(percentiles[i] >= _CLOSE),
        )
        for i, (match, own) in enumerate(zip(matches, of_leading, strict=True))
    ]
