"""`where` filters: conditions on metadata, applied before the top k are taken."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artsim.columns import column_of
from artsim.errors import QueryError
from artsim.messages.message import Message
from artsim.snapshot.years import YEAR, has_dates, year_spans

Where = Mapping[str, Any]

_NO_YEAR = 2**63  # a number that no column can hold


def allowed_rows(table: pa.Table, where: Where | None) -> np.ndarray | None:
    """(n,) bool mask of the rows that meet all conditions; None without conditions.

    A condition is a value (equal), a list or set (any of them), or a tuple `(low, high)` (inclusive range, None for an
    open end). In a column of lists, such as tags, one matching item is enough. A missing value never matches. Texts are equal
    if they differ by capitals only, except in columns that are no facets, such as ids. Numbers for `year` are compared with the
    years of each work, however its dates are written: a range matches every work whose span of years overlaps it.
    Raises `QueryError` for an unknown column, or a value that cannot be compared with it.
    """
    conditions = {column: value for column, value in (where or {}).items() if not is_open(value)}
    if not conditions:
        return None
    mask = np.ones(len(table), bool)
    for column, condition in conditions.items():
        spans = year_ranges(condition) if column == YEAR and has_dates(table) else None
        if spans is not None:
            years = year_spans(table)
            mask &= np.any([years.overlap(*checked_range(span, column)) for span in spans], axis=0)
            continue
        if column not in table.column_names:
            raise QueryError(
                "There is no column {column!r} to filter by; there are {columns}.",
                column=column,
                columns=table.column_names,
            )
        mask &= _meets(table.column(column), condition, column)
    return mask


def is_open(condition: Any) -> bool:
    """Whether a condition restricts nothing: None, or an empty list or set."""
    return condition is None or (isinstance(condition, list | set | frozenset) and not condition)


def year_ranges(condition: Any) -> list[tuple[Any, ...]] | None:
    """A condition of whole years, or of ranges of numbers, as ranges; None if there is anything else in it."""
    options = condition if isinstance(condition, list | set | frozenset) else [condition]
    ranges = [option if isinstance(option, tuple) else (option, option) for option in options if option is not None]
    bounds = [bound for ends in ranges for bound in ends if bound is not None]
    numbers = all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in bounds)
    if not numbers or not all(abs(bound) < _NO_YEAR for bound in bounds):
        return None
    whole = all(isinstance(option, tuple) or float(option).is_integer() for option in options if option is not None)
    return ranges if whole else None


def _meets(values: pa.ChunkedArray, condition: Any, column: str) -> np.ndarray:
    if _holds_lists(values):
        items = pc.list_flatten(values)
        parents = pc.list_parent_indices(values).to_numpy()
        mask = np.zeros(len(values), bool)
        mask[parents[_meets(items, condition, column)]] = True
        return mask
    with fitting(values.type, condition, column):
        if isinstance(condition, tuple):
            matches = _between(values, condition, column)
        else:
            matches = pc.is_in(values, value_set=wanted_values(values, condition, column))
    return pc.fill_null(matches, False).to_numpy(zero_copy_only=False)


def wanted_values(values: pa.ChunkedArray, condition: Any, column: str) -> pa.Array:
    """What a condition other than a range wants of the `values` of a column: texts, as they are spelled there."""
    options = list(condition) if isinstance(condition, list | set | frozenset) else [condition]
    with fitting(values.type, condition, column):
        wanted = pa.array(options).cast(values.type).drop_null()
    return _in_any_capitals(values, wanted) if is_text(values.type) and column_of(column).facet is not False else wanted


@contextmanager
def fitting(kind: pa.DataType, condition: Any, column: str) -> Iterator[None]:
    """`QueryError` if a condition cannot be compared with a column of this `kind`."""
    try:
        yield
    except (pa.ArrowException, OverflowError, TypeError) as error:
        raise QueryError(
            "The filter {column}={condition!r} does not fit that column, which holds {kind}.",
            column=column,
            condition=condition,
            kind=_kind(kind),
        ) from error


def _in_any_capitals(values: pa.ChunkedArray, wanted: pa.Array) -> pa.Array:
    """The distinct values that are among `wanted`, or differ from one of these by capitals only."""
    folded = {text.casefold() for text in wanted.to_pylist()}
    spellings = [text for text in pc.unique(values).to_pylist() if text is not None and text.casefold() in folded]
    return pa.array(spellings, values.type)


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _holds_lists(values: pa.ChunkedArray) -> bool:
    kind = values.type
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def checked_range(condition: tuple[Any, ...], column: str) -> tuple[Any, Any]:
    """Low and high of a range. `QueryError` if it is none."""
    if len(condition) != 2:
        raise QueryError(
            "The range for {column} must be (low, high); it has {count} values.", column=column, count=len(condition)
        )
    low, high = condition
    if low is not None and high is not None and low > high:
        raise QueryError(
            "The range for {column} is empty: {low} is more than {high}.", column=column, low=low, high=high
        )
    return low, high


def _between(values: pa.ChunkedArray, condition: tuple[Any, ...], column: str) -> Any:
    low, high = checked_range(condition, column)
    matches = pc.is_valid(values)
    if low is not None:
        matches = pc.and_kleene(matches, pc.greater_equal(values, pa.scalar(low)))
    if high is not None:
        matches = pc.and_kleene(matches, pc.less_equal(values, pa.scalar(high)))
    return matches


def _kind(arrow_type: pa.DataType) -> str:
    if is_text(arrow_type):
        return Message("text")
    return (
        Message("numbers") if pa.types.is_integer(arrow_type) or pa.types.is_floating(arrow_type) else str(arrow_type)
    )


def distinct_values(table: pa.Table, column: str) -> list[tuple[Any, int]]:
    """The distinct values of a column with their number of works, most frequent first; lists count by item.

    Texts that differ by capitals only are one value, in the most common spelling.
    """
    values = table.column(column)
    if _holds_lists(values):
        values = pc.list_flatten(values)
    counts = pc.value_counts(pc.drop_null(_one_spelling(values))).to_pylist()
    pairs = [(item["values"], item["counts"]) for item in counts if item["values"] != ""]
    return sorted(pairs, key=lambda pair: (-pair[1], str(pair[0]).casefold()))


def _one_spelling(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts that differ by capitals only, in the most common spelling of them; other values as they are."""
    if not is_text(values.type):
        return values
    encoded = pa.chunked_array(values).combine_chunks().dictionary_encode()
    spellings: list[str] = encoded.dictionary.to_pylist()
    folded = [text.casefold() for text in spellings]
    if len(set(folded)) == len(spellings):
        return values
    sizes = np.bincount(pc.drop_null(encoded.indices).to_numpy(zero_copy_only=False), minlength=len(spellings)).tolist()
    best: dict[str, int] = {}
    for place, key in enumerate(folded):
        if key not in best or sizes[place] > sizes[best[key]]:
            best[key] = place
    shown = pa.array([spellings[best[key]] for key in folded], values.type)
    return pa.chunked_array([shown.take(encoded.indices)])


