"""Training objective: works of one class are close to each other, across artists.

Cross-entropy with smoothed labels, and a supervised contrastive term (Khosla et al. 2020) that compares a work only with
works by other artists, so that features which only separate artists do not help.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from artsim.finetuning.recipe import Recipe


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
    owner = np.unique(artists, return_inverse=True)[1]
    weights = 1 / np.sqrt(np.bincount(owner)[owner])
    weights /= np.sqrt(np.bincount(labels, weights)[labels])
    return weights / weights.sum()
