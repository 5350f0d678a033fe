"""Labels: the values of a metadata column as classes of works."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from artsim.errors import QueryError

_UNKNOWN = frozenset(
    "anonymous|n/a|none|unidentified|unidentified artist|unknown|unknown artist|unknown painter".split("|")
)
"""Lower-case labels that mean "unknown": two works with such a label share nothing."""


@dataclass(frozen=True)
class Labels:
    """Values of one column: `values[row]` is empty where there is none, and has several items in a list column."""

    column: str
    values: tuple[tuple[Hashable, ...], ...]
    rows: Mapping[Hashable, np.ndarray]
    """Value -> rows with that value, ascending."""

    @property
    def present(self) -> np.ndarray:
        """(n,) bool: whether each work has a label."""
        return np.array([bool(values) for values in self.values], bool)

    def sharing(self, row: int) -> np.ndarray:
        """Rows that share at least one value with `row`, itself included; empty when it has no value."""
        values = self.values[row]
        if not values:
            return np.zeros(0, int)
        if len(values) == 1:
            return self.rows[values[0]]
        return np.unique(np.concatenate([self.rows[value] for value in values]))

    def groups(self) -> np.ndarray:
        """(n,) int: group of each work. Works with exactly the same values share one; a work without a value has its own."""
        names = [values or (None, row) for row, values in enumerate(self.values)]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        return np.array([numbers[name] for name in names], int)


def read_labels(table: pa.Table, column: str, *, literal: bool = False) -> Labels:
    """Read the labels in `column`: text, numbers, or lists of either.

    Null, empty, NaN and words such as "unknown" or "anonymous" count as no label; with `literal`, those words are ordinary
    values. `QueryError` for a column that does not exist, or whose values cannot be labels.
    """
    if column not in table.column_names:
        raise QueryError(
            "There is no column {column!r} to take labels from; there are {columns}.",
            column=column,
            columns=table.column_names,
        )
    kind = table.schema.field(column).type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    item = kind.value_type if is_list else kind
    if pa.types.is_nested(item) or pa.types.is_binary(item) or pa.types.is_large_binary(item):
        raise QueryError(
            "The column {column!r} holds {kind}, which cannot be a label; give a column of text or numbers.",
            column=column,
            kind=str(kind),
        )
    values = []
    for items in table.column(column).to_pylist():
        labels = (_label(item, literal) for item in ((items or ()) if is_list else (items,)))
        values.append(tuple(dict.fromkeys(label for label in labels if label is not None)))
    rows: dict[Hashable, list[int]] = defaultdict(list)
    for row, row_values in enumerate(values):
        for value in row_values:
            rows[value].append(row)
    return Labels(column, tuple(values), {value: np.array(members, int) for value, members in rows.items()})


def _label(value: Hashable, literal: bool) -> Hashable | None:
    """A value as a label, without spaces around it; None where it is missing."""
    if isinstance(value, str):
        value = value.strip()
        return value if value and (literal or value.lower() not in _UNKNOWN) else None
    return value if value == value else None  # NaN differs from itself
