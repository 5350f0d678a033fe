"""Settings and filters as people write them on a command line: `style`, `subject=1,color=0.5`, `artist=Rembrandt`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from artsim.encoders.presets import PRESET_RANKINGS, PRESETS
from artsim.errors import QueryError
from artsim.evaluation.full_ranking import Setting


def parse_setting(
    ranking: str | None,
    aspects: str | None,
    encoder: str | None,
    *,
    auto: Literal["margin", "mean-cosine"] | None = None,
    fusion: Literal["weighted", "reciprocal-rank"] | None = None,
    encoder_weights: str | None = None,
) -> Setting:
    """The setting of these options; None is the default of each. Raises `QueryError`.

    A preset brings its own ranking, and the ranking "cosine" compares subjects only.
    """
    name = (aspects or "balanced").strip()
    ranking = ranking or PRESET_RANKINGS.get(name, "tuned")
    weights: dict[Any, float] = {"subject": 1.0}
    if aspects is not None or ranking != "cosine":
        weights = parse_aspects(name)
    return Setting(
        ranking=ranking,  # type: ignore[arg-type]
        aspects=weights,
        encoder=encoder,
        auto=auto or "margin",
        fusion=fusion or "weighted",
        encoder_weights=parse_weights(encoder_weights or "", "clip=2,embedded=1"),
    )


def parse_aspects(text: str) -> dict[Any, float]:
    """`subject=1,style=0.5` or the name of a preset as weights. `QueryError` for anything else."""
    if text in PRESETS:
        return dict(PRESETS[text])
    return parse_weights(text, f"subject=1,style=1,color=0, or a preset: {', '.join(PRESETS)}")


def parse_weights(text: str, example: str) -> dict[Any, float]:
    """`NAME=WEIGHT,...` as numbers by name; nothing for an empty text. The `QueryError` shows `example`."""
    weights: dict[Any, float] = {}
    if not text:
        return weights
    for part in text.split(","):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        try:
            if not name or not sign or name in weights:
                raise ValueError(part)
            weights[name] = float(value)
        except ValueError:
            raise QueryError(f"The weights {text!r} cannot be read; write weights such as {example}.") from None
    return weights


def parse_where(conditions: Sequence[str]) -> dict[str, list[str]]:
    """`artist=Monet` as a filter; several for one column mean any of them."""
    where: dict[str, list[str]] = {}
    for condition in conditions:
        column, sign, value = condition.partition("=")
        if not column or not sign:
            raise QueryError(
                f"The condition {condition!r} cannot be read; write COLUMN=VALUE, such as artist=Rembrandt."
            )
        where.setdefault(column, []).append(value)
    return where
