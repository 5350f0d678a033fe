"""The search form: all settings of one search, and the choices that it offers for a collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from artsim.columns import label_columns
from artsim.encoders.protocol import Aspect
from artsim.search.query import ENCODER_MODES, Part
from artsim.snapshot.facets import Facet
from artsim.snapshot.filters import Where
from artsim.ui.context import Context

SHOWN, MOST_SHOWN = 24, 100
MOST_PARTS = 12
LONGEST_TEXT = 500
HEAVIEST = 10.0
MOST_ALIKE = 20
SORTS = ("likeness", "year", "title", "artist")
"""Orders of what was found."""


@dataclass(frozen=True)
class SearchForm:
    """The settings of one search."""

    parts: tuple[Part, ...] = ()
    """Query parts, for or against; an upload is the path of its file."""
    preset: str | None = "balanced"
    """None if the weights were set by hand."""
    weights: Mapping[Aspect, float] = field(default_factory=dict)
    """Weights by aspect; only without a preset."""
    ranking: str = "tuned"
    k: int = SHOWN
    min_score: float = 0.0
    """The least score of a match."""
    sort: str = "likeness"
    """One of `SORTS`: the order in which the page shows what was found."""
    where: Where = field(default_factory=dict)
    """Only columns of `Context.facets`: a list of values, or (low, high)."""
    other: str | None = None
    """Column in which matches must differ from the works of the query."""
    at_most: tuple[str, int] | None = None
    """Column, and how many matches may share one value of it."""
    by: str | None = None
    """Column, or "century": group the results by it, with the nearest works for each value."""
    encoder: str | None = None
    """Name of a space, "auto" or "fusion". None: the collection's first space."""
    contains: bool = False
    """Search for works that contain what the pictures show, instead of works that resemble them as a whole."""


def columns_offered(facets: Iterable[Facet]) -> list[str]:
    """The columns whose values can group works."""
    return [facet.column for facet in facets if facet.kind == "values"]


def encoders_offered(context: Context) -> tuple[str, ...]:
    """The encoder choices of a collection with several encoders; empty for one encoder."""
    spaces = context.collection.state.spaces
    return (*(space.name for space in spaces), *ENCODER_MODES) if len(spaces) > 1 else ()


def sorts_offered(context: Context) -> list[str]:
    """The orders that the metadata of a collection allow."""
    columns = context.collection.state.table.column_names
    possible = {"year": context.has_years, "artist": not set(label_columns("artist")).isdisjoint(columns)}
    return [sort for sort in SORTS if possible.get(sort, True)]


def has_regions(context: Context) -> bool:
    """Whether the collection has region vectors, so that details can be searched for."""
    return any(space.regions is not None for space in context.collection.state.spaces)
