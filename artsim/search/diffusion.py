"""Diffusion on the graph of the best candidates: a work ranks high if the works near the query are near to it.

Personalised random walk on a sparse, symmetric nearest-neighbour graph, as for image retrieval in Iscen et al. 2017,
"Efficient diffusion on region manifolds"; here restricted to the candidates of one query, at the query's aspect weights.
"""

from __future__ import annotations

import numpy as np

DEPTH = 200  # candidates that are reranked
MIX = 0.5  # weight of the CSLS score that is added to the diffusion score
_NEIGHBOURS, _DENSITY = 5, 10
_STAY, _STEPS, _ONE_SIDED = 0.8, 20, 0.3


def diffuse(likeness: np.ndarray, among: np.ndarray, density: np.ndarray) -> np.ndarray:
    """(n,): the diffusion scores of `n` candidates, in 0..1.

    `likeness` (n,): scores of the candidates to the query; `among` (n, n): their scores to one another; `density` (n,):
    their mean score to their nearest works, which corrects the affinity of two works for hubness.
    """
    n = len(likeness)
    scores = np.zeros((n + 1, n + 1), np.float32)
    scores[0, 1:] = scores[1:, 0] = likeness
    scores[1:, 1:] = among
    query_density = np.sort(likeness)[-_DENSITY:].mean()
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
