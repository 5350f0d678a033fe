"""Vector columns in Arrow IPC files: written in chunks, read memory-mapped, so that opening copies nothing.

Every column is a fixed-size list of float32, float16 or uint8. A file never changes once a manifest names it; it may be
removed while it is mapped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artsim.errors import CollectionError
from artsim.files.atomic import new_file
from artsim.files.cache import is_whole, making
from artsim.index.numbers import check_numbers
from artsim.storage.damage import converting_damage
from artsim.storage.parquet_files import batches, reading_parquet

log = logging.getLogger(__name__)

CHUNK = 131_072  # rows that lie together in one array; what a writer holds in memory
_TYPES: dict[pa.DataType, np.dtype[Any]] = {
    pa.float32(): np.dtype(np.float32),
    pa.float16(): np.dtype(np.float16),
    pa.uint8(): np.dtype(np.uint8),
}

VectorKinds = Mapping[str, tuple["np.dtype[Any]", int]]
"""Column -> type and length of its vectors."""


class VectorWriter:
    """Writes rows of all columns in order. Use it through `writing_vectors`."""

    def __init__(self, writer: pa.ipc.RecordBatchFileWriter, kinds: VectorKinds, size: int) -> None:
        self._writer, self._kinds, self._size = writer, dict(kinds), size
        self._chunk: dict[str, np.ndarray] = {}
        self._filled = 0
        self.rows = 0

    def write(self, columns: Mapping[str, np.ndarray]) -> None:
        """Add rows: column -> (m, d), all columns with the same m."""
        count = len(next(iter(columns.values())))
        start = 0
        while start < count:
            if not self._chunk:
                self._chunk = {name: np.empty((self._size, dim), dtype) for name, (dtype, dim) in self._kinds.items()}
            stop = min(count, start + self._size - self._filled)
            for name, chunk in self._chunk.items():
                chunk[self._filled : self._filled + stop - start] = columns[name][start:stop]
            self._filled += stop - start
            self.rows += stop - start
            start = stop
            if self._filled == self._size:
                self.flush()

    def flush(self) -> None:
        """Write what is left in memory."""
        if self._filled:
            arrays = [list_column(self._chunk[name][: self._filled]) for name in self._kinds]
            self._writer.write_batch(pa.record_batch(arrays, names=list(self._kinds)))
        self._chunk, self._filled = {}, 0


@contextmanager
def writing_vectors(path: Path, kinds: VectorKinds, *, chunk: int = CHUNK) -> Iterator[VectorWriter]:
    """Write a durable file of vector columns: `writer.write({column: (m, d)})`, any number of times.

    `chunk`: rows that lie together in one array; fewer for wide vectors, as they are in memory until they are written.
    """
    types = {dtype: arrow for arrow, dtype in _TYPES.items()}
    schema = pa.schema([(name, pa.list_(types[np.dtype(dtype)], dim)) for name, (dtype, dim) in kinds.items()])
    with new_file(path) as file:
        writer = pa.ipc.new_file(file, schema)
        vectors = VectorWriter(writer, kinds, chunk)
        yield vectors
        vectors.flush()
        writer.close()


def vectors_of(path: Path) -> dict[str, tuple[np.ndarray, ...]]:
    """Column -> its vectors as memory-mapped arrays (at most `CHUNK`, d), in order.

    Raises `CollectionError` for any file but one of `writing_vectors`.
    """
    with converting_damage(path, "a file of vectors"):
        with pa.memory_map(str(path)) as mapped:
            size = mapped.size()
            with pa.ipc.open_file(mapped) as reader:
                _check_types(reader.schema)
                parts = [reader.get_batch(number) for number in range(reader.num_record_batches)]
                schema = reader.schema
        for batch in parts:
            batch.validate()
        if sum(batch.nbytes for batch in parts) > size:
            raise ValueError("its vectors are compressed")
        return {
            field.name: tuple(_array(batch.column(place), field.name) for batch in parts) or (_no_rows(field.type),)
            for place, field in enumerate(schema)
        }


def vectors_in_parquet(path: Path, kinds: VectorKinds, copy: Path) -> dict[str, tuple[np.ndarray, ...]]:
    """The same of the columns `kinds` in a published file: copied once to the Arrow file `copy`, in bounded memory.

    A copy that is damaged, or of another file, is made again. Raises `CollectionError` if the file cannot be read or lacks
    one of the columns.
    """
    if (known := _known_copy(path, kinds, copy)) is not None:
        return known
    with making(copy) as new, reading_parquet(path, "a file of vectors") as file, writing_vectors(new, kinds) as writer:
        for batch in batches(file, path, list(kinds)):
            writer.write({name: _vectors(batch.column(name), *kind) for name, kind in kinds.items()})
    return vectors_of(copy)


def _known_copy(path: Path, kinds: VectorKinds, copy: Path) -> dict[str, tuple[np.ndarray, ...]] | None:
    """The vectors in `copy`; None unless it is whole and holds those of `path`."""
    if not is_whole(copy):
        return None
    try:
        vectors, rows = vectors_of(copy), pq.read_metadata(path).num_rows
    except (CollectionError, OSError, pa.ArrowException) as error:
        log.warning("%s is made again: %s", copy, error)
        return None
    same = kinds_of(vectors) == dict(kinds) and {sum(map(len, parts)) for parts in vectors.values()} == {rows}
    return vectors if same else None


def _vectors(column: pa.Array, dtype: np.dtype[Any], length: int) -> np.ndarray:
    """(n, length): a list column. `ValueError` if it is of another type, or a value is missing."""
    flat = column.flatten()
    if column.null_count or flat.null_count or len(flat) != len(column) * length:
        raise ValueError("a vector is missing or too short")
    vectors = flat.to_numpy().reshape(len(column), length)
    if vectors.dtype != dtype:
        raise ValueError(f"its numbers are {vectors.dtype}")
    return vectors


def kinds_of(columns: Mapping[str, tuple[np.ndarray, ...]]) -> dict[str, tuple[np.dtype, int]]:
    """Type and length of the vectors of each column."""
    return {name: (parts[0].dtype, parts[0].shape[1]) for name, parts in columns.items()}


def _check_types(schema: pa.Schema) -> None:
    """`ValueError` unless every column holds vectors."""
    if len(set(schema.names)) < len(schema.names):
        raise ValueError("two columns have one name")
    for field in schema:
        if type(field.type) is not pa.FixedSizeListType or field.type.value_type not in _TYPES:
            raise ValueError(f"{field.name} is of type {field.type}")


def list_column(vectors: np.ndarray) -> pa.Array:
    """(n, d) as a fixed-size list column; nothing is copied."""
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])


def _array(column: pa.FixedSizeListArray, name: str) -> np.ndarray:
    """(n, d): a column without copying. `ValueError` if a value is missing, or not a number to compute with."""
    flat = column.values if not column.offset else column.flatten()
    if column.null_count or flat.null_count:
        raise ValueError("it lacks values")
    numbers = flat.to_numpy(zero_copy_only=True)[: len(column) * column.type.list_size]
    check_numbers(numbers, name)
    return numbers.reshape(len(column), -1)


def _no_rows(kind: pa.FixedSizeListType) -> np.ndarray:
    return np.zeros((0, int(kind.list_size)), _TYPES[kind.value_type])
