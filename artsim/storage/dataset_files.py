"""The parquet files of a published dataset: a table for each row group, in files that the Hub takes well."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from artsim.files.atomic import make_folders, new_file

FILE_BYTES = 380_000_000
"""A file is ended once it is larger; with a row group of 100 MB it stays under the 500 MB that the Hub recommends."""


def write_dataset(folder: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> list[tuple[Path, int]]:
    """Write `train-*.parquet` into `folder`, a row group for each table; returns the files with their numbers of rows.

    The same tables give the same files. Memory holds one table.
    """
    make_folders(folder)
    written: list[tuple[Path, int]] = []
    pending = iter(tables)
    table = next(pending, schema.empty_table())  # a dataset without rows has a file, too
    while table is not None:
        path, rows = folder / f"{len(written):05d}.parquet", 0
        with new_file(path) as file:
            writer = _writer(file, schema)
            try:
                while table is not None and file.tell() < FILE_BYTES:
                    writer.write_table(table, row_group_size=max(len(table), 1))
                    rows += len(table)
                    table = next(pending, None)
                writer.close()
            finally:
                writer.is_open = False  # pyarrow would write the end of an unfinished file whenever it collects it
        written.append((path, rows))
    return [
        (path.rename(folder / f"train-{number:05d}-of-{len(written):05d}.parquet"), rows)
        for number, (path, rows) in enumerate(written)
    ]


def _writer(file: object, schema: pa.Schema) -> pq.ParquetWriter:
    """Pages are cut where the content says so, as the Hub stores a page that it has seen only once.

    Numbers of 8 bits lie in 32 in parquet: split into streams of bytes, they are as small as they were.
    """
    codes = [f"{field.name}.list.element" for field in schema if _is_codes(field.type)]
    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=False,
        write_statistics=False,
        use_content_defined_chunking=True,
        use_byte_stream_split=codes,
    )


def _is_codes(kind: pa.DataType) -> bool:
    return pa.types.is_fixed_size_list(kind) and pa.types.is_uint8(kind.value_type)
