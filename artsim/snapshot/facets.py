"""Facets: the columns and values that a collection can be filtered by, with counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artsim.columns import COLUMNS, column_of
from artsim.snapshot.filters import Where, allowed_rows, distinct_values
from artsim.snapshot.state import State

_MAX_VALUES = 1000  # offered per column, most frequent first
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
    ranges = sorted(ranges, key=lambda facet: "year" not in facet.column)[:most_ranges]
    return values[: most - len(ranges)] + ranges


def _columns(table: pa.Table) -> list[str]:
    """Columns that can be facets: those that artsim prefers, then the others, in the order of the collection."""
    preferred = [name for name, column in COLUMNS.items() if column.facet and name in table.column_names]
    return preferred + [name for name in table.column_names if column_of(name).facet is None]


def _kind(table: pa.Table, column: str) -> Literal["values", "range"] | None:
    kind = table.column(column).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return None if column.endswith("id") else "range"
    item = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return "values" if pa.types.is_string(item) or pa.types.is_large_string(item) else None


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
    extremes = pc.min_max(table.column(column)).as_py()
    low, high = extremes["min"], extremes["max"]
    if low is None or not np.isfinite([low, high]).all() or low == high:
        return None
    return Facet(column, "range", low=low, high=high)


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

    value: str | tuple[float, float]
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
        table = state.table.select([facet.column])
        table = table if mask is None else table.filter(pa.array(mask))
        chosen = where.get(facet.column)
        if facet.kind == "range":
            counted[facet.column] = _intervals(table.column(0), facet, chosen)
        else:
            counts = dict(distinct_values(table, facet.column))
            offered = [value for value, _ in facet.values]
            choices = [
                Choice(value, counts.get(value, 0)) for value in offered if value in counts or value in (chosen or ())
            ]
            counted[facet.column] = tuple(sorted(choices, key=lambda choice: -choice.count))
    return counted


def _intervals(column: pa.ChunkedArray, facet: Facet, chosen: Any) -> tuple[Choice, ...]:
    """At most about a dozen intervals of round length, inclusive at both ends (as `where` is)."""
    whole = pa.types.is_integer(column.type)
    lengths = (mantissa * 10.0**power for power in range(0 if whole else -6, 16) for mantissa in (1, 2, 5))
    length = next(length for length in lengths if (facet.high - facet.low) / length <= _MAX_INTERVALS)
    values = pc.drop_null(column).to_numpy()
    numbers, sizes = np.unique(np.floor(values[np.isfinite(values)] / length), return_counts=True)
    counts = dict(zip(numbers.tolist(), sizes.tolist(), strict=True))
    choices = []
    for number in range(int(np.floor(facet.low / length)), int(np.floor(facet.high / length)) + 1):
        low, end = round(number * length, 9), round((number + 1) * length, 9)
        value = (low, end - 1 if whole else end)
        if number in counts or value == chosen:
            choices.append(Choice(value, counts.get(number, 0)))
    return tuple(choices)
