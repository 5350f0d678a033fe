"""Ranking: turns query vectors into scored, ordered rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from artsim.encoders.presets import Ranking
from artsim.encoders.protocol import unit_rows
from artsim.errors import QueryError
from artsim.search import diffusion
from artsim.snapshot.space import Space

_CANDIDATES = 300  # taken from the index and reranked
_RERANK_GAP = 10.0  # puts all other candidates below those that diffusion reranks: CSLS scores are within -3..3


@dataclass(frozen=True)
class SpaceQuery:
    """A query in one space. `weight` > 0 is the weight of the space in a fusion."""

    space: Space
    target: Target
    weight: float = 1.0


@dataclass(frozen=True)
class Target:
    """The combined vectors of a query in one space.

    `index_vector` (dimension,) has unit blocks: the weighted sum of the query's pictures, aspect by aspect; `raw` (d,) is
    that of their raw subject vectors. `words` (d,) is that of the texts, and `word_weight` their weight relative to the
    pictures. `index_vector` and `raw` are None without pictures, `words` without texts. `shares` (aspects,) are the
    aspect weights.
    """

    shares: np.ndarray
    index_vector: np.ndarray | None = None
    raw: np.ndarray | None = None
    words: np.ndarray | None = None
    word_weight: float = 0.0

    @property
    def raw_query(self) -> np.ndarray:
        """(d,): the unit vector of the sum of pictures and texts."""
        parts = [self.raw] if self.raw is not None else []
        parts += [self.word_weight * self.words] if self.words is not None else []
        return unit_rows(np.sum(parts, axis=0))


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
    space_query: SpaceQuery, ranking: Ranking, k: int, allowed: np.ndarray | None, *, diffused: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows of the `k` best among `allowed` (n,) bool, best first. A text alone is ranked by raw cosine."""
    if ranking == "cosine" or space_query.target.index_vector is None:
        return rank_raw_cosine(space_query.space, space_query.target, k, allowed)
    if ranking == "likeness":
        return rank_likeness(space_query.space, space_query.target, k, allowed)
    return rank_tuned(space_query.space, space_query.target, k, allowed, diffused=diffused)


def candidates_for(k: int) -> int:
    """The number of candidates that are reranked for `k` matches."""
    return max(_CANDIDATES, 4 * k)


def rank_raw_cosine(space: Space, target: Target, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows, best first, by the inner product of raw subject vectors."""
    scores, rows = space.raw_subject.search(target.raw_query[None], k, allowed=allowed)
    found = rows[0] >= 0  # FAISS pads with -1
    return scores[0][found], rows[0][found]


def rank_likeness(space: Space, target: Target, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows, best first, by the weighted sum of the aspects' cosines, without CSLS or diffusion. Needs pictures."""
    assert target.index_vector is not None
    query = space.statistics.query_vector(target.index_vector, target.shares)
    scores, rows = space.index.search(query[None], k, allowed=allowed)
    found = rows[0] >= 0  # FAISS pads with -1
    return scores[0][found], rows[0][found]


def rank_tuned(
    space: Space, target: Target, k: int, allowed: np.ndarray | None, *, diffused: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows, best first: candidates from the index, reranked by CSLS, the best of them by diffusion.

    Text scores are standardised over the candidates, since the cosine of a picture and a text is small whatever they
    mean. Needs a target with pictures.
    """
    assert target.index_vector is not None
    count = candidates_for(k)
    query = space.statistics.query_vector(target.index_vector, target.shares)
    _, found = space.index.search(query[None], count, allowed=allowed)
    rows = found[0][found[0] >= 0]  # FAISS pads with -1
    if target.words is not None:
        _, found = space.raw_subject.search(target.words[None], count, allowed=allowed)
        rows = np.union1d(rows, found[0][found[0] >= 0])
    scores = order_tuned(space, target.shares, rows, space.index.vectors(rows) @ query, diffused=diffused)
    if target.words is not None:
        text_scores = space.raw_subject.vectors(rows) @ target.words
        scores = standard(scores) + target.word_weight * standard(text_scores)
    order = np.argsort(-scores, kind="stable")[:k]
    return scores[order], rows[order]


def order_tuned(
    space: Space, shares: np.ndarray, rows: np.ndarray, likeness: np.ndarray, *, diffused: bool = True
) -> np.ndarray:
    """(rows,): tuned scores of the works at `rows`, from their weighted cosines `likeness` (rows,) to the query.

    See `order_candidates`.
    """
    return order_candidates(
        likeness,
        space.statistics.density[rows] @ shares,
        lambda best: likeness_among(space, shares, rows[best]),
        diffused=diffused,
    )


def likeness_among(space: Space, shares: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(r, r): weighted cosines of the works at `rows` to one another."""
    vectors = space.index.vectors(rows)
    return space.statistics.query_vector(vectors, shares) @ vectors.T


def order_candidates(
    likeness: np.ndarray, density: np.ndarray, among: Callable[[np.ndarray], np.ndarray], *, diffused: bool = True
) -> np.ndarray:
    """(n,): tuned scores of candidates, from their `likeness` (n,) to the query and their `density` (n,).

    CSLS, `2 likeness - density`; the `diffusion.DEPTH` best of them are reranked by diffusion, above the rest.
    `among(best)` returns the likeness (b, b) of the candidates at the positions `best` (b,) to one another.
    """
    scores = 2 * likeness - density
    if not diffused or len(likeness) < 3:
        return scores
    best = np.argsort(-scores, kind="stable")[: diffusion.DEPTH]
    ordered = scores - _RERANK_GAP
    ordered[best] = diffusion.diffuse(likeness[best], among(best), density[best]) + diffusion.MIX * scores[best]
    return ordered


def take_within_limits(groups: Sequence[Sequence[object]], limits: Sequence[int], k: int) -> list[int]:
    """Positions of the first `k` matches within every limit: at most `limits[i]` per value of `groups[i]`.

    `groups[i][position]` is the value of a match, best first; None is not limited.
    """
    counts: list[dict[object, int]] = [{} for _ in limits]
    taken: list[int] = []
    for position, values in enumerate(zip(*groups, strict=True)):
        full = (
            value is not None and count.get(value, 0) >= limit
            for value, count, limit in zip(values, counts, limits, strict=True)
        )
        if any(full):
            continue
        for value, count in zip(values, counts, strict=True):
            count[value] = count.get(value, 0) + 1
        taken.append(position)
        if len(taken) == k:
            break
    return taken


def standard(scores: np.ndarray) -> np.ndarray:
    """`scores` (n,) scaled to mean 0 and standard deviation 1."""
    if not len(scores):
        return scores
    return (scores - scores.mean()) / max(float(scores.std()), 1e-6)
