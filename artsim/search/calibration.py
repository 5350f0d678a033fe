"""Scores: the number that orders a match, as its place among those of the works that each work of the collection finds.

A score of 0.8 says: of the ten works that a work of the collection finds first, taken over all works, 80 % are less near than
this match. So it means the same for every query, ranking, encoder and collection, needs no labels, and never increases from
the first match to the last.

The numbers to compare with are those of a sample of works, by the ranking itself (`rank_fused`), among the works that are
stored as nearest to each by any weights. Diffusion depends on all candidates of a search, not only on those: what it adds to
the number at each place (`Calibration.lift`) was measured at balanced weights, and moves the numbers of other weights by as
much. Several encoders are searched with as a whole, with fewer works.

Texts have no numbers of their own kind to be compared with: how far a text's cosine stands out from its cosines with all works
takes its place among how far the works' nearest stand out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from artsim.encoders.presets import Ranking
from artsim.search.calibration_fit import FIRST, fit_calibration, identical_number, own_numbers
from artsim.search.encoder_selection import scores_of_all, standard_scores
from artsim.search.fusion import FusionRule, weighted_scores
from artsim.search.ranking import SpaceQuery
from artsim.snapshot.calibration import Calibration, places
from artsim.snapshot.space import Space
from artsim.snapshot.state import State

_PLACES = 256  # at which numbers are kept
_EVEN = 10  # numbers of the even scale, which counts in a collection of a few works
_KEPT = 64  # settings whose scales are kept
_SEARCHES = 24  # works whose lists by picture and text are compared with
_MAX_SAMPLE = 5_000  # works that the numbers of a text are compared with

T = TypeVar("T")


@dataclass(frozen=True)
class Scale:
    """The numbers that a match is compared with: `numbers` (p,) at even places, ascending, of `count` works in all.

    `identical`: the number of a work and its own picture. Between it and the lowest number, `_EVEN` more numbers are evenly
    spaced: they count in a collection of a few works, where there is little to compare with.
    """

    numbers: np.ndarray
    count: int
    identical: float

    @classmethod
    def of(cls, numbers: np.ndarray, identical: float, lift: np.ndarray | None = None) -> Scale:
        """Of all `numbers` (n,), each moved by the `lift` (g,) of its place."""
        if not len(numbers):
            return cls(numbers, 0, identical)
        at_places = np.quantile(numbers, places(_PLACES))
        if lift is not None and len(lift):
            at_places += np.interp(places(_PLACES), places(len(lift)), lift)
            at_places, identical = np.maximum.accumulate(at_places), identical + float(lift[-1])
        return cls(at_places, len(numbers), identical)

    def scores(self, numbers: np.ndarray) -> np.ndarray:
        """(n,) in 0..1: the share of the numbers compared with that are lower than each of `numbers` (n,)."""
        low = float(self.numbers[0]) if self.count else 0.0
        even = np.clip((numbers - low) / max(self.identical - low, 1e-6), 0, 1)
        if not self.count:
            return even
        below = np.interp(numbers, self.numbers, places(_PLACES), left=0, right=1)
        return (self.count * below + _EVEN * even) / (self.count + _EVEN)


def scores_of(
    space_queries: Sequence[SpaceQuery],
    numbers: np.ndarray,
    *,
    ranking: Ranking,
    fusion: FusionRule = "weighted",
    diffused: bool = True,
) -> np.ndarray:
    """(n,) in 0..1, never increasing: the scores of matches from the `numbers` (n,) that order them, highest first."""
    if not len(numbers):
        return np.zeros(0)
    first, by_ranks = space_queries[0], len(space_queries) > 1 and fusion == "reciprocal-rank"
    if first.words is None or by_ranks:
        own_ranking = ranking if first.index_vector is not None else "cosine"
        scale = _scale_of_pictures(space_queries, own_ranking, fusion, diffused=diffused)
    elif first.index_vector is None or ranking == "cosine":
        scale = _scale_of_texts(first.space)
        # nan: no two numbers differ, as in a collection of one work
        numbers = np.nan_to_num(standard_scores(numbers, _numbers_of_all(space_queries, ranking)), nan=0.0)
    elif ranking == "likeness":  # leaves texts out
        scale = _scale_of_pictures(space_queries, ranking, fusion, diffused=diffused)
    else:
        scale = _scale_of_both(space_queries, fusion, diffused=diffused)
    return np.minimum.accumulate(scale.scores(np.asarray(numbers, np.float64)))  # rounding may raise one by a digit


def calibration_of(space: Space) -> Calibration:
    """The calibration of a space: the stored one while it fits, else one that is fitted now and kept."""
    if space.calibration is not None and not space.calibration.outgrown_by(len(space)):
        return space.calibration
    return kept(space, "calibration", lambda: fit_calibration(space))


def calibrated(state: State) -> State:
    """The state with the calibration of each space, to be saved."""
    spaces = [(space, calibration_of(space)) for space in state.spaces]
    if all(space.calibration is calibration for space, calibration in spaces):
        return state
    return replace(state, spaces=tuple(replace(space, calibration=calibration) for space, calibration in spaces))


def kept(space: Space, key: Hashable, compute: Callable[[], T]) -> T:
    """What `compute` returned for this key, or returns now."""
    found = space.computed.get(key)
    if found is None:
        found = compute()
        if len(space.computed) >= _KEPT:
            for oldest in [other for other in list(space.computed) if other != "calibration"][: _KEPT // 2]:
                space.computed.pop(oldest, None)
        space.computed[key] = found
    return found


def _key(kind: str, space_queries: Sequence[SpaceQuery], *more: Hashable) -> Hashable:
    return kind, *more, *((item.space.name, item.shares.tobytes(), item.weight) for item in space_queries)


def _scale_of_pictures(
    space_queries: Sequence[SpaceQuery], ranking: Ranking, fusion: FusionRule, *, diffused: bool
) -> Scale:
    def compute() -> Scale:
        queries = [_settings(item) for item in space_queries]
        calibration = calibration_of(queries[0].space)
        if len(queries) > 1:
            works = calibration.works[:: _step(calibration.works)]
            numbers = own_numbers(queries, works, ranking=ranking, fusion=fusion, diffused=diffused)
            return Scale.of(numbers, float(numbers.max(initial=1.0)))
        works, near = calibration.works, list(calibration.near)
        numbers = own_numbers(queries, works, ranking=ranking, near=near)
        lift = calibration.lift if ranking == "tuned" and diffused else None
        return Scale.of(numbers, identical_number(queries, works, ranking=ranking), lift)

    key = _key("pictures", space_queries, ranking, fusion, diffused)
    return kept(space_queries[0].space, key, compute)


def _scale_of_both(space_queries: Sequence[SpaceQuery], fusion: FusionRule, *, diffused: bool) -> Scale:
    """Of works that are searched with, together with texts that fit each as well as its picture does."""

    def compute() -> Scale:
        queries = [_settings(item, word_weight=item.word_weight) for item in space_queries]
        works = calibration_of(space_queries[0].space).works
        works = works[:: _step(works)]
        numbers = own_numbers(queries, works, ranking="tuned", fusion=fusion, diffused=diffused)
        return Scale.of(numbers, float(numbers.max(initial=1.0)))

    key = _key("both", space_queries, fusion, diffused, space_queries[0].word_weight)
    return kept(space_queries[0].space, key, compute)


def _scale_of_texts(space: Space) -> Scale:
    calibration = calibration_of(space)
    outstanding = calibration.outstanding
    count = FIRST * len(calibration.works) if len(outstanding) else 0
    return Scale(outstanding.astype(np.float64), count, calibration.identical)


def _numbers_of_all(space_queries: Sequence[SpaceQuery], ranking: Ranking) -> np.ndarray:
    """(m,): the numbers of all works, or of a sample of them, for texts."""
    first = space_queries[0]
    if len(space_queries) == 1:
        return scores_of_all(first.space, first.raw_query)
    rows = np.unique(np.linspace(0, len(first.space) - 1, _MAX_SAMPLE).astype(int))
    return weighted_scores(space_queries, ranking, rows)


def _step(works: np.ndarray) -> int:
    """Every how manieth of `works` is searched with, where whole searches are needed."""
    return max(1, -(-len(works) // _SEARCHES))


def _settings(query: SpaceQuery, word_weight: float = 0.0) -> SpaceQuery:
    """The space and the weights of a query, without its vectors."""
    return SpaceQuery(query.space, query.shares, word_weight=word_weight, weight=query.weight)
