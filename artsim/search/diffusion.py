"""Rerank the best candidates of a query by their likeness to one another.

1. Each work, the query too, is joined by its two nearest: its vector becomes `x + c1**2 * x1 + c2**2 * x2`, with the cosines
   c1, c2 to them (database-side feature augmentation and query expansion; Arandjelović & Zisserman 2012, "Three things everyone
   should know to improve object retrieval"; weights as in Radenović et al. 2019, "Fine-tuning CNN image retrieval with no human
   annotation"). The nearest are found among the candidates, at the query's aspect weights; the index keeps plain vectors.
2. CSLS corrects for hubs: `2 * likeness - density`, with the mean of the plain likeness and the joined one. The joined one alone
   does as well by artist, but then a work is not always nearest to its own picture.
3. Diffusion, a personalised random walk on a sparse, symmetric nearest-neighbour graph (Iscen et al. 2017, "Efficient diffusion
   on region manifolds"): a work ranks high if the works near the query are near to it. It is added as a logarithm.
"""

from __future__ import annotations

import numpy as np

DEPTH = 300  # candidates that are reranked
_JOINED = 2  # works that a work is joined by
_LOG_WEIGHT, _LOG_FLOOR = 0.4, 1e-4  # of diffusion
_NEIGHBOURS, _DENSITY = 5, 10
_STAY, _STEPS, _ONE_SIDED = 0.8, 20, 0.3


def rerank(likeness: np.ndarray, among: np.ndarray, density: np.ndarray) -> np.ndarray:
    """(n,): the scores of `n` >= 3 candidates. They are CSLS, less what diffusion finds them farther than its first.

    `likeness` (n,): weighted cosines of the candidates to the query; `among` (n, n): to one another; `density` (n,): their mean
    cosine to their nearest works.
    """
    n = len(likeness)
    scores = np.ones((n + 1, n + 1), np.float32)
    scores[0, 1:] = scores[1:, 0] = likeness
    scores[1:, 1:] = among
    joined = join_nearest(scores)
    reached = diffuse(joined, density)
    return likeness + joined[0, 1:] - density + _LOG_WEIGHT * np.log(reached + _LOG_FLOOR)


def join_nearest(scores: np.ndarray) -> np.ndarray:
    """(m, m): the cosines of works to one another once each is joined by its nearest, from their cosines `scores` (m, m), m >= 4.

    Work 0 is the query, which joins no other.
    """
    rest = scores.copy()
    np.fill_diagonal(rest, -np.inf)
    rest[:, 0] = -np.inf
    works, nearest = np.arange(len(scores)), []
    for _ in range(_JOINED):
        rows = rest.argmax(axis=1)
        nearest.append((rows, np.maximum(rest[works, rows], 0)[:, None] ** 2))
        rest[works, rows] = -np.inf
    for _ in range(2):  # the rows, then the columns
        scores = (scores + sum(share * scores[rows] for rows, share in nearest)).T
    length = np.sqrt(np.maximum(np.diag(scores), 1e-12))
    return scores / (length[:, None] * length)


def diffuse(scores: np.ndarray, density: np.ndarray) -> np.ndarray:
    """(n,): the diffusion scores of `n` candidates, in 0..1.

    `scores` (n + 1, n + 1): cosines of the query, first, and the candidates to one another; `density` (n,): mean cosine of the
    candidates to their nearest works, which corrects the affinity of two works for hubness.
    """
    n = len(density)
    query_density = np.sort(scores[0, 1:])[-_DENSITY:].mean()
    densities = np.concatenate([[query_density], density]).astype(np.float32)
    corrected = 2 * scores - (densities[:, None] + densities) / 2
    np.fill_diagonal(corrected, -np.inf)
    fifth = n + 1 - min(_NEIGHBOURS, n)
    nearest = corrected >= np.partition(corrected, fifth, axis=1)[:, fifth, None]
    affinity = np.maximum(scores, 0) * nearest
    affinity *= affinity * affinity
    affinity = np.minimum(affinity, affinity.T) + _ONE_SIDED * np.maximum(affinity, affinity.T)
    degree = affinity.sum(axis=1) + 1e-9
    affinity /= np.sqrt(degree[:, None] * degree)
    start = np.zeros(n + 1, np.float32)
    start[0] = 1.0
    reached = start
    for _ in range(_STEPS):
        reached = _STAY * (affinity @ reached) + start
    return reached[1:] / (reached[1:].max() + 1e-12)
