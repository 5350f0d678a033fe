"""Detail search: find the works that contain what a picture shows, and where in them.

A work scores by its most similar region (`artsim.snapshot.region_index`). Pictures for and against are added up per work,
each with its own best region: this finds works that contain the one but not the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from artsim.errors import QueryError
from artsim.index import sample_rows
from artsim.search.calibration import Scale, at_places
from artsim.search.calibration_fit import FIRST
from artsim.search.engine import allowed_works, make_space_query, within_limits
from artsim.search.match import Match, matches_in
from artsim.search.query import ENCODER_MODES, Query, check_query
from artsim.search.query_vectors import QueryEmbedding
from artsim.search.timing import timed
from artsim.snapshot.region_index import IndexedRegions
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import percentile
from artsim.snapshot.state import State, find_space

_CANDIDATES = 300  # works that are scored for a query of several pictures
_SAMPLE = 24  # works with a region each, whose nearest works scores are compared with


def run_region_search(state: State, query: Query, embed: QueryEmbedding) -> list[Match]:
    """The best `query.k` works, each with its best region for the picture that contributes most to its score.

    They are ordered by the weighted sum of the cosines of the best regions. Cosine, angular distance and aspects are those
    of the whole pictures, as in every search. The works of the query are excluded.
    """
    with timed("search", "detail"):
        check_query(query, state)
        if any(part.text is not None for part in query.parts):
            raise QueryError("A search for details takes pictures only; leave the text out, or search without detail.")
        space, regions = _select_space(state, query.encoder)
        vectors = regions.statistics.index_vectors(embed.details(space, query.parts))  # (p, d)
        weights = np.array([part.weight for part in query.parts], np.float32)
        allowed = allowed_works(state, query)

        def rank(k: int) -> tuple[np.ndarray, np.ndarray]:
            return _rank_works(regions, vectors, weights, k, allowed)

        with timed("index", "detail"):
            scores, rows = within_limits(state, query, query.k, rank)
        scores = _scale(space, regions, weights).of_numbers(scores)
        matches = matches_in(state, make_space_query(state, space, query, embed), scores, rows)
        return _with_regions(matches, regions, vectors, weights)


def _select_space(state: State, name: str | None) -> tuple[Space, IndexedRegions]:
    """The space named `name` (default: the first with regions), and its regions."""
    if name in ENCODER_MODES:
        raise QueryError("A search for details uses one encoder, not {name!r}; name one, or leave it out.", name=name)
    spaces = state.spaces if name is None else (find_space(state, name),)
    for space in spaces:
        if space.regions is not None:
            return space, space.regions
    raise QueryError(
        "This collection has no region index, so details cannot be found in it. Build it again with --regions "
        "(build_collection(..., regions=True))."
    )


def _scale(space: Space, regions: IndexedRegions, weights: np.ndarray) -> Scale:
    """What numbers of a detail search are compared with: those of the first works that regions of the works find.

    Unrelated are a region and another work at random; pictures against count as much.
    """
    own = space.memo.kept("regions", lambda: _scale_of_regions(regions))
    wanted, against = float(weights[weights > 0].sum()), float(weights[weights < 0].sum())
    return Scale(wanted * own.numbers + against * _unrelated(regions), own.scores)


def _unrelated(regions: IndexedRegions) -> float:
    pairs = regions.statistics.pairs
    return float(np.median(pairs)) if len(pairs) else 0.0


def _scale_of_regions(regions: IndexedRegions) -> Scale:
    count, n = len(regions.boxes), len(regions.vectors)
    works = sample_rows(n, _SAMPLE)
    each = np.arange(len(works))
    vectors = regions.of_works(works)[each, each * 7 % count]
    cosines, numbers = regions.index.search(vectors, (FIRST + 1) * count)
    found = [np.zeros(0)]
    for work, of_work, row in zip(works.tolist(), cosines, numbers // count, strict=True):
        others, first = np.unique(row, return_index=True)  # the first region of a work is its best
        found.append(np.sort(of_work[first[others != work]])[-FIRST:])
    compared = np.concatenate(found)
    return Scale.of(at_places(compared), len(compared), 1.0, _unrelated(regions))


def _rank_works(
    regions: IndexedRegions, vectors: np.ndarray, weights: np.ndarray, k: int, allowed: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows of works, best first. Exact for one picture; for several, among the best works for any of them."""
    count = len(regions.boxes)
    allowed_regions = None if allowed is None else np.repeat(allowed, count)
    works = k if len(vectors) == 1 else max(_CANDIDATES, 4 * k)
    found = [np.zeros(0, np.int64)]
    for vector, weight in zip(vectors, weights, strict=True):
        if weight > 0:  # the best region of each of these works is among that many regions
            _, numbers = regions.index.search(vector[None], works * count, allowed=allowed_regions)
            found.append(numbers[0][numbers[0] >= 0] // count)
    rows = np.unique(np.concatenate(found))
    if not len(rows):
        return np.zeros(0, np.float32), rows
    best = np.concatenate([_likeness(regions, vectors, chunk).max(axis=1) for chunk in _chunks(rows)])
    scores = best @ weights
    order = np.argsort(-scores, kind="stable")[:k]
    return scores[order], rows[order]


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, max(1, -(-len(rows) // 500)))


def _likeness(regions: IndexedRegions, vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(len(rows), regions, p): cosines of each region of some works and each picture."""
    return regions.of_works(rows) @ vectors.T


def _with_regions(
    matches: Sequence[Match], regions: IndexedRegions, vectors: np.ndarray, weights: np.ndarray
) -> list[Match]:
    """The matches with the region of the detail, and its percentile."""
    if not matches:
        return []
    likeness = _likeness(regions, vectors, np.array([match.row for match in matches]))
    weighted = likeness.max(axis=1) * weights  # (matches, p)
    leading = np.where(weights > 0, weighted, -np.inf).argmax(axis=1)  # (matches,)
    of_leading = likeness[np.arange(len(matches)), :, leading]  # (matches, regions)
    percentiles = percentile(regions.statistics.pairs, of_leading.max(axis=1))
    return [
        replace(
            match,
            region=regions.boxes[int(cosines.argmax())],
            percentile=float(percentiles[i]),
        )
        for i, (match, cosines) in enumerate(zip(matches, of_leading, strict=True))
    ]
