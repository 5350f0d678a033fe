"""The whole question of a search, and the link that says it: see docs/links.md for the names.

`write_query_string` and `read_query_string` (reading.py) are each other's inverse, but for uploads: a link only says that there was one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from artsim.encoders.protocol import Aspect
from artsim.search.engine import SEVERAL, Part
from artsim.snapshot.facets import Facet
from artsim.snapshot.filters import Where
from artsim.ui.context import Context

SHOWN, MOST_SHOWN = 24, 100
MOST_PARTS = 12
LONGEST_TEXT = 500
HEAVIEST = 10.0
MOST_ALIKE = 20


@dataclass(frozen=True)
class SearchForm:
    """One search as the controls stand."""

    parts: tuple[Part, ...] = ()
    """What the answers should be like or unlike; an upload as the path of its file."""
    preset: str | None = "balanced"
    """None when the weights were set by hand."""
    weights: Mapping[Aspect, float] = field(default_factory=dict)
    """Of the aspects; only with no preset."""
    ranking: str = "tuned"
    k: int = SHOWN
    where: Where = field(default_factory=dict)
    """Only columns of `Context.facets`: a list of values, or (low, high)."""
    other: str | None = None
    """A column in which the answers differ from the works of the query."""
    at_most: tuple[str, int] | None = None
    """A column, and how many answers may share one value of it."""
    by: str | None = None
    """A column, or "century": the nearest works for each of its values, side by side."""
    encoder: str | None = None
    """Of several: the name of a space, "auto" or "fusion". None: the collection's first."""
    contains: bool = False
    """Look for works that contain what the pictures show, not for works like them as wholes."""


@dataclass(frozen=True)
class ParsedLink:
    """What a link says."""

    form: SearchForm
    opened: str | None = None
    """The id of the work whose detail is open."""
    problems: tuple[str, ...] = ()
    """Sentences about what in it could not be used."""


def write_query_string(form: SearchForm, *, opened: str | None = None) -> str:
    """The question as a query string, without its `?`. What is as it is at the start is left out."""
    pairs: list[tuple[str, str]] = []
    for part in form.parts:
        pairs += _written_part(part)
    if form.preset is None:
        pairs += [(f"w.{aspect}", f"{weight:g}") for aspect, weight in form.weights.items()]
    elif form.preset != "balanced":
        pairs.append(("preset", form.preset))
    pairs += [("ranking", form.ranking)] if form.ranking != "tuned" else []
    pairs += [("k", str(form.k))] if form.k != SHOWN else []
    for column, condition in form.where.items():
        pairs += [(f"where.{column}", text) for text in _written_condition(condition)]
    pairs += [("other", form.other)] if form.other else []
    pairs += [(f"most.{form.at_most[0]}", str(form.at_most[1]))] if form.at_most else []
    pairs += [("by", form.by)] if form.by else []
    pairs += [("encoder", form.encoder)] if form.encoder else []
    pairs += [("find", "detail")] if form.contains else []
    pairs += [("detail", opened)] if opened else []
    return urlencode(pairs, safe=",/:")


def _written_part(part: Part) -> list[tuple[str, str]]:
    if part.work is not None:
        pairs = [("work" if part.weight > 0 else "not", part.work)]
    else:
        name, value = ("text", part.text) if part.text is not None else ("upload", "1")
        pairs = [(name if part.weight > 0 else f"not-{name}", value or "")]
    if part.region is not None:
        pairs.append(("region", ",".join(f"{side:.4g}" for side in part.region)))
    if abs(part.weight) != 1:
        pairs.append(("weight", f"{abs(part.weight):g}"))
    return pairs


def _written_condition(condition: Any) -> list[str]:
    if isinstance(condition, tuple):
        return ["..".join("" if bound is None else f"{bound:.12g}" for bound in condition)]
    return [str(value) for value in condition]


def century_offered(context: Context) -> bool:
    """Whether the works have a year, so that they can be grouped by century."""
    return any(facet.column == "year" and facet.kind == "range" for facet in context.facets)


def columns_offered(facets: Iterable[Facet]) -> list[str]:
    """The columns by whose values works can be told apart."""
    return [facet.column for facet in facets if facet.kind == "values"]


def encoders_offered(context: Context) -> tuple[str, ...]:
    """What a search may choose among where the collection has several encoders; else nothing."""
    spaces = context.collection.state.spaces
    return (*(space.name for space in spaces), *SEVERAL) if len(spaces) > 1 else ()


def has_regions(context: Context) -> bool:
    """Whether details can be looked for in the collection."""
    return any(space.regions is not None for space in context.collection.state.spaces)
