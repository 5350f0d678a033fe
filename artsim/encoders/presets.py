"""Presets: named aspect weights, each with a suitable ranking."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from artsim.encoders.protocol import Aspect
from artsim.errors import QueryError

Ranking = Literal["tuned", "likeness", "cosine"]
RANKINGS: tuple[Ranking, ...] = ("tuned", "likeness", "cosine")

PRESETS: Mapping[str, Mapping[Aspect, float]] = MappingProxyType(
    {
        "balanced": {"subject": 0.2, "style": 0.8, "color": 0.0, "layout": 0.0},
        "style": {"subject": 0.0, "style": 1.0, "color": 0.0, "layout": 0.0},
        "subject": {"subject": 1.0, "style": 0.0, "color": 0.0, "layout": 0.0},
        "color": {"subject": 0.0, "style": 0.3, "color": 0.7, "layout": 0.0},
        "same-work": {"subject": 0.0, "style": 0.0, "color": 0.0, "layout": 1.0},
    }
)
PRESET_RANKINGS: Mapping[str, Ranking] = MappingProxyType({"same-work": "likeness"})
"""Rankings of presets that do not use "tuned": a work is the same work however many others resemble it."""


def weights_of(aspects: Mapping[Aspect, float] | None, preset: str | None) -> Mapping[Aspect, float]:
    """The weights given by `aspects` or `preset`; `QueryError` when both are given, or the preset is unknown."""
    if aspects is not None and preset is not None:
        raise QueryError("Give aspects or a preset, not both.")
    if aspects is not None:
        return aspects
    if preset is not None and preset not in PRESETS:
        raise QueryError(f"There is no preset {preset!r}; choose among {', '.join(PRESETS)}.")
    return PRESETS[preset or "balanced"]


def ranking_of(ranking: Ranking, preset: str | None) -> Ranking:
    """`ranking`, or the ranking of the preset where `ranking` is "tuned"."""
    return PRESET_RANKINGS.get(preset or "", ranking) if ranking == "tuned" else ranking
