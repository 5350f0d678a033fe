"""The trainable head in torch; `frozen` converts it to the equivalent `StyleHead`, which encoders apply in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

from artsim.encoders.protocol import unit_rows
from artsim.encoders.style_head import LEAST, HeadInput, StyleHead

SHARPNESS = 10.0  # scale of class scores: cosines in -1..1 alone cannot give confident probabilities
_LONG_PART, _COMPONENTS, _MAX_FIT = 2_500, 256, 2_500


def fit_inputs(parts: Sequence[np.ndarray]) -> tuple[HeadInput, ...]:
    """Fit the normalisation of each segment (n, d). Square roots for the last one, `subject`, if it is never negative."""
    inputs = []
    for number, part in enumerate(parts):
        rows = unit_rows(part)
        root = number == len(parts) - 1 and bool((rows >= 0).all())
        rows = np.sqrt(np.maximum(rows, LEAST)) if root else rows
        mean = rows.mean(axis=0)
        basis = None
        if rows.shape[1] > _LONG_PART and len(rows) > 2:
            sample = (
                rows
                if len(rows) <= _MAX_FIT
                else rows[np.random.default_rng(0).choice(len(rows), _MAX_FIT, replace=False)]
            )
            directions = np.linalg.svd(unit_rows(sample - mean), full_matrices=False)[2]
            basis = np.ascontiguousarray(directions[: min(_COMPONENTS, len(sample) - 1)].T)
        inputs.append(HeadInput(mean, root, basis))
    return tuple(inputs)


class LearnedHead(nn.Module):
    """Segments of an encoder's blocks -> learned vectors (n, d), unit rows, and class scores (n, classes)."""

    def __init__(self, inputs: Sequence[HeadInput], dimension: int, classes: int, *, seed: int) -> None:
        super().__init__()
        self._inputs = tuple(inputs)
        self._statistics = [
            (torch.from_numpy(each.mean), None if each.basis is None else torch.from_numpy(each.basis))
            for each in inputs
        ]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.projection = nn.Linear(sum(each.dimension for each in inputs), dimension, bias=False)
            nn.init.orthogonal_(self.projection.weight)
            self.classifier = nn.Linear(dimension, classes)

    def inputs_of(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """(n, sum of dimensions): the normalised segments side by side."""
        rows = []
        for part, each, (mean, basis) in zip(parts, self._inputs, self._statistics, strict=True):
            unit = normalize(part, dim=1)
            centred = (unit.clamp(min=LEAST).sqrt() if each.root else unit) - mean
            rows.append(normalize(centred if basis is None else normalize(centred, dim=1) @ basis, dim=1))
        return torch.cat(rows, dim=1)

    def forward(
        self, parts: Sequence[torch.Tensor], *, dropout: float = 0.0, generator: torch.Generator | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.inputs_of(parts)
        if dropout:
            x = x * (torch.rand(x.shape, generator=generator) >= dropout) / (1 - dropout)
        learned = normalize(self.projection(x), dim=1)
        return learned, SHARPNESS * self.classifier(learned)

    def frozen(self) -> StyleHead:
        def array(weight: torch.Tensor) -> np.ndarray:
            return weight.detach().cpu().numpy().copy()

        classifier = SHARPNESS * array(self.classifier.weight).T
        return StyleHead(
            self._inputs, array(self.projection.weight).T, classifier, SHARPNESS * array(self.classifier.bias)
        )
