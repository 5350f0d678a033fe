"""Fusion: merge the rankings of several encoders by a weighted sum of calibrated likenesses, or by reciprocal ranks.

*weighted*: the likenesses of the spaces are added up, each divided by the spread of its random pairs (see
`artsim.search.encoder_selection`) and multiplied by the weight of its encoder. CSLS and diffusion then run on that sum
as in one space: densities and the likenesses among candidates are added up in the same shares.

*reciprocal-rank*: each encoder ranks separately, and a work scores the sum of `weight / (60 + rank)`: Cormack, Clarke and
Büttcher 2009, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods". It ignores
how near the matches are, so it needs no calibration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from artsim.encoders.presets import Ranking
from artsim.search.encoder_selection import base_scores, calibrated, spread_of
from artsim.search.ranking import SpaceQuery, candidates_for, order_candidates, rank, standard

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
    """Scores and rows of the `k` best among `allowed`, best first, for one query in one space or several.

    All of `space_queries` have the same kinds of parts: pictures, texts, or both.
    """
    if len(space_queries) == 1:
        return rank(space_queries[0], ranking, k, allowed, diffused=diffused)
    rankings = [rank(item, ranking, candidates_for(k), allowed, diffused=diffused)[1] for item in space_queries]
    if rule == "reciprocal-rank":
        rows, scores = reciprocal_ranks(rankings, [item.weight for item in space_queries])
    else:
        rows = np.unique(np.concatenate(rankings))
        scores = weighted_scores(space_queries, ranking, rows, diffused=diffused)
    order = np.argsort(-scores, kind="stable")[:k]
    return scores[order], rows[order]


def reciprocal_ranks(rankings: Sequence[np.ndarray], weights: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """(m,) rows ascending, and (m,) their scores, from the rows that each encoder ranked, best first.

    A work scores nothing for an encoder that did not rank it.
    """
    rows = np.unique(np.concatenate(rankings))
    scores = np.zeros(len(rows))
    for ranked, weight in zip(rankings, weights, strict=True):
        scores[np.searchsorted(rows, ranked)] += weight / (RANK_OFFSET + np.arange(1, len(ranked) + 1))
    return rows, scores


def weighted_scores(
    space_queries: Sequence[SpaceQuery], ranking: Ranking, rows: np.ndarray, *, diffused: bool = True
) -> np.ndarray:
    """(rows,): scores of the works at `rows` by `ranking`, in the weighted sum of the spaces."""
    weights = [item.weight for item in space_queries]
    pairs = [base_scores(item, rows, ranking) for item in space_queries]
    shares = shares_of([sample for _, sample in pairs], weights)
    summed = sum_of([scores for scores, _ in pairs], shares)
    if ranking != "tuned" or space_queries[0].index_vector is None:
        return summed

    def among(best: np.ndarray) -> np.ndarray:
        return sum_of([item.space.likeness_among(rows[best], item.shares) for item in space_queries], shares)

    density = sum_of([item.space.density.take(rows) @ item.shares for item in space_queries], shares)
    scores = order_candidates(summed, density, among, diffused=diffused)
    if space_queries[0].words is None:
        return scores
    text_scores = [item.space.plain(rows) @ item.words for item in space_queries]
    by_text = sum_of([standard(item) for item in text_scores], np.asarray(weights) / np.sum(weights))
    return standard(scores) + space_queries[0].word_weight * standard(by_text)


def shares_of(samples: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """(s,) with sum 1: `weights` divided by the spread of each sample (m,); `weights` alone if a spread is undefined."""
    spreads = np.array([spread_of(sample) for sample in samples])
    if np.isnan(spreads).any():
        spreads = np.ones(len(samples))
    shares = np.asarray(weights) / spreads
    return shares / shares.sum()


def sum_of(arrays: Sequence[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """The sum of the arrays, each multiplied by its share."""
    return np.sum([share * array for share, array in zip(shares, arrays, strict=True)], axis=0)


def leaders(space_queries: Sequence[SpaceQuery], ranking: Ranking, rows: np.ndarray) -> np.ndarray:
    """(rows,) int: the position in `space_queries` of the highest weighted calibrated score."""
    scores = [item.weight * calibrated(item, rows, ranking) for item in space_queries]
    return np.argmax(np.nan_to_num(np.stack(scores), nan=-np.inf), axis=0)
