"""Scores: how near a match is, from 0 for what has nothing in common to 1 for one and the same picture.

A score is computed from the number that orders the match, and is the lower of two:

1. The share of the way from the number of unrelated works to that of a work and its own picture. It says the same in every
   collection, however scattered its works are.
2. The number's place among those of the ten works that each work of the collection finds first, by the ranking itself. It holds
   for every encoder, however narrow the cone of its vectors is: half of these works are at most loosely similar, and one of
   twenty can be very similar.

The numbers to compare with are those of a sample of works (`rank_fused`), among the works that are stored as nearest to each by
any weights. Diffusion depends on all candidates of a search, not only on those: what it adds to the number at each place
(`Calibration.lift`) was measured at balanced weights, and moves the numbers of other weights by as much. Several encoders are
searched with as a whole, with fewer works.

Numbers of texts, of texts with pictures, and of ranks know no unrelated works: they have their place alone. That of a text: how
far its cosine stands out from its cosines with all works, among how far the works' nearest stand out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from artsim.encoders.presets import Ranking
from artsim.search.calibration_fit import FIRST, fit_calibration, identical_number, own_numbers
from artsim.search.encoder_selection import scores_of_all, standard_scores
from artsim.search.fusion import FusionRule, shares_of, sum_of, weighted_scores
from artsim.search.match import CLOSE, WORDS
from artsim.search.ranking import SpaceQuery
from artsim.snapshot.calibration import Calibration, places
from artsim.snapshot.space import Space
from artsim.snapshot.state import State

_PLACES = 256  # at which numbers are kept
_POINTS = 512  # of a scale, beside those
_EVEN = 10  # numbers of the even scale, which counts in a collection of a few works
_FADE = 0.2  # share of the way to a work's own picture, below which scores fade
_STRANGE = 0.9 * CLOSE  # of scores where nothing is close
_SEARCHES = 24  # works whose lists by picture and text are compared with
_MAX_SAMPLE = 5_000  # works that the numbers of a text are compared with


@dataclass(frozen=True)
class Scale:
    """From numbers to scores: `numbers` (g,), ascending, and their `scores` (g,), with straight lines in between."""

    numbers: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, compared: np.ndarray, count: int, identical: float, unrelated: float | None = None) -> Scale:
        """A scale by the numbers that matches are compared with: `compared` (p,) at even places, ascending, of `count` in all.

        `identical`: the number of a work and its own picture. Between it and the lowest number, `_EVEN` more numbers are evenly
        spaced: they count in a collection of a few works, where there is little to compare with. `unrelated`: the number of
        works that have nothing in common; None where there is no such number, and scores are places alone.
        """
        low, high = (float(compared[0]), float(compared[-1])) if count else (0.0, 0.0)
        span = max(identical - low, 1e-6)
        numbers = np.concatenate([compared, np.linspace(low, max(high, low + span), _POINTS), [identical]])
        steep = (numbers < identical) & (numbers > identical - 1e-3 * span)  # rounding must not matter to own pictures
        numbers = np.unique(numbers[~steep])
        even = np.clip((numbers - low) / span, 0, 1)
        place = even
        if count:
            distinct, first = np.unique(compared, return_index=True)  # equal numbers are not lower than one another
            ends = ([identical], [1.0]) if identical > high else ([], [])
            below = np.interp(numbers, [*distinct, *ends[0]], [*places(len(compared))[first], *ends[1]])
            place = (count * below + _EVEN * even) / (count + _EVEN)
        similar, very_similar = WORDS["similar"], WORDS["very similar"]
        scores = np.interp(place, (0, 0.5, 0.95, 1), (0, similar, very_similar, 1))
        if unrelated is not None:
            way = (numbers - unrelated) / max(identical - unrelated, 1e-6)
            # scores fade to 0 instead of ending at 0, as diffusion puts half of a list beyond the unrelated
            fading = _FADE * np.exp(np.minimum(way, _FADE) / _FADE - 1)
            scores = np.minimum(scores, np.where(way < _FADE, fading, way))
            scores = np.where(numbers < identical, scores, 1.0)
        return cls(numbers, scores)

    def of_numbers(self, numbers: np.ndarray) -> np.ndarray:
        """(n,) in 0..1: the score of each of `numbers` (n,)."""
        return np.interp(numbers, self.numbers, self.scores, left=0)


def at_places(numbers: np.ndarray, lift: np.ndarray | None = None) -> np.ndarray:
    """(p,): `numbers` (n,) at even places, each moved by the `lift` (g,) of its place; (0,) for none."""
    if not len(numbers):
        return np.zeros(0)
    values = np.quantile(numbers, places(_PLACES))
    if lift is not None and len(lift):
        values += np.interp(places(_PLACES), places(len(lift)), lift)
    return np.maximum.accumulate(values)


def scores_of(
    space_queries: Sequence[SpaceQuery],
    numbers: np.ndarray,
    *,
    ranking: Ranking,
    fusion: FusionRule = "weighted",
    diffused: bool = True,
    familiar: bool = True,
) -> np.ndarray:
    """(n,) in 0..1, never increasing: the scores of matches from the `numbers` (n,) that order them, highest first.

    `familiar`: whether anything in the collection is close to the query; if not, all scores are below `CLOSE`.
    """
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
    scores = np.minimum.accumulate(scale.of_numbers(numbers))  # rounding may raise one by a digit
    return scores if familiar else _STRANGE * scores


def calibration_of(space: Space) -> Calibration:
    """The calibration of a space: the stored one while it fits, else one that is fitted now and kept."""
    if space.calibration is not None and not space.calibration.outgrown_by(len(space)):
        return space.calibration
    return space.memo.kept("calibration", lambda: fit_calibration(space), lasting=True)


def calibrated(state: State) -> State:
    """The state with the calibration of each space, to be saved."""
    spaces = [(space, calibration_of(space)) for space in state.spaces]
    if all(space.calibration is calibration for space, calibration in spaces):
        return state
    return replace(state, spaces=tuple(replace(space, calibration=calibration) for space, calibration in spaces))


def _key(kind: str, space_queries: Sequence[SpaceQuery], *more: Hashable) -> Hashable:
    return kind, *more, *((item.space.name, item.shares.tobytes(), item.weight) for item in space_queries)


def _scale_of_pictures(
    space_queries: Sequence[SpaceQuery], ranking: Ranking, fusion: FusionRule, *, diffused: bool
) -> Scale:
    def compute() -> Scale:
        queries = [_settings(item) for item in space_queries]
        calibration = calibration_of(queries[0].space)
        works, lift = calibration.works, None
        if len(queries) > 1:
            some = works[:: _step(works)]
            numbers = own_numbers(queries, some, ranking=ranking, fusion=fusion, diffused=diffused)
            if fusion == "reciprocal-rank":  # all encoders rank the work first that has most
                return Scale.of(at_places(numbers), len(numbers), 2 * float(numbers.max(initial=0.0)))
        else:
            numbers = own_numbers(queries, works, ranking=ranking, near=list(calibration.near))
            lift = calibration.lift if ranking == "tuned" and diffused else None
        identical, unrelated = identical_number(queries, works, ranking=ranking), _unrelated(queries, ranking)
        return Scale.of(at_places(numbers, lift), len(numbers), identical, unrelated)

    key = _key("pictures", space_queries, ranking, fusion, diffused)
    return space_queries[0].space.memo.kept(key, compute)


def _unrelated(queries: Sequence[SpaceQuery], ranking: Ranking) -> float:
    """The number of works that have nothing in common.

    That of random pairs of works; for "tuned", 0: half as near to the query as to its own nearest.
    """
    if ranking == "tuned":
        return 0.0
    pairs = [
        item.space.statistics.raw_pairs if ranking == "cosine" else item.space.statistics.pairs @ item.shares
        for item in queries
    ]
    medians = [np.array(np.median(sample) if len(sample) else 0.0) for sample in pairs]
    return float(sum_of(medians, shares_of(pairs, [item.weight for item in queries])))


def _scale_of_both(space_queries: Sequence[SpaceQuery], fusion: FusionRule, *, diffused: bool) -> Scale:
    """Of works that are searched with, together with texts that fit each as well as its picture does."""

    def compute() -> Scale:
        queries = [_settings(item, word_weight=item.word_weight) for item in space_queries]
        works = calibration_of(space_queries[0].space).works
        works = works[:: _step(works)]
        numbers = own_numbers(queries, works, ranking="tuned", fusion=fusion, diffused=diffused)
        return Scale.of(at_places(numbers), len(numbers), float(numbers.max(initial=1.0)))

    key = _key("both", space_queries, fusion, diffused, space_queries[0].word_weight)
    return space_queries[0].space.memo.kept(key, compute)


def _scale_of_texts(space: Space) -> Scale:
    def compute() -> Scale:
        calibration = calibration_of(space)
        outstanding = calibration.outstanding
        count = FIRST * len(calibration.works) if len(outstanding) else 0
        return Scale.of(outstanding.astype(np.float64), count, calibration.identical)

    return space.memo.kept("texts", compute)


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
