"""The metadata of a collection, in parquet: a row for each work, in their order, and where its vectors and picture lie."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artsim.errors import CollectionError
from artsim.files.atomic import new_file

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


def read_metadata(paths: Sequence[Path], *, without: Collection[str] = ()) -> Metadata:
    """Read the metadata in `paths`, in order; `without` the columns of vectors. `CollectionError` for a damaged file."""
    from datasets import Features

    try:
        schema = pq.read_schema(paths[0])
        features = Features.from_arrow_schema(schema)
        names = [name for name in features if name != "image" and name not in without]
        tables = [pq.read_table(path, columns=names, partitioning=None) for path in paths]
        table = pa.concat_tables(tables).replace_schema_metadata(None)
        table = table.combine_chunks()  # thousands of small chunks would slow every reader down
        rows = {name: _row_numbers(table.column(name)) for name in HIDDEN if name in names}
        if "id" not in names:
            raise ValueError("it has no column id")
        return Metadata(
            table.drop_columns(list(rows)),
            {name: features[name] for name in names if name not in rows},
            rows.get(PHYSICAL_ROW),
            rows.get(PICTURE_ROW),
        )
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise CollectionError(
            "{path} is not a file of metadata ({reason}); fetch or build the collection again.",
            path=paths[0] if paths else "metadata",
            reason=" ".join(str(error).split()),
        ) from error


def _row_numbers(column: pa.ChunkedArray) -> np.ndarray:
    """(n,) int64. `ValueError` unless all are there, different and not negative."""
    if column.null_count or not pa.types.is_int64(column.type):
        raise ValueError("a row number is missing")
    rows = column.to_numpy()
    if len(rows) and (rows.min() < 0 or (np.diff(np.sort(rows)) == 0).any()):
        raise ValueError("two works have the same row number")
    return rows