def as_plain(value: Any) -> Any:
    """A metadata value in a form that JSON can represent: a number that is not finite is None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        return as_plain(float(value))
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [as_plain(item) for item in value]
    return value


def groups_of(table: pa.Table, by: str, rows: np.ndarray) -> list[Any]:
    """The values of column `by` at `rows`, or the centuries of their years ("1600s" as 1600) for "century".

    None for a missing value; a list counts by its first item. Raises `QueryError` for an unknown column.
    """
    return _grouped(table, by, rows).to_pylist()


def numbered_groups(table: pa.Table, by: str) -> tuple[np.ndarray, list[Any]]:
    """(n,) int: the position of each row's value in the returned list, -1 for none. Values are those of `groups_of`."""
    values = _grouped(table, by, None).combine_chunks().dictionary_encode()
    return pc.fill_null(values.indices, -1).to_numpy(zero_copy_only=False), values.dictionary.to_pylist()


def _grouped(table: pa.Table, by: str, rows: np.ndarray | None) -> pa.ChunkedArray:
    column = YEAR if by == "century" and by not in table.column_names else by
    if by == "century" and column == YEAR and has_dates(table):
        centuries = year_spans(table).centuries if rows is None else year_spans(table).centuries[rows]
        return pa.chunked_array([pa.array(centuries, from_pandas=True).cast(pa.int64())])  # nan is missing
    if column not in table.column_names:
        raise QueryError(
            "There is no column {column!r} to group by; there are {columns}.", column=column, columns=table.column_names
        )
    values = table.column(column)
    firsts = _one_spelling(_firsts(values) if _holds_lists(values) else values)
    firsts = firsts if rows is None else firsts.take(pa.array(rows, pa.int64()))
    return pc.if_else(pc.equal(firsts, ""), pa.scalar(None, firsts.type), firsts) if is_text(firsts.type) else firsts


def _firsts(lists: pa.ChunkedArray) -> pa.ChunkedArray:
    """The first item of each list; null for an empty list."""
    filled, starts = np.unique(pc.list_parent_indices(lists).to_numpy(), return_index=True)
    first = np.zeros(len(lists), np.int64)
    first[filled] = starts
    empty = np.ones(len(lists), bool)
    empty[filled] = False
    return pc.list_flatten(lists).take(pa.array(first, mask=empty))
