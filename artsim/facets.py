"""What a collection can be filtered by, found in its own columns; and a varied few of its works to start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artsim.contents import Contents
from artsim.filters import distinct_values

FIRST = (
    "artist creator author period style genre movement school culture medium technique material classification "
    "type department museum country nationality label tags keywords"
).split()
"""Columns that people look for first, in this order; the others follow in the order of the collection."""
_NEVER = frozenset("id title url image_url license sha256 description caption".split())
_MAX_VALUES = 1000  # offered per column, most frequent first
_LONG = 60  # characters: columns with longer values are prose, not categories


@dataclass(frozen=True)
class Facet:
    """One column to filter by: `values` (choose some) or `range` (from, to)."""

    column: str
    kind: Literal["values", "range"]
    values: tuple[tuple[str, int], ...] = ()
    """Each value with how many works have it, most frequent first."""
    low: float = 0
    high: float = 0


def choose_facets(contents: Contents, *, most: int = 8) -> list[Facet]:
    """Up to `most` columns that split the works into groups, best known first, ranges last."""
    table = contents.table
    columns = [name for name in table.column_names if name not in _NEVER]
    columns.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    values: list[Facet] = []
    ranges: list[Facet] = []
    for column in columns:
        facet = _facet(table, column)
        if facet is None or (facet.kind == "values" and any(_says_the_same(table, column, f.column) for f in values)):
            continue
        (ranges if facet.kind == "range" else values).append(facet)
    ranges.sort(key=lambda facet: "year" not in facet.column)
    ranges = ranges[:2]
    return values[: most - len(ranges)] + ranges


def _facet(table: pa.Table, column: str) -> Facet | None:
    kind = table.column(column).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _range(table, column)
    item = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    if not pa.types.is_string(item) and not pa.types.is_large_string(item):
        return None
    found = [(value, count) for value, count in distinct_values(table, column) if value.strip()]
    covered = sum(count for _, count in found)
    repeats = len(found) >= 2 and any(count > 1 for _, count in found)
    groups = len(found) <= covered / 2 or column in FIRST
    if not repeats or not groups or np.mean([len(value) for value, _ in found]) > _LONG:
        return None
    return Facet(column, "values", values=tuple(found[:_MAX_VALUES]))


def _range(table: pa.Table, column: str) -> Facet | None:
    extremes = pc.min_max(table.column(column)).as_py()
    low, high = extremes["min"], extremes["max"]
    if low is None or not np.isfinite([low, high]).all() or low == high or column.endswith("id"):
        return None
    return Facet(column, "range", low=low, high=high)


def _says_the_same(table: pa.Table, column: str, chosen: str) -> bool:
    """Whether the two columns split the works in nearly the same way (artist and artist_bio, culture and nationality)."""
    if any(pa.types.is_nested(table.column(name).type) for name in (column, chosen)):
        return False
    pairs = table.select([column, chosen]).group_by([column, chosen]).aggregate([])
    sizes = sorted(pc.count_distinct(table.column(name), mode="all").as_py() for name in (column, chosen))
    return sizes[0] >= 0.6 * sizes[1] and len(pairs) <= 1.15 * sizes[1]


def varied_works(contents: Contents, count: int = 12) -> list[str]:
    """Ids of up to `count` works, each standing for a different part of the collection; always the same ones.

    Greedy facility location over the index vectors of at most 2,000 evenly spaced works: every next work is the one that
    brings the others nearest to a chosen one.
    """
    step = max(1, len(contents) // 2000)
    rows = np.arange(0, len(contents), step)
    vectors = contents.spaces[0].index.vectors(rows)
    likeness = vectors @ vectors.T
    nearest = np.full(len(rows), likeness.min())
    chosen: list[int] = []
    for _ in range(min(count, len(rows))):
        gain = np.maximum(likeness - nearest[:, None], 0).sum(axis=0)
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        nearest = np.maximum(nearest, likeness[:, best])
    ids: list[Any] = contents.table.column("id").take(pa.array(rows[chosen])).to_pylist()
    return [str(identity) for identity in ids]
