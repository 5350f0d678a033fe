"""Ranking: turns query vectors into scored, ordered rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from artsim.encoders.presets import Ranking
from artsim.encoders.protocol import unit_rows
from artsim.errors import QueryError
from artsim.search import diffusion
from artsim.snapshot.space import Space

_SAME = 0.9999  # likeness from which on a candidate is the work of the query, or the same picture
_RERANK_GAP = 10.0  # puts all other candidates below those that are reranked: CSLS scores are within -3..3


@dataclass(frozen=True)
class SpaceQuery:
    """A query in one space: the sums of its pictures and of its texts, and the weights of the aspects.

    `shares` (aspects,); `index_vector` (dimension,): the weighted sum of the pictures, with one unit block per aspect; `raw`
    (d,): that of their raw subject vectors; `words` (d,): that of the texts, whose weight relative to the pictures is
    `word_weight`. None without pictures, or without texts. `weight` > 0: of the space in a fusion. `expression`: the filters
    of the query over the fields of the space's engine, see `VectorIndex.search`.
    """

    space: Space
    shares: np.ndarray
    index_vector: np.ndarray | None = None
    raw: np.ndarray | None = None
    words: np.ndarray | None = None
    word_weight: float = 0.0
    weight: float = 1.0
    expression: str = ""

    @property
    def weighted_vector(self) -> np.ndarray:
        """(dimension,): the index vector with each block scaled by its share. Needs pictures."""
        assert self.index_vector is not None
        return self.space.statistics.query_vector(self.index_vector, self.shares)

    @property
    def raw_query(self) -> np.ndarray:
        """(d,): the unit vector of the sum of pictures and texts."""
        parts = [self.raw] if self.raw is not None else []
        parts += [self.word_weight * self.words] if self.words is not None else []
        return unit_rows(np.sum(parts, axis=0))

    @property
    def reference(self) -> np.ndarray:
        """(d,): the raw vector that match cosines are measured to: of the pictures if there are any, else of the texts."""
        vector = self.raw if self.raw is not None else self.words
        assert vector is not None  # `check_query` rejects queries without parts
        return vector


def add_pictures(
    space: Space, index_vector: np.ndarray, raw: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of index vectors (p, dimension) and raw subjects (p, d) of pictures, each aspect of unit length.

    Raises `QueryError` if the pictures for and against cancel out.
    """
    summed = {aspect: weights @ block for aspect, block in space.statistics.split(index_vector).items()}
    raw_sum = weights @ raw
    if np.linalg.norm(raw_sum) < 1e-5 or all(np.linalg.norm(block) < 1e-5 for block in summed.values()):
        raise QueryError("The pictures for and against cancel out; change a weight, or leave one of them out.")
    return np.concatenate([unit_rows(block) for block in summed.values()]), unit_rows(raw_sum)


def add_texts(raw: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Weighted sum of text vectors (t, d) as a unit vector, and its weight. Raises `QueryError` if they cancel out."""
    summed = weights @ raw
    if np.linalg.norm(summed) < 1e-5:
        raise QueryError("The texts for and against cancel out; change a weight, or leave one of them out.")
    return unit_rows(summed), float(np.abs(weights).sum())


def rank(
    query: SpaceQuery, ranking: Ranking, k: int, allowed: np.ndarray | None, *, diffused: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows of the `k` best among `allowed` (n,) bool, best first.

    "cosine", or a text alone: by the inner product of raw subject vectors. "likeness": by the weighted sum of the aspects'
    cosines. "tuned": candidates of the index by CSLS, the best of them reranked; text scores are standardised over the
    candidates, since the cosine of a picture and a text is small whatever they mean.
    """
    space = query.space
    if ranking == "cosine" or query.index_vector is None:
        return space.nearest_plain(query.raw_query, k, allowed, query.expression)
    if ranking == "likeness":
        return _nearest(query, k, allowed)
    count = candidates_for(k)
    likeness, rows = _nearest(query, count, allowed)
    if query.words is not None:
        rows = np.union1d(rows, space.nearest_plain(query.words, count, allowed, query.expression)[1])
        likeness = space.index.vectors(rows) @ query.weighted_vector
    scores = order_tuned(space, query.shares, rows, likeness, diffused=diffused)
    if query.words is not None:
        scores = standard(scores) + query.word_weight * standard(space.plain(rows) @ query.words)
    order = np.argsort(-scores, kind="stable")[:k]
    return scores[order], rows[order]


def _nearest(query: SpaceQuery, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    vector = query.weighted_vector[None]
    scores, rows = query.space.index.search(vector, k, allowed=allowed, expression=query.expression)
    return scores[0], rows[0]


def candidates_for(k: int) -> int:
    """The number of candidates that are reranked for `k` matches."""
    return max(diffusion.DEPTH, 4 * k)


def order_tuned(
    space: Space, shares: np.ndarray, rows: np.ndarray, likeness: np.ndarray, *, diffused: bool = True
) -> np.ndarray:
    """(rows,): tuned scores of the works at `rows`, from their weighted cosines `likeness` (rows,) to the query.

    See `order_candidates`.
    """
    return order_candidates(
        likeness,
        space.density.take(rows) @ shares,
        lambda best: space.likeness_among(rows[best], shares),
        diffused=diffused,
    )


def order_candidates(
    likeness: np.ndarray, density: np.ndarray, among: Callable[[np.ndarray], np.ndarray], *, diffused: bool = True
) -> np.ndarray:
    """(n,): tuned scores of candidates, from their `likeness` (n,) to the query and their `density` (n,).

    CSLS, `2 likeness - density`; the `diffusion.DEPTH` best of them are reranked (`diffusion.rerank`), above the rest.
    A candidate that is the very picture of the query comes first. `among(best)` returns the likeness (b, b) of the
    candidates at the positions `best` (b,) to one another.
    """
    scores = 2 * likeness - density
    if not diffused or len(likeness) < 3:
        return scores
    best = np.argsort(-scores, kind="stable")[: diffusion.DEPTH]
    ordered = scores - _RERANK_GAP
    ordered[best] = diffusion.rerank(likeness[best], among(best), density[best])
    same = likeness > _SAME
    ordered[same] = ordered.max() + likeness[same]
    return ordered


def take_within_limits(groups: Sequence[Sequence[object]], limits: Sequence[int], k: int) -> list[int]:
    """Positions of the first `k` matches within every limit: at most `limits[i]` per value of `groups[i]`.

    `groups[i][position]` is the value of a match, best first; None is not limited.
    """
    counts: list[Counter[object]] = [Counter() for _ in limits]
    taken: list[int] = []
    for position, values in enumerate(zip(*groups, strict=True)):
        found = list(zip(values, counts, limits, strict=True))
        if all(value is None or count[value] < limit for value, count, limit in found):
            taken.append(position)
            for value, count, _ in found:
                count[value] += 1
    return taken[:k]


def standard(scores: np.ndarray) -> np.ndarray:
    """`scores` (n,) scaled to mean 0 and standard deviation 1."""
    if not len(scores):
        return scores
    return (scores - scores.mean()) / max(float(scores.std()), 1e-6)
