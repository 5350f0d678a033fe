"""Facets: the columns and values that a collection can be filtered by, with counts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artsim.columns import COLUMNS, column_of
from artsim.snapshot.filters import Where, allowed_rows, distinct_values, is_text
from artsim.snapshot.robust_range import robust_range
from artsim.snapshot.state import State
from artsim.snapshot.years import YEAR, has_dates, year_spans

_MAX_VALUES = 1000  # offered per column, most frequent first
_MANY = 50  # works: as many different whole numbers are no measure
_MAX_INTERVALS = 12  # of a range
_MAX_MEAN_LENGTH = 60  # characters: columns with longer values are prose, not categories


@dataclass(frozen=True)
class Facet:
    """A column to filter by: `values` (choose some) or `range` (low to high)."""

    column: str
    kind: Literal["values", "range"]
    values: tuple[tuple[str, int], ...] = ()
    """Each value with its number of works, most frequent first."""
    low: float = 0
    """Of a range: its ends without wild values, which are outside."""
    high: float = 0


def choose_facets(state: State) -> list[Facet]:
    """Up to 8 columns that split the works into groups, preferred ones first, at most 2 ranges last."""
    table = state.table
    values: list[Facet] = []
    ranges: list[Facet] = []
    for column in _columns(table):
        facet = _facet(table, column)
        if facet is None or (facet.kind == "values" and any(_is_redundant(table, column, f.column) for f in values)):
            continue
        (ranges if facet.kind == "range" else values).append(facet)
    return _ranges_last(values, ranges, most=8, most_ranges=2)


def possible_facets(state: State) -> list[Facet]:
    """Up to 24 columns that `choose_facets` can select after edits to the metadata, in its order, without values."""
    kinds = {column: _kind(state.table, column) for column in _columns(state.table)}
    values = [Facet(column, "values") for column, kind in kinds.items() if kind == "values"]
    ranges = [Facet(column, "range") for column, kind in kinds.items() if kind == "range"]
    return _ranges_last(values, ranges, most=24, most_ranges=4)


def _ranges_last(values: list[Facet], ranges: list[Facet], *, most: int, most_ranges: int) -> list[Facet]:
    """Both, of the ranges years first."""
    ranges = sorted(ranges, key=lambda facet: (facet.column != YEAR, "year" not in facet.column))[:most_ranges]
    return values[: most - len(ranges)] + ranges


def _columns(table: pa.Table) -> list[str]:
    """Columns that can be facets: those that artsim prefers, then the others, in the order of the collection."""
    preferred = [name for name, column in COLUMNS.items() if column.facet and name in table.column_names]
    others = [name for name in table.column_names if column_of(name).facet is None]
    return preferred + others + ([YEAR] if YEAR not in others and has_dates(table) else [])


def _kind(table: pa.Table, column: str) -> Literal["values", "range"] | None:
    if column == YEAR and year_spans(table).known.any():
        return "range"
    if column not in table.column_names:
        return None
    kind = table.column(column).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return None if is_identifier(table, column) else "range"
    item = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return "values" if is_text(item) else None


def is_identifier(table: pa.Table, column: str) -> bool:
    """Whether whole numbers identify works: each has one of its own, and they are many, or are called `id`."""
    values = table.column(column)
    if not pa.types.is_integer(values.type) or column in COLUMNS or values.null_count:
        return False
    called_id = re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", column)[-1].casefold() == "id"
    return (len(values) >= _MANY or called_id) and pc.count_distinct(values).as_py() == len(values)


def _facet(table: pa.Table, column: str) -> Facet | None:
    kind = _kind(table, column)
    if kind == "range":
        return _range(table, column)
    if kind is None:
        return None
    values = [(value, count) for value, count in distinct_values(table, column) if value.strip()]
    covered = sum(count for _, count in values)
    repeats = len(values) >= 2 and any(count > 1 for _, count in values)
    groups = len(values) <= covered / 2 or column_of(column).facet
    if not repeats or not groups or np.mean([len(value) for value, _ in values]) > _MAX_MEAN_LENGTH:
        return None
    return Facet(column, "values", values=tuple(values[:_MAX_VALUES]))


def _range(table: pa.Table, column: str) -> Facet | None:
    first, last = _spans(table, column)
    lowest, highest = robust_range(first), robust_range(last)
    if lowest is None or highest is None or lowest[0] == highest[1]:
        return None
    return Facet(column, "range", low=lowest[0], high=highest[1])


def _spans(table: pa.Table, column: str) -> tuple[np.ndarray, np.ndarray]:
    """(n,) float64 each: the least and the greatest number of each work, which are one but for years; nan if missing."""
    if column == YEAR:
        return year_spans(table).first, year_spans(table).last
    numbers = pc.fill_null(table.column(column).cast(pa.float64(), safe=False), np.nan).to_numpy()
    return numbers, numbers


def _is_redundant(table: pa.Table, column: str, chosen: str) -> bool:
    """Whether two columns split the works in nearly the same way (artist and artist_bio, culture and nationality)."""
    if any(pa.types.is_nested(table.column(name).type) for name in (column, chosen)):
        return False
    pairs = table.select([column, chosen]).group_by([column, chosen]).aggregate([])
    sizes = sorted(pc.count_distinct(table.column(name), mode="all").as_py() for name in (column, chosen))
    return sizes[0] >= 0.6 * sizes[1] and len(pairs) <= 1.15 * sizes[1]


@dataclass(frozen=True)
class Choice:
    """One choice of a facet: a value, or an interval (low, high) of a range, with its number of works."""

    value: str | tuple[float | None, float | None]
    """None is an open end: of what is outside of the range."""
    count: int


def count_choices(
    state: State, facets: Sequence[Facet], where: Where, among: np.ndarray | None = None
) -> dict[str, tuple[Choice, ...]]:
    """Column -> its choices, counted among the works that meet the conditions of `where` on all *other* columns, and that are
    `among` (n,) bool, if it is given.

    Values of one column are alternatives, while columns narrow each other down. Values are ordered by frequency,
    intervals by position; choices without works are omitted unless they are in `where`.
    """
    counted = {}
    for facet in facets:
        others = {column: condition for column, condition in where.items() if column != facet.column}
        mask = allowed_rows(state.table, others)
        if among is not None:
            mask = among if mask is None else mask & among
        chosen = where.get(facet.column)
        if facet.kind == "range":
            first, last = (ends if mask is None else ends[mask] for ends in _spans(state.table, facet.column))
            whole = facet.column == YEAR or pa.types.is_integer(state.table.column(facet.column).type)
            counted[facet.column] = _intervals(first, last, facet, chosen, whole=whole)
        else:
            table = state.table.select([facet.column])
            counts = _counts(table if mask is None else table.filter(pa.array(mask)), facet.column)
            wanted = {str(value).casefold() for value in chosen or ()}
            keys = [(value, value.casefold()) for value, _ in facet.values]
            choices = [Choice(value, counts.get(key, 0)) for value, key in keys if key in counts or key in wanted]
            counted[facet.column] = tuple(sorted(choices, key=lambda choice: -choice.count))
    return counted


def _counts(table: pa.Table, column: str) -> dict[str, int]:
    """Each value, in any capitals, with its number of works."""
    return {value.casefold(): count for value, count in distinct_values(table, column)}


def _intervals(first: np.ndarray, last: np.ndarray, facet: Facet, chosen: Any, *, whole: bool) -> tuple[Choice, ...]:
    """At most about a dozen intervals of round length, inclusive at both ends (as `where` is), and what is outside of them.

    `first` and `last` (n,): the numbers of each work; a span of years counts in all intervals that it meets.
    """
    lengths = [mantissa * 10.0**power for power in range(0 if whole else -6, 308) for mantissa in (1, 2, 5)]
    length = next((one for one in lengths if facet.high / one - facet.low / one <= _MAX_INTERVALS), lengths[-1])
    numbers = range(int(np.floor(facet.low / length)), int(np.floor(facet.high / length)) + 1)
    starts, end = [round(number * length, 9) for number in numbers], round((numbers[-1] + 1) * length, 9)
    step = 1 if whole else 0
    inner = [(low, above - step) for low, above in itertools.pairwise((*starts, end))]
    values: list[tuple[float | None, float | None]] = [(None, starts[0] - step), *inner, (end, None)]
    choices = []
    for low, high in values:
        meets = (last >= (-np.inf if low is None else low)) & (first <= (np.inf if high is None else high))
        count = int(np.count_nonzero(meets))
        if count or (low, high) == chosen:
            choices.append(Choice((low, high), count))
    return tuple(choices)
