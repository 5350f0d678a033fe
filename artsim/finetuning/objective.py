"""Training objective and validation metric: works of one class are close to each other, across artists.

Cross-entropy with smoothed labels, and a supervised contrastive term (Khosla et al. 2020) that compares a work only with
works by other artists, so that features which only separate artists do not help.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from artsim.encoders.protocol import unit_rows
from artsim.evaluation.metrics import METRICS, measure
from artsim.finetuning.recipe import Recipe

_MAX_QUERIES = 2_000


def loss_of(
    learned: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor, artists: torch.Tensor, recipe: Recipe
) -> torch.Tensor:
    """Loss of a batch: learned vectors (n, d), class scores (n, classes), labels and artists (n,)."""
    loss = cross_entropy(scores, labels, label_smoothing=recipe.smoothing)
    others = artists[:, None] != artists[None]
    same = others & (labels[:, None] == labels[None])
    has = same.any(dim=1)
    if not has.any():
        return loss
    logits = (learned @ learned.T / recipe.temperature).masked_fill(~others, -1e9)
    shares = logits - logits.logsumexp(dim=1, keepdim=True)
    return loss - ((shares * same).sum(dim=1)[has] / same.sum(dim=1)[has]).mean()


def draw_weights(labels: np.ndarray, artists: np.ndarray) -> np.ndarray:
    """(n,) float64, sum 1: sampling probabilities, by square roots halfway to balanced classes and artists."""
    weights = 1 / np.sqrt(
        np.bincount(np.unique(artists, return_inverse=True)[1])[np.unique(artists, return_inverse=True)[1]]
    )
    weights /= np.sqrt(np.bincount(labels, weights)[labels])
    return weights / weights.sum()


def style_map(parts: Sequence[np.ndarray], labels: np.ndarray, artists: np.ndarray | None, *, seed: int = 0) -> float:
    """Mean average precision by style likeness among the works of `parts`, each (n, d), other artists only.

    Similarity as in the aspect `style` without corrections for hubs: segments are centred and count equally. nan when no work
    has a relevant work.
    """
    n = len(labels)
    queries = np.arange(n)
    if n > _MAX_QUERIES:
        queries = np.sort(np.random.default_rng(seed).choice(n, _MAX_QUERIES, replace=False))
    likeness = np.zeros((len(queries), n), np.float32)
    for part in parts:
        rows = unit_rows(part)
        rows = unit_rows(rows - rows.mean(axis=0))
        likeness += rows[queries] @ rows.T
    out = np.arange(n)[None] == queries[:, None] if artists is None else artists[queries][:, None] == artists[None]
    likeness[out] = -np.inf
    order = np.argsort(-likeness, axis=1, kind="stable")
    relevant = np.take_along_axis((labels[queries][:, None] == labels[None]) & ~out, order, axis=1)
    relevant = relevant[relevant.any(axis=1)]
    return float(measure(relevant)[:, METRICS.index("map")].mean()) if len(relevant) else float("nan")
