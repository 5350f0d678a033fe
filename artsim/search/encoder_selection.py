"""Which of several encoders answers a query: by calibrated margin, or by the plain rule.

Raw cosines of two encoders cannot be compared: the vectors of one may fill a narrow cone, where any two works have a
cosine of 0.9, those of another the whole sphere. So a likeness is measured against what the same space says of works
drawn at random, as scores of speakers are in speaker verification (z-norm; Auckenthaler et al. 2000, "Score
normalization for text-independent speaker verification systems"):

    calibrated(q, x) = (likeness(q, x) - median of random pairs) / (spread of random pairs)

The spread is 1.4826 times their median absolute deviation: the standard deviation if they were normally distributed, but
blind to the few pairs that are truly alike, which are what a good encoder is known by. The *margin* of an encoder is the
mean of that over its five best answers: how far they stand out from the crowd. An encoder that tells nothing apart has no
answers that stand out far, however high their cosines are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from artsim.encoders.presets import Ranking
from artsim.search.ranking import SpaceQuery

AutoRule = Literal["margin", "mean-cosine"]
AUTO_RULES: tuple[AutoRule, ...] = ("margin", "mean-cosine")
DEPTH = 5  # answers that a margin is taken over, however many are asked for: more answers do not change the choice
_MAX_SAMPLE = 20_000


def spread_of(sample: np.ndarray) -> float:
    """1.4826 times the median absolute deviation of `sample` (m,); nan when it says nothing."""
    spread = 1.4826 * float(np.median(np.abs(sample - np.median(sample)))) if len(sample) else 0.0
    return spread if spread > 0 else float("nan")


def standard_scores(scores: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """`scores` in spreads of `sample` (m,) above its median; nan when the sample says nothing."""
    if not len(sample):
        return np.full(np.shape(scores), np.nan)
    return (scores - float(np.median(sample))) / spread_of(sample)


def best_of(values: Sequence[float]) -> int:
    """Position of the highest value, the first of equals; what is nan is never chosen where another is not."""
    return int(np.argmax([-np.inf if np.isnan(value) else value for value in values]))


def likeness(space_query: SpaceQuery, rows: np.ndarray, ranking: Ranking) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) the scores that `ranking` starts from, and (m,) the same between works, or for works, drawn at random.

    Pictures: the weighted cosines of the aspects, against random pairs; for the ranking "cosine" raw ones. For words, and
    raw cosines of words and pictures together: against all works (at most `_MAX_SAMPLE`) for the same query, as a picture
    and a text are less alike than two pictures, whatever they show.
    """
    space, target = space_query.space, space_query.target
    if target.index_vector is not None and ranking != "cosine":
        query = space.statistics.query_vector(target.index_vector, target.shares)
        return space.index.vectors(rows) @ query, space.statistics.pairs @ target.shares
    scores = space.raw_subject.vectors(rows) @ target.raw_query
    return scores, space.statistics.raw_pairs if target.words is None else scores_of_all(space_query, target.raw_query)


def calibrated(space_query: SpaceQuery, rows: np.ndarray, ranking: Ranking) -> np.ndarray:
    """(rows,): how like the query the works at `rows` are, in units that hold in every space. See above.

    Pictures with words (not in the ranking "cosine", which adds their vectors): the mean of both, by their weights.
    """
    scores = standard_scores(*likeness(space_query, rows, ranking))
    target = space_query.target
    if target.words is None or target.index_vector is None or ranking == "cosine":
        return scores
    worded = standard_scores(
        space_query.space.raw_subject.vectors(rows) @ target.words, scores_of_all(space_query, target.words)
    )
    return (scores + target.word_weight * worded) / (1 + target.word_weight)


def margin(space_query: SpaceQuery, rows: np.ndarray, ranking: Ranking) -> float:
    """Mean calibrated score of the best answers `rows`, of which the first `DEPTH` count; nan without answers."""
    return float(calibrated(space_query, rows[:DEPTH], ranking).mean()) if len(rows) else float("nan")


def mean_cosine(space_query: SpaceQuery, rows: np.ndarray) -> float:
    """Mean raw subject cosine of the answers at `rows`; nan without answers."""
    if not len(rows):
        return float("nan")
    return float(np.clip(space_query.space.raw_subject.vectors(rows) @ reference(space_query), -1, 1).mean())


def reference(space_query: SpaceQuery) -> np.ndarray:
    """(d,): the raw vector that the cosine of a match is measured to: the pictures' if there are any, else the texts'."""
    found = space_query.target.raw if space_query.target.raw is not None else space_query.target.words
    assert found is not None  # `check_query` lets no query through without
    return found


def scores_of_all(space_query: SpaceQuery, query: np.ndarray) -> np.ndarray:
    """(m,): cosines of the raw vector `query` and the works, evenly spaced if they are many."""
    n = len(space_query.space.statistics)
    rows = np.arange(n) if n <= _MAX_SAMPLE else np.linspace(0, n - 1, _MAX_SAMPLE).astype(int)
    return space_query.space.raw_subject.vectors(rows) @ query
