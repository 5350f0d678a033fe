"""The search form: everything a visitor can set for one search, and what the form offers for a collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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
