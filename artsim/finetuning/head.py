"""The trainable head in torch, and its objective: works of one class are close to each other, across artists.

`LearnedHead.frozen` converts it to the equivalent `StyleHead`, which encoders apply in numpy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, dropout, normalize

from artsim.encoders.protocol import unit_rows
from artsim.encoders.style_head import LEAST, HeadInput, StyleHead
from artsim.finetuning.recipe import Recipe

SHARPNESS = 10.0  # scale of class scores: cosines in -1..1 alone cannot give confident probabilities
_LONG_SEGMENT, _COMPONENTS, _MAX_FIT = 2_500, 256, 2_500


def fit_inputs(segments: Sequence[np.ndarray]) -> tuple[HeadInput, ...]:
    """Fit the normalisation of each segment (n, d). Square roots for the last one, `subject`, if it is never negative."""
    inputs = []
    for number, segment in enumerate(segments):
        rows = unit_rows(segment)
        root = number == len(segments) - 1 and bool((rows >= 0).all())
        rows = np.sqrt(np.maximum(rows, LEAST)) if root else rows
        mean, basis = rows.mean(axis=0), None
        if rows.shape[1] > _LONG_SEGMENT and len(rows) > 2:
            drawn = np.random.default_rng(0).permutation(len(rows))[:_MAX_FIT]
            directions = np.linalg.svd(unit_rows(rows[drawn] - mean), full_matrices=False)[2]
            basis = np.ascontiguousarray(directions[: min(_COMPONENTS, len(drawn) - 1)].T)
        inputs.append(HeadInput(mean, root, basis))
    return tuple(inputs)


class LearnedHead(nn.Module):
    """Segments of an encoder's blocks -> learned vectors (n, d), unit rows, and class scores (n, classes)."""

    def __init__(
        self, inputs: Sequence[HeadInput], dimension: int, classes: int, *, dropout: float = 0.0, seed: int
    ) -> None:
        super().__init__()
        self._inputs, self._dropout = tuple(inputs), dropout
        for number, each in enumerate(inputs):
            basis = None if each.basis is None else torch.from_numpy(each.basis)
            self.register_buffer(f"mean_{number}", torch.from_numpy(each.mean), persistent=False)
            self.register_buffer(f"basis_{number}", basis, persistent=False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.projection = nn.Linear(sum(each.dimension for each in inputs), dimension, bias=False)
            nn.init.orthogonal_(self.projection.weight)
            self.classifier = nn.Linear(dimension, classes)

    def inputs_of(self, segments: Sequence[torch.Tensor]) -> torch.Tensor:
        """(n, sum of dimensions): the normalised segments side by side."""
        rows = []
        for number, (segment, each) in enumerate(zip(segments, self._inputs, strict=True)):
            unit = normalize(segment, dim=1)
            centred = (unit.clamp(min=LEAST).sqrt() if each.root else unit) - self.get_buffer(f"mean_{number}")
            if each.basis is not None:
                centred = normalize(centred, dim=1) @ self.get_buffer(f"basis_{number}")
            rows.append(normalize(centred, dim=1))
        return torch.cat(rows, dim=1)

    def forward(self, segments: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        x = dropout(self.inputs_of(segments), self._dropout, self.training)
        learned = normalize(self.projection(x), dim=1)
        return learned, SHARPNESS * self.classifier(learned)

    def frozen(self) -> StyleHead:
        projection, classifier, bias = (
            weight.detach().cpu().numpy().copy()
            for weight in (self.projection.weight, self.classifier.weight, self.classifier.bias)
        )
        return StyleHead(self._inputs, projection.T, SHARPNESS * classifier.T, SHARPNESS * bias)


def loss_of(
    learned: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor, artists: torch.Tensor, recipe: Recipe
) -> torch.Tensor:
    """Loss of a batch: learned vectors (n, d), class scores (n, classes), labels and artists (n,).

    Cross-entropy with smoothed labels, and a supervised contrastive term (Khosla et al. 2020) that compares a work only with
    works by other artists, so that features which only separate artists do not help.
    """
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
