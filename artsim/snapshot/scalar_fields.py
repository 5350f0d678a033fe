"""Metadata as the scalar fields of an engine such as Milvus: their values, and filters as expressions over them.

An expression never leaves out a row that meets the filter; conditions that it cannot state are left to `allowed_rows`, which
decides in any case.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artsim.columns import column_of, kind_of
from artsim.index.milvus_collection import MOST_BYTES, MOST_FIELDS, MOST_ITEMS, ScalarField, ScalarType
from artsim.snapshot.filters import Where, checked_range, fitting, is_open, wanted_values, year_ranges
from artsim.snapshot.years import YEAR, has_dates, year_spans

FIRST_YEAR, LAST_YEAR = "first_year", "last_year"
_YEARS = (FIRST_YEAR, LAST_YEAR)
_TYPES: Mapping[str, ScalarType] = {
    "text": "text",
    "whole number": "whole number",
    "number": "number",
    "yes or no": "yes or no",
}
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})
_EXACT = 2**53  # whole numbers up to here are the same as floating-point ones
_WHOLE = 2**63


def scalar_fields(table: pa.Table) -> dict[str, ScalarField]:
    """The fields of a table: name in the engine -> field, and by `columns_of_fields` the column that it holds.

    They are the columns that filters are offered for, and the first and last year of each work. What the engine cannot hold,
    such as very long texts, is left out.
    """
    fields = {name: ScalarField(name, "number") for name in _YEARS} if has_dates(table) else {}
    for name, column in columns_of_fields(table).items():
        if name not in _YEARS:
            kind = table.schema.field(column).type
            many = pa.types.is_list(kind) or pa.types.is_large_list(kind)
            fields[name] = ScalarField(name, _TYPES[kind_of(kind.value_type if many else kind) or ""], many)
    return fields


def columns_of_fields(table: pa.Table) -> dict[str, str]:
    """Name in the engine -> the column of the table that it holds."""
    names = dict.fromkeys(_YEARS, YEAR) if has_dates(table) else {}
    columns = [name for name in table.column_names if column_of(name).facet is not False]
    for column in sorted(columns, key=lambda name: column_of(name).facet is not True):
        if len(names) < MOST_FIELDS and _fits(table.column(column)):
            plain = "c_" + re.sub("[^A-Za-z0-9_]", "_", column)[:40]
            names[plain if plain not in names else f"{plain}_{len(names)}"] = column
    return names


def _fits(values: pa.ChunkedArray) -> bool:
    """Whether an engine can hold a column."""
    kind = values.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        longest = pc.max(pc.list_value_length(values)).as_py() or 0
        return kind_of(kind) == "list" and longest <= MOST_ITEMS and _fits(pc.list_flatten(values))
    match kind_of(kind):
        case "text":
            return (pc.max(pc.binary_length(values)).as_py() or 0) <= MOST_BYTES
        case "number":
            return not (pc.any(pc.is_inf(values)).as_py() or False)
        case "whole number":
            return not pa.types.is_uint64(kind)
        case "yes or no":
            return True
        case _:
            return False


def scalar_values(table: pa.Table, fields: Mapping[str, str], rows: np.ndarray) -> dict[str, Sequence[Any]]:
    """The values of `fields`, name -> column, at `rows`: None for a missing one."""
    values: dict[str, Sequence[Any]] = {}
    for name, column in fields.items():
        if name in _YEARS:
            spans = year_spans(table)
            numbers = (spans.first if name == FIRST_YEAR else spans.last)[rows].tolist()
            values[name] = [None if math.isnan(number) else number for number in numbers]
        else:
            values[name] = [_value(value) for value in table.column(column).take(pa.array(rows)).to_pylist()]
    return values


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [item for item in map(_value, value) if item is not None]
    return None if isinstance(value, float) and math.isnan(value) else value


def filter_expression(table: pa.Table, where: Where | None, fields: Mapping[str, str]) -> str:
    """`where` over `fields`, name -> column; "" where it restricts nothing. Raises `QueryError` as `allowed_rows` does."""
    names = {column: name for name, column in fields.items() if name not in _YEARS and column in table.column_names}
    parts = []
    for column, condition in (where or {}).items():
        if is_open(condition):
            continue
        spans = year_ranges(condition) if column == YEAR and has_dates(table) else None
        if spans is not None:
            parts.append(_overlap([checked_range(span, column) for span in spans]) if FIRST_YEAR in fields else None)
        elif column in names:
            parts.append(_condition(table.column(column), condition, column, names[column]))
    return " and ".join(part for part in parts if part)


def _overlap(spans: Sequence[tuple[Any, Any]]) -> str | None:
    """Years in common with one of the ranges."""
    each = []
    for low, high in spans:
        bounds = [f"{LAST_YEAR} >= {float(low)!r}"] if low is not None else []
        bounds += [f"{FIRST_YEAR} <= {float(high)!r}"] if high is not None else []
        if not all(math.isfinite(bound) for bound in (low, high) if bound is not None):
            return None
        each.append(" and ".join(bounds) or f"{FIRST_YEAR} is not null")
    return "(" + " or ".join(f"({one})" for one in each) + ")"


def _condition(values: pa.ChunkedArray, condition: Any, column: str, name: str) -> str | None:
    many = pa.types.is_list(values.type) or pa.types.is_large_list(values.type)
    if isinstance(condition, tuple):
        with fitting(values.type, condition, column):
            bounds = checked_range(condition, column)
        return None if many else _between(kind_of(values.type), bounds, name)
    wanted = wanted_values(pc.list_flatten(values) if many else values, condition, column).to_pylist()
    literals = [literal(value) for value in wanted]
    if any(text is None for text in literals) or (many and not literals):
        return None
    listed = ", ".join(text for text in literals if text is not None)
    return f"array_contains_any({name}, [{listed}])" if many else f"{name} in [{listed}]"


def _between(kind: str | None, bounds: tuple[Any, Any], name: str) -> str | None:
    parts = []
    for bound, sign, whole in zip(bounds, (">=", "<="), (math.ceil, math.floor), strict=True):
        if bound is None:
            continue
        number = isinstance(bound, int | float) and not isinstance(bound, bool)
        if number and kind in ("number", "whole number") and math.isfinite(bound) and abs(bound) <= _EXACT:
            parts.append(f"{name} {sign} {whole(bound) if kind == 'whole number' else float(bound)!r}")
        elif isinstance(bound, str) and kind == "text":
            parts.append(f"{name} {sign} {literal(bound)}")
        else:
            return None
    if not parts and kind == "number":  # what is not a number is there in a table, and null in an engine
        return None
    return " and ".join(parts) or f"{name} is not null"


def literal(value: Any) -> str | None:
    """A value in an expression; None for one that none can state."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < _WHOLE else None
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    return '"' + str(value).translate(_ESCAPED) + '"'
