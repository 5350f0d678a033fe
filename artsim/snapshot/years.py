"""The years of all works of a table: what filters, facets, centuries, timelines and orders by year go by.

A collection keeps them as the columns `year_from` and `year_to`. Of one that was built without, they are read from its dates.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artsim.columns import features as features_of
from artsim.columns import label_columns
from artsim.dates import YEAR_FROM, YEAR_TO, Years, read_years, work_years

YEAR = "year"
DATE_COLUMNS = tuple(sorted(label_columns("date"), key=lambda name: name != YEAR))
"""Columns that say when a work was made, the one of years first."""


@dataclass(frozen=True, eq=False)
class YearSpans:
    """`first` and `last` (n,) float64: the span of years of each work; nan for an unknown one."""

    first: np.ndarray
    last: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """(n,) float64: the one year that stands for each span; nan for an unknown one."""
        return (self.first + self.last) / 2

    @property
    def known(self) -> np.ndarray:
        """(n,) bool"""
        return ~np.isnan(self.first)

    @property
    def centuries(self) -> np.ndarray:
        """(n,) float64: the first year of each work's century; nan for an unknown one."""
        return np.floor(self.middle / 100) * 100

    def overlap(self, low: float | None, high: float | None) -> np.ndarray:
        """(n,) bool: the works whose span has a year in common with `low` to `high`, both included; None is an open end."""
        after = self.known if low is None else self.last >= low
        return after if high is None else after & (self.first <= high)


def years_of(work: Mapping[str, Any]) -> Years | None:
    """The years of one work; None if they are unknown."""
    return work_years(work, DATE_COLUMNS)


_latest: tuple[Callable[[], pa.Table | None], YearSpans] | None = None  # one collection is open at a time


def year_spans(table: pa.Table) -> YearSpans:
    """The years of the works of a table."""
    global _latest
    kept = _latest
    if kept is not None and kept[0]() is table:
        return kept[1]
    spans = _kept_spans(table) if _keeps_years(table.schema) else _read_spans(table)
    _latest = weakref.ref(table), spans
    return spans


def has_dates(table: pa.Table) -> bool:
    """Whether a table has a column that could say when its works were made."""
    return _keeps_years(table.schema) or not set(DATE_COLUMNS).isdisjoint(table.column_names)


def _keeps_years(schema: pa.Schema) -> bool:
    return all(name in schema.names and _is_number(schema.field(name).type) for name in (YEAR_FROM, YEAR_TO))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _kept_spans(table: pa.Table) -> YearSpans:
    first, last = (_floats(table.column(name)) for name in (YEAR_FROM, YEAR_TO))
    first, last = np.where(np.isnan(first), last, first), np.where(np.isnan(last), first, last)
    return YearSpans(np.minimum(first, last), np.maximum(first, last))


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    values = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _read_spans(table: pa.Table) -> YearSpans:
    """As `work_years`, column by column."""
    first, last = np.full((2, len(table)), np.nan)
    for name in DATE_COLUMNS:
        if name in table.column_names:
            low, high = _read_column(table.column(name))
            better = ~np.isnan(low) & (np.isnan(first) | ((low <= first) & (last <= high)))
            first, last = np.where(better, low, first), np.where(better, high, last)
    return YearSpans(first, last)


def _read_column(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) float64 each; each value that is there is read once."""
    if pa.types.is_nested(column.type):
        values, places = column.to_pylist(), np.arange(len(column))
    else:
        encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
        values, places = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    read = [read_years(value) for value in values]
    low = np.array([np.nan if years is None else years.first for years in read], np.float64)
    high = np.array([np.nan if years is None else years.last for years in read], np.float64)
    return low[places], high[places]


def dated_features(features: Mapping[str, Any]) -> dict[str, Any]:
    """The features of a collection's columns, with `year_from` and `year_to` if one of them is a date."""
    if set(features).isdisjoint((*DATE_COLUMNS, YEAR_FROM, YEAR_TO)):
        return dict(features)
    return {
        **features,
        **{name: kind for name, kind in features_of((YEAR_FROM, YEAR_TO)).items() if name not in features},
    }


def with_years(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> Sequence[Mapping[str, Any]]:
    """The rows of a table with their `year_from` and `year_to`, if its schema has them."""
    if not _keeps_years(schema):
        return rows
    read = [years_of(row) for row in rows]
    return [
        {**row, YEAR_FROM: None if years is None else years.first, YEAR_TO: None if years is None else years.last}
        for row, years in zip(rows, read, strict=True)
    ]
