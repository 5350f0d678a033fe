"""The answers of several encoders as one: by a weighted sum of calibrated likenesses, or by reciprocal ranks.

*weighted*: the likenesses of the spaces are added up, each divided by the spread of its random pairs (see `choice`) and
times the weight of its encoder. CSLS and diffusion then run on that sum just as they do in one space: densities and the
likenesses among the candidates are added up in the same shares.

*reciprocal-rank*: each encoder ranks for itself, and a work scores the sum of `weight / (60 + rank)`: Cormack, Clarke and
Büttcher 2009, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods". Blind to how near the
answers are, so that it needs no calibration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from artsim.encoders.presets import Ranking
from artsim.search.encoder_selection import calibrated, likeness, spread_of
from artsim.search.ranking import SpaceQuery, candidates_for, likeness_among, order_candidates, rank, standard

FusionRule = Literal["weighted", "reciprocal-rank"]
FUSION_RULES: tuple[FusionRule, ...] = ("weighted", "reciprocal-rank")
RANK_OFFSET = 60.0  # of Cormack et al.


def rank_fused(
    space_queries: Sequence[SpaceQuery],
    rule: FusionRule,
    ranking: Ranking,
    k: int,
    allowed: np.ndarray | None,
    *,
    diffused: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows of the `k` best among `allowed`, best first, by one query space_queries in several spaces (or in one).

    All ask the same: with pictures, with words, or with both.
    """
    if len(space_queries) == 1:
        return rank(space_queries[0], ranking, k, allowed, diffused=diffused)
    found = [rank(each, ranking, candidates_for(k), allowed, diffused=diffused)[1] for each in space_queries]
    if rule == "reciprocal-rank":
        rows, scores = reciprocal_ranks(found, [each.weight for each in space_queries])
    else:
        rows = np.unique(np.concatenate(found))
        scores = weighted_scores(space_queries, ranking, rows, diffused=diffused)
    order = np.argsort(-scores, kind="stable")[:k]
    return scores[order], rows[order]


def reciprocal_ranks(found: Sequence[np.ndarray], weights: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """(m,) rows ascending, and (m,) their scores, by the rows that each encoder found, best first.

    A work that an encoder did not find gets nothing from it.
    """
    rows = np.unique(np.concatenate(found))
    scores = np.zeros(len(rows))
    for own, weight in zip(found, weights, strict=True):
        scores[np.searchsorted(rows, own)] += weight / (RANK_OFFSET + np.arange(1, len(own) + 1))
    return rows, scores


def weighted_scores(
    space_queries: Sequence[SpaceQuery], ranking: Ranking, rows: np.ndarray, *, diffused: bool = True
) -> np.ndarray:
    """(rows,): the scores that `ranking` gives the works at `rows` in the weighted sum of the spaces."""
    weights = [each.weight for each in space_queries]
    pairs = [likeness(each, rows, ranking) for each in space_queries]
    shares = shares_of([sample for _, sample in pairs], weights)
    summed = sum_of([scores for scores, _ in pairs], shares)
    if ranking != "tuned" or space_queries[0].target.index_vector is None:
        return summed

    def among(best: np.ndarray) -> np.ndarray:
        return sum_of([likeness_among(each.space, each.target.shares, rows[best]) for each in space_queries], shares)

    density = sum_of([each.space.statistics.density[rows] @ each.target.shares for each in space_queries], shares)
    scores = order_candidates(summed, density, among, diffused=diffused)
    if space_queries[0].target.words is None:
        return scores
    worded = [each.space.raw_subject.vectors(rows) @ each.target.words for each in space_queries]
    by_words = sum_of([standard(each) for each in worded], np.asarray(weights) / np.sum(weights))
    return standard(scores) + space_queries[0].target.word_weight * standard(by_words)


def shares_of(samples: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """(s,), summing to 1: `weights` divided by the spread of each sample (m,). Without any spread, the plain weights."""
    spreads = np.array([spread_of(sample) for sample in samples])
    if np.isnan(spreads).any():
        spreads = np.ones(len(samples))
    shares = np.asarray(weights) / spreads
    return shares / shares.sum()


def sum_of(arrays: Sequence[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """The arrays added up, each times its share."""
    return np.sum([share * array for share, array in zip(shares, arrays, strict=True)], axis=0)


def leaders(space_queries: Sequence[SpaceQuery], ranking: Ranking, rows: np.ndarray) -> np.ndarray:
    """(rows,) int: which of `space_queries` does most for each answer, by its weighted calibrated score."""
    scores = [each.weight * calibrated(each, rows, ranking) for each in space_queries]
    return np.argmax(np.nan_to_num(np.stack(scores), nan=-np.inf), axis=0)
