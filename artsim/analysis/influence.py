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
from artsim.snapshot.years import YEAR, has_dates, year_spans, years_of

Direction = Literal["earlier", "later"]
DIRECTIONS: tuple[Direction, ...] = ("earlier", "later")


@dataclass(frozen=True)
class TimedMatch:
    """A match with its year and its distance in time."""

    match: Match
    year: float
    """The middle of its years."""
    gap: float
    """Years between the match and the queried picture, more than 0."""
    about: bool
    """Whether the gap is not exact, as one of both has a span of years, or a doubtful one."""
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
    """The year of the queried picture: the middle of its years."""
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

    Works whose years overlap those of the picture are left out; works without a year are left out and counted. `decay` is a
    half-life in years:
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
    if not has_dates(state.table):
        raise QueryError(
            "There is no column {column!r} of years; there are {columns}.",
            column=YEAR,
            columns=state.table.column_names,
        )
    spans = year_spans(state.table)
    row = None if work is None else collection.work(work)
    first, last, exact = _years_of_query(row, year)
    query_year = (first + last) / 2
    usable = allowed_rows(state.table, where)
    usable = np.ones(len(state), bool) if usable is None else usable
    if work is not None:
        usable[state.rows[work]] = False
    in_time = usable & ((spans.last < first) if direction == "earlier" else (spans.first > last))
    undated = int((usable & ~spans.known).sum())
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
    timed = [_timed(match, query_year, shares, decay, exact=exact) for match in matches]
    if decay is not None:
        timed.sort(key=lambda item: -(item.decayed or 0.0))
    return Influence(query_year, direction, tuple(timed[:k]), tuple(timed[k:]), undated, row)


def _years_of_query(work: Mapping[str, Any] | None, year: float | None) -> tuple[float, float, bool]:
    """First and last: the given year, else the years of the work; and whether that is one year, without doubt."""
    if year is not None and not _is_number(year):
        raise QueryError("year must be a number, such as 1642; it is {year!r}.", year=year)
    if year is not None:
        return float(year), float(year), True
    if work is None:
        raise QueryError("The year of an image is not known: give year=, the year in which it was made.")
    known = years_of(work)
    if known is None:
        raise QueryError(
            "The work {work!r} has no {column}; give year=, the year in which it was made.",
            work=work["id"],
            column=YEAR,
        )
    return known.first, known.last, known.is_exact


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _timed(match: Match, query_year: float, shares: np.ndarray, decay: float | None, *, exact: bool) -> TimedMatch:
    years = years_of(match.work)
    assert years is not None  # only dated works were searched
    gap = abs(years.middle - query_year)
    likeness = max(0.0, float(np.dot(shares, list(match.aspects.values()))))
    decayed = None if decay is None else likeness * 0.5 ** (gap / decay)
    return TimedMatch(match, years.middle, gap, not (exact and years.is_exact), decayed)
