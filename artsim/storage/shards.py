"""Parquet shards of a collection, written and read.

Pictures are never all in memory: metadata and vectors are read as columns, a picture by its row group.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artsim.errors import CollectionError, ImageError

SHARD_BYTES = 450_000_000  # under the 500 MB that the Hub recommends
ROW_GROUP = 32  # small, as the pictures of a row group are read together
_PORTION_BYTES = 500_000_000  # of pictures written together; Arrow holds at most 2 GB in one array
_IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def dataset_schema(metadata: Mapping[str, Any], vectors: Mapping[str, int], *, images: bool) -> pa.Schema:
    """The parquet schema, including the `datasets` features: id, image, metadata, one list column per vector."""
    from datasets import Features, Image, List, Value

    columns: dict[str, Any] = {"id": Value("string")}
    if images:
        columns["image"] = Image()
    columns |= {key: feature for key, feature in metadata.items() if key != "id"}
    columns |= {key: List(Value("float32"), length=dimension) for key, dimension in vectors.items()}
    return Features(columns).arrow_schema


def metadata_features(schema: pa.Schema, vectors: Collection[str]) -> dict[str, Any]:
    """The `datasets` features of the columns that are neither pictures nor `vectors`."""
    from datasets import Features

    features = Features.from_arrow_schema(schema)
    return {name: feature for name, feature in features.items() if name != "image" and name not in vectors}


def whole_rows(
    metadata: pa.Table, pictures: Sequence[bytes] | None, vectors: Mapping[str, np.ndarray]
) -> Iterator[pa.Table]:
    """Metadata rows with their pictures, if given, and their vector columns (n, d), in portions that Arrow can hold."""
    ids = metadata.column("id").to_pylist()
    for rows in _portions([len(data) for data in pictures] if pictures is not None else [0] * len(ids)):
        table = metadata.slice(rows.start, len(rows))
        if pictures is not None:
            images = [{"bytes": pictures[row], "path": Path(ids[row]).name} for row in rows]
            table = table.append_column("image", pa.array(images, _IMAGE))
        for name, block in vectors.items():
            table = table.append_column(name, _vector_column(block[rows.start : rows.stop]))
        yield table


def _vector_column(vectors: np.ndarray) -> pa.Array:
    """(n, d) float32 as a fixed-size list column."""
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])


class ShardWriter:
    """Writes tables in order into `data/train-*.parquet` files of about `SHARD_BYTES` each."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder, self._schema = folder / "data", schema
        self._folder.mkdir(parents=True)
        self._writer: pq.ParquetWriter | None = None
        self._paths: list[Path] = []
        self._written = 0

    def write(self, table: pa.Table) -> None:
        if self._writer is None:
            path = self._folder / f"part-{len(self._paths):05d}.parquet"
            self._paths.append(path)
            self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
            self._written = 0
        self._writer.write_table(table.select(self._schema.names).cast(self._schema), row_group_size=ROW_GROUP)
        self._written += table.nbytes
        if self._written > SHARD_BYTES:
            self._finish_shard()

    def _finish_shard(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def close(self) -> None:
        """Rename the shards to their final names, which contain the number of shards."""
        self._finish_shard()
        for number, path in enumerate(self._paths):
            path.rename(path.with_name(f"train-{number:05d}-of-{len(self._paths):05d}.parquet"))


class Shards:
    """Reads the parquet files of a collection, in order."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = list(paths)
        if not self._paths:
            raise CollectionError("The collection has no data files; fetch or build it again.")
        try:
            self._stamps = [_stamp(path) for path in self._paths]
            self._metadata = [pq.read_metadata(path) for path in self._paths]
        except (pa.ArrowException, OSError) as error:
            raise CollectionError(
                "A data file cannot be read as parquet ({reason}); fetch or build it again.", reason=str(error)
            ) from error
        self._cached_group: tuple[int, int, pa.ChunkedArray] | None = None
        self._starts = np.cumsum([0, *(metadata.num_rows for metadata in self._metadata)])
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def schema(self) -> pa.Schema:
        return pq.read_schema(self._paths[0])

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Whole columns, in memory."""
        paths = [self._checked_path(shard) for shard in range(len(self._paths))]
        tables = [pq.read_table(path, columns=list(names), partitioning=None) for path in paths]
        return pa.concat_tables(tables).replace_schema_metadata(None)

    def vectors(self, name: str) -> np.ndarray:
        """An embedding column as (n, d) float32."""
        column = self.columns([name]).column(name)
        if not len(column):
            return np.zeros((0, column.type.list_size), np.float32)
        chunks = [chunk.flatten().to_numpy().reshape(len(chunk), -1) for chunk in column.chunks if len(chunk)]
        return np.concatenate(chunks).astype(np.float32, copy=False)

    def picture(self, row: int) -> bytes:
        """The picture file of one row. `ImageError` when the row holds none.

        Collections are passed on, so rows may be written by strangers: a path, or a text in place of the bytes, is refused.
        """
        shard = int(np.searchsorted(self._starts, row, side="right")) - 1
        offset = row - int(self._starts[shard])
        metadata = self._metadata[shard]
        for group in range(metadata.num_row_groups):
            size = metadata.row_group(group).num_rows
            if offset < size:
                image = self._pictures(shard, group)[offset].as_py()
                data = image.get("bytes") if isinstance(image, dict) else None
                if not isinstance(data, bytes):
                    raise ImageError(
                        "The collection does not hold the picture of {work!r}, and a path in its place is never followed. "
                        "Remove the work, or build the collection again.",
                        work=self.columns(["id"]).column("id")[row].as_py(),
                    )
                return data
            offset -= size
        raise IndexError(row)

    def _pictures(self, shard: int, group: int) -> pa.ChunkedArray:
        """The image column of one row group; the last one is cached, as pictures are mostly read in order."""
        with self._lock:
            path = self._checked_path(shard)
            if self._cached_group is None or self._cached_group[:2] != (shard, group):
                with pq.ParquetFile(path, metadata=self._metadata[shard]) as file:
                    self._cached_group = (shard, group, file.read_row_group(group, columns=["image"]).column("image"))
            return self._cached_group[2]

    def _checked_path(self, shard: int) -> Path:
        """The path of a shard; `CollectionError` when the file was replaced, as its rows may be other works."""
        path = self._paths[shard]
        if not path.is_file() or _stamp(path) != self._stamps[shard]:
            raise CollectionError(
                "{path} was replaced since the collection was opened; open the collection again.", path=path
            )
        return path


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _portions(sizes: Sequence[int]) -> Iterator[range]:
    """Row numbers of pictures of these sizes in bytes, in portions of at most `_PORTION_BYTES` or one picture."""
    start = total = 0
    for row, size in enumerate(sizes):
        if row > start and total + size > _PORTION_BYTES:
            yield range(start, row)
            start, total = row, 0
        total += size
    if start < len(sizes):
        yield range(start, len(sizes))
