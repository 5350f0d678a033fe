"""Parquet files of a collection. One may come from a stranger: it is read in portions, and no further than it can be honest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from artsim.storage.damage import converting_damage

_BATCH = 1_024  # rows that are read at once
_RATIO, _ALWAYS = 100, 500_000_000  # bytes in memory for each byte of a file, and those that any file may take


@contextmanager
def reading_parquet(path: Path, what: str) -> Iterator[pq.ParquetFile]:
    """An open parquet file. Whatever is wrong with it becomes a `CollectionError`: see `converting_damage`."""
    with converting_damage(path, what), pq.ParquetFile(path) as file:
        yield file


def batches(file: pq.ParquetFile, path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of some columns, in portions, each of them valid. `ValueError` if they are more than a file of its size holds.

    Columns that compress without end would fill the memory, or the disk.
    """
    most = _RATIO * path.stat().st_size + _ALWAYS
    size = 0
    for batch in file.iter_batches(batch_size=_BATCH, columns=list(columns)):
        size += batch.nbytes
        if size > most:
            raise ValueError(f"it holds more than {most / 1e6:,.0f} MB")
        batch.validate(full=True)
        yield batch
