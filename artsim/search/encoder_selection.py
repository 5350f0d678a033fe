"""Encoder selection: choose the encoder that answers a query, by calibrated margin or by mean cosine.

Raw cosines of two encoders are not comparable: the vectors of one may fill a narrow cone, where any two works have a
cosine of 0.9, those of another the whole sphere. So a likeness is measured against the likeness of random pairs in the
same space, as scores are in speaker verification (z-norm; Auckenthaler et al. 2000, "Score normalization for
text-independent speaker verification systems"):

    calibrated(q, x) = (likeness(q, x) - median of random pairs) / (spread of random pairs)

The spread is 1.4826 times their median absolute deviation: the standard deviation of a normal distribution, but
insensitive to the few pairs that are truly alike, which distinguish a good encoder. The *margin* of an encoder is the
mean calibrated score of its five best matches: how far they stand out from random pairs. An encoder that separates
nothing has a small margin, however high its cosines are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from artsim.encoders.presets import Ranking
from artsim.search.ranking import SpaceQuery
from artsim.snapshot.space import Space

AutoRule = Literal["margin", "mean-cosine"]
AUTO_RULES: tuple[AutoRule, ...] = ("margin", "mean-cosine")
DEPTH = 5  # matches that a margin is averaged over, whatever k is: k must not change the selection
_MAX_SAMPLE = 5_000


def spread_of(sample: np.ndarray) -> float:
    """1.4826 times the median absolute deviation of `sample` (m,); nan if that is 0 or the sample is empty."""
    spread = 1.4826 * float(np.median(np.abs(sample - np.median(sample)))) if len(sample) else 0.0
    return spread if spread > 0 else float("nan")


def standard_scores(scores: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """`scores` above the median of `sample` (m,), in units of its spread; nan if the spread is undefined."""
    if not len(sample):
        return np.full(np.shape(scores), np.nan)
    return (scores - float(np.median(sample))) / spread_of(sample)


def best_of(values: Sequence[float]) -> int:
    """Position of the highest value, the first of equals; nan loses to every number."""
    return int(np.argmax([-np.inf if np.isnan(value) else value for value in values]))


def base_scores(query: SpaceQuery, rows: np.ndarray, ranking: Ranking) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) the scores that `ranking` starts from, and (m,) a sample of such scores to calibrate them by.

    Pictures: weighted cosines of the aspects, or raw cosines for the ranking "cosine"; the sample is of random pairs of
    works. Texts, and raw cosines of texts and pictures together: the sample is the same query's scores of all works (at
    most `_MAX_SAMPLE`), as a picture and a text are less alike than two pictures, whatever they show.
    """
    space = query.space
    if query.index_vector is not None and ranking != "cosine":
        return space.index.vectors(rows) @ query.weighted_vector, space.statistics.pairs @ query.shares
    scores = space.plain(rows) @ query.raw_query
    return scores, space.statistics.raw_pairs if query.words is None else scores_of_all(space, query.raw_query)


def calibrated(query: SpaceQuery, rows: np.ndarray, ranking: Ranking) -> np.ndarray:
    """(rows,): calibrated scores of the works at `rows`, comparable between spaces (see the module docstring).

    Pictures with texts (except in the ranking "cosine", which adds their vectors): the weighted mean of both.
    """
    scores = standard_scores(*base_scores(query, rows, ranking))
    if query.words is None or query.index_vector is None or ranking == "cosine":
        return scores
    by_text = query.space.plain(rows) @ query.words
    text_scores = standard_scores(by_text, scores_of_all(query.space, query.words))
    return (scores + query.word_weight * text_scores) / (1 + query.word_weight)


def margin(query: SpaceQuery, rows: np.ndarray, ranking: Ranking) -> float:
    """Mean calibrated score of the first `DEPTH` matches at `rows`, best first; nan without matches."""
    return float(calibrated(query, rows[:DEPTH], ranking).mean()) if len(rows) else float("nan")


def mean_cosine(query: SpaceQuery, rows: np.ndarray) -> float:
    """Mean raw subject cosine of the matches at `rows`; nan without matches."""
    cosines = query.space.plain(rows) @ query.reference
    return float(np.clip(cosines, -1, 1).mean()) if len(rows) else float("nan")


def scores_of_all(space: Space, vector: np.ndarray) -> np.ndarray:
    """(m,): cosines of a raw vector to all works, or to `_MAX_SAMPLE` evenly spaced ones."""
    n = len(space)
    rows = np.arange(n) if n <= _MAX_SAMPLE else np.linspace(0, n - 1, _MAX_SAMPLE).astype(int)
    return space.memo.kept(("all", vector.tobytes()), lambda: space.subject.products(rows, vector))
