"""What the detail of a work shows of its match, as the query of the detail's address: see `artsim.ui.pages.detail`.

The answer to a search has these addresses in place of the details, as few of them are opened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from artsim.encoders.protocol import ASPECTS, Aspect
from artsim.encoders.region_vectors import Region
from artsim.search.match import Match, Word, word_of


@dataclass(frozen=True)
class ShownMatch:
    """The figures of a match by likeness, `score` to `region`, are those of `Match`; one by label has none."""

    rank: int
    count: int
    """Of how many matches it is one."""
    by_text: bool
    """Whether the query consists of text only."""
    beside: str | None
    """Id of the work in the query, if there is one."""
    score: float | None
    cosine: float
    aspects: Mapping[Aspect, float]
    aspect_percentiles: Mapping[Aspect, float]
    region: Region | None

    @classmethod
    def of(cls, match: Match, count: int, *, by_text: bool, beside: str | None) -> ShownMatch:
        figures = match.score, match.cosine or 0.0, match.aspects, match.aspect_percentiles, match.region
        return cls(match.rank, count, by_text, beside, *figures)

    @property
    def angular_distance(self) -> float:
        return math.sqrt(2 * (1 - self.cosine))

    @property
    def word(self) -> Word | None:
        return None if self.score is None else word_of(self.score)

    def parameters(self) -> dict[str, object]:
        """For an address; None is to be left out."""
        known: dict[str, object] = {"rank": self.rank, "count": self.count, "beside": self.beside}
        known["text"] = 1 if self.by_text else None
        if self.score is None:
            return known
        pairs: dict[str, object] = {
            name: f"{cosine:.4f},{self.aspect_percentiles[name]:.1f}" for name, cosine in self.aspects.items()
        }
        region = None if self.region is None else ",".join(f"{side:.4f}" for side in self.region)
        return {**known, "score": f"{self.score:.4f}", "cosine": f"{self.cosine:.6f}", **pairs, "region": region}

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> ShownMatch | None:
        """What `parameters` wrote; None where there is nothing of it. `ValueError` if it is something else."""
        if "rank" not in parameters:
            return None
        pairs = {name: _numbers(parameters[name], 2) for name in ASPECTS if name in parameters}
        left, top, right, bottom = _numbers(parameters.get("region", "0,0,0,0"), 4)
        score = parameters.get("score")
        return cls(
            rank=int(parameters["rank"]),
            count=int(parameters["count"]) if "count" in parameters else 0,
            by_text="text" in parameters,
            beside=parameters.get("beside"),
            score=None if score is None else _between(0, float(score), 1),
            cosine=_between(-1, float(parameters.get("cosine", "0")), 1),
            aspects={name: _between(-2, cosine, 2) for name, (cosine, _) in pairs.items()},
            aspect_percentiles={name: percentile for name, (_, percentile) in pairs.items()},
            region=(left, top, right, bottom) if "region" in parameters else None,
        )


def _numbers(text: str, count: int) -> tuple[float, ...]:
    numbers = tuple(map(float, text.split(",")))
    if len(numbers) != count:
        raise ValueError(text)
    return numbers


def _between(low: float, number: float, high: float) -> float:
    if not low <= number <= high:  # nor nan
        raise ValueError(number)
    return number
