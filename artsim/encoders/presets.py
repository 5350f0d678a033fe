"""Presets: named aspect weights, each with a suitable ranking. They belong to a family of encoders.

EfficientNet-Lite0 was trained to tell things apart: its style statistics say more of a painting than its embedding, as measured
on art-eval (docs/evaluation.md). The own embedding of CLIP, SigLIP, DINO and other networks is their strong part by every
published figure, so there it leads; nothing was measured here, as no such weights were at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from artsim.encoders.protocol import Aspect
from artsim.errors import QueryError

Ranking = Literal["tuned", "likeness", "cosine"]
RANKINGS: tuple[Ranking, ...] = ("tuned", "likeness", "cosine")

Presets = Mapping[str, Mapping[Aspect, float]]

PRESETS: Presets = MappingProxyType(
    {
        "balanced": {"subject": 0.2, "style": 0.8, "color": 0.0, "layout": 0.0},
        "style": {"subject": 0.0, "style": 1.0, "color": 0.0, "layout": 0.0},
        "subject": {"subject": 1.0, "style": 0.0, "color": 0.0, "layout": 0.0},
        "color": {"subject": 0.0, "style": 0.3, "color": 0.7, "layout": 0.0},
        "same-work": {"subject": 0.0, "style": 0.0, "color": 0.0, "layout": 1.0},
    }
)
"""Of the encoder `embedded` (EfficientNet-Lite0), and of fine-tuned encoders, which have learned style."""

PRESETS_OF_OTHERS: Presets = MappingProxyType(
    {**PRESETS, "balanced": {"subject": 0.8, "style": 0.2, "color": 0.0, "layout": 0.0}}
)
"""Of all other encoders."""


def presets_of(encoder: str, revision: str) -> Presets:
    """The presets of an encoder, by its id and revision."""
    return PRESETS if encoder == "embedded" or revision.startswith("finetuned-") else PRESETS_OF_OTHERS


PRESET_RANKINGS: Mapping[str, Ranking] = MappingProxyType({"same-work": "likeness"})
"""Rankings of presets that do not use "tuned": a work is the same work however many others resemble it."""


Weights = Mapping[Aspect, float] | str
"""Weights by aspect, or the name of a preset, whose weights depend on the encoder (`artsim.snapshot.space.Space.weigh`)."""


def weights_of(aspects: Mapping[Aspect, float] | None, preset: str | None) -> Weights:
    """`aspects` or `preset`, whichever is given; `QueryError` when both are given, or the preset is unknown."""
    if aspects is not None and preset is not None:
        raise QueryError("Give aspects or a preset, not both.")
    if aspects is not None:
        return aspects
    if preset is not None and preset not in tuple(PRESETS):  # of any type: not every one has a hash
        raise QueryError(f"There is no preset {preset!r}; choose among {', '.join(PRESETS)}.")
    return preset or "balanced"


def ranking_of(ranking: Ranking, preset: str | None) -> Ranking:
    """`ranking`, or the ranking of the preset where `ranking` is "tuned"."""
    return PRESET_RANKINGS.get(preset or "", ranking) if ranking == "tuned" else ranking
