"""Which works share a label: the judgement that retrieval figures rest on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from artsim.errors import QueryError

_SAYS_NOTHING = frozenset(
    "|anonymous|n/a|none|unidentified|unidentified artist|unknown|unknown artist|unknown painter".split("|")
)
"""Labels, in lower case, that say that the label is not known: two such works share nothing."""


@dataclass(frozen=True)
class Labels:
    """The values of one column: `values[row]` is empty where there is none, and holds several in a column of lists."""

    column: str
    values: tuple[tuple[Hashable, ...], ...]
    rows: Mapping[Hashable, np.ndarray]
    """Value -> the rows that have it, ascending."""

    @property
    def present(self) -> np.ndarray:
        """(n,) bool: the works that have a label."""
        return np.array([bool(found) for found in self.values], bool)

    def sharing(self, row: int) -> np.ndarray:
        """The rows that share at least one value with `row`, itself included; none when it has no value."""
        own = self.values[row]
        if not own:
            return np.zeros(0, int)
        return self.rows[own[0]] if len(own) == 1 else np.unique(np.concatenate([self.rows[value] for value in own]))

    def groups(self) -> np.ndarray:
        """(n,) int: works with exactly the same values have the same number; a work without a value is alone."""
        names = [found or (None, row) for row, found in enumerate(self.values)]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        return np.array([numbers[name] for name in names], int)


def read_labels(table: pa.Table, column: str, *, literal: bool = False) -> Labels:
    """The labels in `column`: text, numbers or lists of them.

    Null, empty, NaN and words such as "unknown" or "anonymous" count as no label; with `literal` those words are values
    like any other. `QueryError` for a column that does not exist, or whose values are not labels.
    """
    if column not in table.column_names:
        raise QueryError(
            f"There is no column {column!r} to take labels from; there are {', '.join(table.column_names)}."
        )
    kind = table.schema.field(column).type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    item = kind.value_type if is_list else kind
    if pa.types.is_nested(item) or pa.types.is_binary(item) or pa.types.is_large_binary(item):
        raise QueryError(f"The column {column!r} holds {kind}, which cannot be a label; give one of text or numbers.")
    found = [value if is_list else [value] for value in table.column(column).to_pylist()]
    values = tuple(
        tuple(dict.fromkeys(_clean(item) for item in items or () if not _is_missing(item, literal))) for items in found
    )
    rows: dict[Hashable, list[int]] = defaultdict(list)
    for row, own in enumerate(values):
        for value in own:
            rows[value].append(row)
    return Labels(column, values, {value: np.array(members, int) for value, members in rows.items()})


def _clean(value: Hashable) -> Hashable:
    return value.strip() if isinstance(value, str) else value


def _is_missing(value: Hashable, literal: bool) -> bool:
    if value is None or value != value:  # NaN is the one value that differs from itself
        return True
    if not isinstance(value, str):
        return False
    return not value.strip() or (not literal and value.strip().lower() in _SAYS_NOTHING)


def check_labels(labels: Labels, candidates: np.ndarray) -> None:
    """`QueryError` when the labels of the works where `candidates` (n,) is true can tell no answer from another."""
    found = {value: int(candidates[rows].sum()) for value, rows in labels.rows.items()}
    found = {value: count for value, count in found.items() if count}
    if not found:
        raise QueryError(f"No work that is left has a label in the column {labels.column!r}.")
    if max(found.values()) < 2:
        raise QueryError(
            f"No two works share a value in the column {labels.column!r}, so no answer could be right; give a column "
            "whose values repeat, such as artist or style."
        )
    if len(found) == 1:
        raise QueryError(
            f"The column {labels.column!r} has one class only ({next(iter(found))}), so every answer would be right; "
            "give a column with at least two."
        )
