"""Likeness over time: the earlier works that a work resembles, and the later works that resemble it.

Likeness is not influence, as the page of the timeline says: whether one painter knew the other is for historians to show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artsim.analysis.protocol import SearchableCollection
from artsim.encoders.presets import ranking_of, weights_of
from artsim.encoders.protocol import Aspect
from artsim.encoders.region_vectors import Region
from artsim.errors import QueryError
from artsim.images.decode import ImageLike
from artsim.messages.message import Message
from artsim.search.match import Match
from artsim.search.query import MAX_K, Part, Query, check_k
from artsim.snapshot.filters import Where, allowed_rows
from artsim.snapshot.state import find_space

Direction = Literal["earlier", "later"]
DIRECTIONS: tuple[Direction, ...] = ("earlier", "later")
_YEAR = "year"  # the column


@dataclass(frozen=True)
class TimedMatch:
    """A match with its year and its distance in time."""

    match: Match
    year: float
    gap: float
    """Years between the match and the queried picture, more than 0."""
    decayed: float | None
    """Its likeness, halved once per half-life; None without a half-life."""

    @property
    def score(self) -> float:
        """The score of the match; a picture finds by likeness, so it has one."""
        return self.match.score or 0.0


@dataclass(frozen=True)
class Influence:
    """The earlier (or later) works that are most similar to a picture."""

    year: float
    """The year of the queried picture."""
    direction: Direction
    matches: tuple[TimedMatch, ...]
    """Best first."""
    others: tuple[TimedMatch, ...] = field(repr=False)
    """The matches after these, for the background of a plot; with `matches` at most 1000."""
    undated: int
    """Number of works that are left out because they have no year."""
    work: Mapping[str, Any] | None = field(repr=False)
    """The queried work; None for a picture from outside the collection."""


def influence(
    collection: SearchableCollection,
    work: str | None = None,
    *,
    image: ImageLike | None = None,
    region: Region | None = None,
    year: float | None = None,
    direction: Direction = "earlier",
    k: int = 10,
    aspects: Mapping[Aspect, float] | None = None,
    preset: str | None = None,
    decay: float | None = None,
    where: Where | None = None,
    other: Sequence[str] = (),
    encoder: str | None = None,
) -> Influence:
    """The `k` works most similar to a work, or to a picture with its `year`, made before it, or after it ("later").

    Works of the same year are left out; works without a year are left out and counted. `decay` is a half-life in years:
    likeness (the weighted cosine of the aspects) is halved for every so many years between the works, and orders the 1000
    most similar ones. `aspects`, `preset`, `where`, `other`, `encoder` and `region` are those of `Collection.search`.
    Raises `QueryError` if the work has no year and none is given, or if no work is earlier (later).
    """
    if (work is None) == (image is None):
        raise QueryError("Give exactly one query: a work of the collection, or an image and its year.")
    part, weights = Part(image=image, work=work, region=region), weights_of(aspects, preset)
    if direction not in DIRECTIONS:
        raise QueryError("There is no direction {direction!r} in time; choose earlier or later.", direction=direction)
    check_k(k)
    if decay is not None and not (_is_number(decay) and decay > 0):
        raise QueryError("decay must be a half-life in years, more than 0; it is {decay}.", decay=decay)
    state = collection.state
    years = _years(state.table)
    row = None if work is None else collection.work(work)
    query_year = _year_of(row, year)
    usable = allowed_rows(state.table, where)
    usable = np.ones(len(state), bool) if usable is None else usable
    if work is not None:
        usable[state.rows[work]] = False
    in_time = usable & ((years < query_year) if direction == "earlier" else (years > query_year))
    undated = int((usable & np.isnan(years)).sum())
    ids = state.table.column("id").filter(pa.array(in_time)).to_pylist()
    query = Query(
        (part,), weights, {"id": ids}, MAX_K, ranking_of("tuned", preset), encoder=encoder, other=tuple(other)
    )
    matches = collection.run(query) if ids else []
    if not matches:
        note = Message(" (1 has no year)") if undated == 1 else Message(" ({count} have no year)", count=undated)
        raise QueryError(
            "No candidate is {direction} than {at:g}{note}. Try the other direction, or fewer filters.",
            direction=Message(direction),
            at=query_year,
            note=note if undated else "",
        )
    shares = find_space(state, matches[0].encoder).weigh(weights)
    timed = [_timed(match, query_year, shares, decay) for match in matches]
    if decay is not None:
        timed.sort(key=lambda item: -(item.decayed or 0.0))
    return Influence(query_year, direction, tuple(timed[:k]), tuple(timed[k:]), undated, row)


def _years(table: pa.Table) -> np.ndarray:
    """(n,) float64, nan for a missing year. Raises `QueryError` unless the column holds numbers."""
    if _YEAR not in table.column_names:
        raise QueryError(
            "There is no column {column!r} of years; there are {columns}.", column=_YEAR, columns=table.column_names
        )
    values = table.column(_YEAR)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise QueryError(
            "The column {column!r} holds {kind}, not years as numbers.", column=_YEAR, kind=str(values.type)
        )
    return pc.fill_null(values.cast(pa.float64()), math.nan).to_numpy()


def _year_of(work: Mapping[str, Any] | None, year: float | None) -> float:
    """The given year, else that of the work."""
    if year is not None and not _is_number(year):
        raise QueryError("year must be a number, such as 1642; it is {year!r}.", year=year)
    known = year if year is not None else (work or {}).get(_YEAR)
    if known is not None and math.isfinite(known):
        return float(known)
    if work is None:
        raise QueryError("The year of an image is not known: give year=, the year in which it was made.")
    raise QueryError(
        "The work {work!r} has no {column}; give year=, the year in which it was made.", work=work["id"], column=_YEAR
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _timed(match: Match, query_year: float, shares: np.ndarray, decay: float | None) -> TimedMatch:
    year = float(match.work[_YEAR])
    likeness = max(0.0, float(np.dot(shares, list(match.aspects.values()))))
    decayed = None if decay is None else likeness * 0.5 ** (abs(year - query_year) / decay)
    return TimedMatch(match, year, abs(year - query_year), decayed)
