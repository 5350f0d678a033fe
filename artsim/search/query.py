"""`Query`: a search request, and the check that a collection can answer it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from artsim.encoders.presets import RANKINGS, Ranking, Weights
from artsim.errors import QueryError
from artsim.images.decode import ImageLike
from artsim.search.encoder_selection import AUTO_RULES, AutoRule
from artsim.search.fusion import FUSION_RULES, FusionRule
from artsim.snapshot.filters import Where, groups_of
from artsim.snapshot.state import State, find_space

MAX_K = 1000

ENCODER_MODES = ("auto", "fusion")
"""Encoder modes: choose one encoder per query, or fuse all."""

TextMode = Literal["auto", "metadata", "meaning"]


@dataclass(frozen=True)
class Part:
    """One part of a query, exactly one of `image`, `text` and `work`, to be like (`weight` > 0) or unlike (< 0)."""

    image: ImageLike | None = None
    text: str | None = None
    work: str | None = None
    region: tuple[float, float, float, float] | None = None
    """Of an image or a work: (left, top, right, bottom), as fractions of the picture."""
    weight: float = 1.0


@dataclass(frozen=True)
class Query:
    """A search request. All fields can be combined."""

    parts: tuple[Part, ...]
    aspects: Weights = "balanced"
    where: Where | None = None
    k: int = 10
    ranking: Ranking = "tuned"
    encoder: str | None = None
    """The name of a space, or the id of its encoder; "auto": one encoder per query, selected by the rule `auto`; "fusion":
    all encoders, merged by the rule `fusion`. None: the first encoder; with texts, the first text encoder."""
    auto: AutoRule = "margin"
    fusion: FusionRule = "weighted"
    encoder_weights: Mapping[str, float] = field(default_factory=dict)
    """Weight of each encoder in a fusion, 1 by default; encoders of weight 0 are skipped."""
    other: tuple[str, ...] = ()
    """Columns in which a match must differ from the works of the query, such as `artist`."""
    at_most: Mapping[str, int] = field(default_factory=dict)
    """Column -> how many matches may share one value of it."""
    detail: bool = False
    """Find works that contain the pictures (`artsim.search.regions`). Aspects and ranking are ignored."""
    text_mode: TextMode = "auto"
    """Of a text alone: "metadata" finds works that have its words in their metadata, "meaning" works that look like it,
    which needs an encoder that embeds texts; "auto" both, the former first, the latter if an encoder can. Together with
    pictures, works or other texts, and for a weight below 0, a text has its meaning."""
    min_score: float = 0.0
    """The least score of a match, from 0 to 1; fewer than `k` works may reach it."""

    @property
    def words(self) -> str | None:
        """The text to find in the metadata; None if the query is not for words, or not for words alone."""
        part = self.parts[0] if len(self.parts) == 1 and self.text_mode != "meaning" and not self.detail else None
        return part.text if part is not None and part.weight > 0 else None


def parts_of(
    image: ImageLike | None, text: str | None, work: str | None, region: tuple[float, float, float, float] | None
) -> tuple[Part, ...]:
    """The given ones of a picture, a text and a work, as parts of a query."""
    parts = [Part(image=image, region=region)] if image is not None else []
    parts += [Part(work=work, region=region)] if work is not None else []
    parts += [Part(text=text)] if text is not None else []
    return tuple(parts)


def query_kind(query: Query) -> str:
    """The kind of a query's parts: "image", "text", "work", or "mixed"."""
    kinds = {name for part in query.parts for name in ("image", "text", "work") if getattr(part, name) is not None}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def check_query(query: Query, state: State) -> None:
    """Raises `QueryError` for an invalid query, before anything is embedded."""
    check_k(query.k)
    check_ranking(query.ranking)
    _check_min_score(query.min_score)
    if query.auto not in AUTO_RULES:
        raise QueryError(
            "There is no rule {rule!r} to select an encoder; choose among {choices}.",
            rule=query.auto,
            choices=AUTO_RULES,
        )
    if query.fusion not in FUSION_RULES:
        raise QueryError(
            "There is no fusion {fusion!r}; choose among {choices}.", fusion=query.fusion, choices=FUSION_RULES
        )
    if query.text_mode not in get_args(TextMode):
        raise QueryError(
            "There is no mode {mode!r} to search for a text; choose among {choices}.",
            mode=query.text_mode,
            choices=get_args(TextMode),
        )
    if not query.parts:
        raise QueryError("There is nothing to search for: give an image, a text or a work.")
    for part in query.parts:
        if sum(value is not None for value in (part.image, part.text, part.work)) != 1:
            raise QueryError("Each part of a query must be exactly one of image, text and work.")
        if part.text is not None and not isinstance(part.text, str):
            raise QueryError("A text to search for must be a string; it is {kind}.", kind=type(part.text).__name__)
        if part.text is not None and not part.text.strip():
            raise QueryError("The text to search for is empty.")
        if not math.isfinite(part.weight) or part.weight == 0:
            raise QueryError("The weight of a part of a query must be a number other than 0.")
        if part.work is not None:
            state.row_of(part.work)
    if all(part.weight < 0 for part in query.parts):
        raise QueryError(
            "All parts of the query have a negative weight; add at least one picture or text to search for."
        )
    if query.text_mode == "metadata" and query.words is None:
        raise QueryError("Metadata can be searched for one text alone, without images, works or details.")
    for column in (*query.other, *query.at_most):
        groups_of(state.table, column, np.zeros(0, np.int64))  # `QueryError` for an unknown one
    if any(limit < 1 for limit in query.at_most.values()):
        raise QueryError("The number of matches that may share a value must be at least 1.")


def check_k(k: int) -> None:
    """Raises `QueryError` unless `k` is a number of matches that a search can return."""
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MAX_K:
        raise QueryError("k must be a whole number from 1 to {most}; it is {k}.", most=MAX_K, k=k)


def _check_min_score(score: float) -> None:
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:  # false for nan
        raise QueryError("min_score must be a number from 0 to 1; it is {score}.", score=score)


def check_ranking(ranking: str) -> None:
    """Raises `QueryError` unless `ranking` is one."""
    if ranking not in RANKINGS:
        raise QueryError("There is no ranking {ranking!r}; choose among {choices}.", ranking=ranking, choices=RANKINGS)


def weights_between(state: State, query: Query) -> dict[str, float]:
    """The weight of each space in a fusion, by name. Raises `QueryError` for invalid weights."""
    weights = {space.name: 1.0 for space in state.spaces}
    for name, weight in query.encoder_weights.items():
        if not isinstance(weight, int | float) or not math.isfinite(weight) or weight < 0:
            raise QueryError(
                "The weight of an encoder must be a number of 0 or more; that of {encoder} is {weight!r}.",
                encoder=name,
                weight=weight,
            )
        weights[find_space(state, name).name] = float(weight)
    if not any(weights.values()):
        raise QueryError("All weights of encoders are 0; give at least one of them more than 0.")
    return weights
