"""`where` filters: conditions on metadata, applied before the top k are taken."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artsim.errors import QueryError
from artsim.messages.message import Message

Where = Mapping[str, Any]


def allowed_rows(table: pa.Table, where: Where | None) -> np.ndarray | None:
    """(n,) bool mask of the rows that meet all conditions; None without conditions.

    A condition is a value (equal), a list or set (any of them), or a tuple `(low, high)` (inclusive range, None for an
    open end). In a column of lists, such as tags, one matching item is enough. A missing value never matches.
    Raises `QueryError` for an unknown column, or a value that cannot be compared with it.
    """
    conditions = {column: value for column, value in (where or {}).items() if not _is_open(value)}
    if not conditions:
        return None
    mask = np.ones(len(table), bool)
    for column, condition in conditions.items():
        if column not in table.column_names:
            raise QueryError(
                "There is no column {column!r} to filter by; there are {columns}.",
                column=column,
                columns=table.column_names,
            )
        mask &= _meets(table.column(column), condition, column)
    return mask


def _is_open(condition: Any) -> bool:
    """Whether a condition restricts nothing: None, or an empty list or set."""
    return condition is None or (isinstance(condition, list | set | frozenset) and not condition)


def _meets(values: pa.ChunkedArray, condition: Any, column: str) -> np.ndarray:
    if _holds_lists(values):
        items = pc.list_flatten(values)
        parents = pc.list_parent_indices(values).to_numpy()
        mask = np.zeros(len(values), bool)
        mask[parents[_meets(items, condition, column)]] = True
        return mask
    try:
        if isinstance(condition, tuple):
            matches = _between(values, condition, column)
        else:
            options = list(condition) if isinstance(condition, list | set | frozenset) else [condition]
            matches = pc.is_in(values, value_set=pa.array(options).cast(values.type).drop_null())
    except (pa.ArrowException, OverflowError, TypeError) as error:
        raise QueryError(
            "The filter {column}={condition!r} does not fit that column, which holds {kind}.",
            column=column,
            condition=condition,
            kind=_kind(values.type),
        ) from error
    return pc.fill_null(matches, False).to_numpy(zero_copy_only=False)


def _holds_lists(values: pa.ChunkedArray) -> bool:
    kind = values.type
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _between(values: pa.ChunkedArray, condition: tuple[Any, ...], column: str) -> Any:
    if len(condition) != 2:
        raise QueryError(
            "The range for {column} must be (low, high); it has {count} values.", column=column, count=len(condition)
        )
    low, high = condition
    if low is not None and high is not None and low > high:
        raise QueryError(
            "The range for {column} is empty: {low} is more than {high}.", column=column, low=low, high=high
        )
    matches = pc.is_valid(values)
    if low is not None:
        matches = pc.and_kleene(matches, pc.greater_equal(values, pa.scalar(low)))
    if high is not None:
        matches = pc.and_kleene(matches, pc.less_equal(values, pa.scalar(high)))
    return matches


def _kind(arrow_type: pa.DataType) -> str:
    if pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type):
        return Message("text")
    return (
        Message("numbers") if pa.types.is_integer(arrow_type) or pa.types.is_floating(arrow_type) else str(arrow_type)
    )


def distinct_values(table: pa.Table, column: str) -> list[tuple[Any, int]]:
    """The distinct values of a column with their number of works, most frequent first; lists count by item."""
    values = table.column(column)
    if _holds_lists(values):
        values = pc.list_flatten(values)
    counts = pc.value_counts(pc.drop_null(values)).to_pylist()
    pairs = [(item["values"], item["counts"]) for item in counts if item["values"] != ""]
    return sorted(pairs, key=lambda pair: (-pair[1], str(pair[0]).casefold()))


def as_plain(value: Any) -> Any:
    """A metadata value in a form that JSON can represent."""
    if isinstance(value, datetime.date | datetime.datetime):
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
    column = "year" if by == "century" and by not in table.column_names else by
    if column not in table.column_names:
        raise QueryError(
            "There is no column {column!r} to group by; there are {columns}.", column=column, columns=table.column_names
        )
    values = table.column(column) if rows is None else table.column(column).take(pa.array(rows, pa.int64()))
    if by == "century" and column == "year":
        return pc.multiply(pc.floor(pc.divide(values.cast(pa.float64()), 100)), 100).cast(pa.int64())
    firsts = _firsts(values) if _holds_lists(values) else values
    is_text = pa.types.is_string(firsts.type) or pa.types.is_large_string(firsts.type)
    return pc.if_else(pc.equal(firsts, ""), pa.scalar(None, firsts.type), firsts) if is_text else firsts


def _firsts(lists: pa.ChunkedArray) -> pa.ChunkedArray:
    """The first item of each list; null for an empty list."""
    filled, starts = np.unique(pc.list_parent_indices(lists).to_numpy(), return_index=True)
    first = np.zeros(len(lists), np.int64)
    first[filled] = starts
    empty = np.ones(len(lists), bool)
    empty[filled] = False
    return pc.list_flatten(lists).take(pa.array(first, mask=empty))
