"""The metadata of a collection, in parquet: a row for each work, in their order, and where its vectors and picture lie."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from artsim.files.atomic import new_file
from artsim.storage.damage import converting_damage
from artsim.storage.parquet_files import batches, reading_parquet

log = logging.getLogger(__name__)

_METADATA = "a file of metadata"

PHYSICAL_ROW, PICTURE_ROW = "physical_row", "picture_row"
HIDDEN = (PHYSICAL_ROW, PICTURE_ROW)
"""Columns of the file that are no metadata: the row of a work among all stored vectors, and among all stored pictures."""


@dataclass(frozen=True, eq=False)
class Metadata:
    """`table`: a row for each work; `features`: the `datasets` feature of each column.

    `physical_row` and `picture_row` (n,) int64; None where row i belongs to work i, as in published files.
    """

    table: pa.Table
    features: Mapping[str, Any]
    physical_row: np.ndarray | None = None
    picture_row: np.ndarray | None = None


def write_metadata(path: Path, metadata: Metadata) -> None:
    """Write a durable file."""
    from datasets import Features, Value

    table, features = metadata.table, dict(metadata.features)
    for name, rows in ((PHYSICAL_ROW, metadata.physical_row), (PICTURE_ROW, metadata.picture_row)):
        if rows is not None:
            table = table.append_column(name, pa.array(rows, pa.int64()))
            features[name] = Value("int64")
    schema = Features(features).arrow_schema
    with new_file(path) as file:
        pq.write_table(table.select(schema.names).cast(schema), file, compression="zstd")


def read_metadata(paths: Sequence[Path], *, rows: int | None = None, without: Collection[str] = ()) -> Metadata:
    """Read the metadata of so many works (None: of any number) in `paths`, in order; `without` the columns of vectors.

    Raises `CollectionError` for files of anything else. They may come from a stranger: columns are what their types say and
    not what is written beside them; a number that is not finite is missing, and columns of other types are left out.
    """
    with converting_damage(paths[0], _METADATA):
        found = sum(pq.read_metadata(path).num_rows for path in paths)
        if rows not in (None, found):
            raise ValueError(f"it holds {found:,} works, not {rows:,}")
        table = pa.concat_tables([_read_part(path, without) for path in paths])
        table = table.combine_chunks()  # small chunks would slow every reader down
        hidden = {name: _row_numbers(table.column(name)) for name in HIDDEN if name in table.column_names}
        table = table.drop_columns(list(hidden))
        _check_ids(table)
        return Metadata(table, _ReadFeatures(table.schema), hidden.get(PHYSICAL_ROW), hidden.get(PICTURE_ROW))


def _read_part(path: Path, without: Collection[str]) -> pa.Table:
    with reading_parquet(path, _METADATA) as file:
        schema = file.schema_arrow.remove_metadata()
        if len(set(schema.names)) < len(schema.names):
            raise ValueError("two columns have one name")
        wanted = [field for field in schema if field.name != "image" and field.name not in without]
        kept = [field for field in wanted if _is_plain(field.type)]
        if len(kept) < len(wanted):
            left_out = [field.name for field in wanted if field not in kept]
            log.warning("Columns of %s that are not text, numbers or lists of them are left out: %s", path, left_out)
        names = [field.name for field in kept]
        table = pa.Table.from_batches(batches(file, path, names), pa.schema(kept))
        return pa.table([_checked(column) for column in table.columns], names=names)


def _is_plain(kind: pa.DataType) -> bool:
    """Whether the values of a column can be shown, and `datasets` has a feature for them: texts, numbers, dates, or lists of
    them."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return not pa.types.is_list(kind.value_type) and _is_plain(kind.value_type)
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
    number = pa.types.is_boolean(kind) or pa.types.is_decimal128(kind) or pa.types.is_decimal256(kind)
    span = pa.types.is_duration(kind) or pa.types.is_interval(kind)
    return text or number or (pa.types.is_primitive(kind) and not span)


def _checked(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without numbers that are not finite. `OverflowError` for dates that there are not."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if pa.types.is_float16(column.type):  # Arrow computes little with halves
        column = column.cast(pa.float32())
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    if pa.types.is_temporal(column.type):
        pc.min_max(column).as_py()
    return column


class _ReadFeatures(Mapping[str, Any]):
    """The `datasets` features of a table's columns. That package is slow to import, and asking for names does not need it."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema

    @cached_property
    def _features(self) -> Mapping[str, Any]:
        from datasets import Features

        return dict(Features.from_arrow_schema(self._schema))

    def __getitem__(self, name: str) -> Any:
        return self._features[name]

    def __contains__(self, name: object) -> bool:
        return name in self._schema.names

    def __iter__(self) -> Iterator[str]:
        return iter(self._schema.names)

    def __len__(self) -> int:
        return len(self._schema)


def _check_ids(table: pa.Table) -> None:
    """`ValueError` unless each work has a text of its own as its id."""
    if "id" not in table.column_names:
        raise ValueError("it has no column id")
    ids = table.column("id")
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)) or ids.null_count:
        raise ValueError("a work has no id")
    if pc.count_distinct(ids).as_py() < len(ids) or (len(ids) and pc.min(pc.binary_length(ids)).as_py() == 0):
        raise ValueError("two works have the same id, or one of them an empty one")


def _row_numbers(column: pa.ChunkedArray) -> np.ndarray:
    """(n,) int64. `ValueError` unless all are there, different and not negative."""
    if column.null_count or not pa.types.is_int64(column.type):
        raise ValueError("a row number is missing")
    rows = column.to_numpy()
    if len(rows) and (rows.min() < 0 or (np.diff(np.sort(rows)) == 0).any()):
        raise ValueError("two works have the same row number")
    return rows
