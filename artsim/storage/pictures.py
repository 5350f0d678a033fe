"""The pictures of a collection, in parquet files, read one at a time by their row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artsim.errors import CollectionError, ImageError
from artsim.files.atomic import new_file
from artsim.storage.damage import converting_damage

ROW_GROUP = 32  # small, as the pictures of a row group are read together
ROW_GROUP_BYTES = 100_000_000  # pictures of any size: readers hold a row group in memory
_MOST_BYTES = 10 * ROW_GROUP_BYTES  # that files of others may ask for
FILE_BYTES = 450_000_000
IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
_SCHEMA = pa.schema({"id": pa.string(), "image": IMAGE})

ReadPicture = Callable[[], bytes]


class PicturePart(Protocol):
    """Some pictures, by row."""

    def __len__(self) -> int: ...

    def __call__(self, row: int) -> bytes: ...


@dataclass(frozen=True)
class NewPictures:
    """Pictures that are not in a file of the collection yet."""

    read: Sequence[ReadPicture]

    def __len__(self) -> int:
        return len(self.read)

    def __call__(self, row: int) -> bytes:
        return self.read[row]()


@dataclass(frozen=True)
class AbsentPictures:
    """The works of a collection that holds addresses in place of pictures."""

    count: int

    def __len__(self) -> int:
        return self.count

    def __call__(self, row: int) -> bytes:
        raise CollectionError("This collection holds no pictures, only their addresses (column image_url).")


class StoredPictures:
    """The pictures of one parquet file. It stays open, so that it can be read after a save has removed it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with converting_damage(path, "a file of pictures"):
            self._file = pq.ParquetFile(pa.OSFile(str(path)))
            if not {"id", "image"} <= set(self._file.schema_arrow.names):
                raise ValueError("it lacks the columns id and image")
            groups = [self._file.metadata.row_group(number) for number in range(self._file.num_row_groups)]
            if max((_picture_bytes(group) for group in groups), default=0) > _MOST_BYTES:
                raise ValueError(f"more than {_MOST_BYTES / 1e6:,.0f} MB have to be read at once")
        self._ends = np.cumsum([group.num_rows for group in groups], dtype=np.int64)
        self._cached: tuple[int, pa.ChunkedArray] | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._file.metadata.num_rows

    def __call__(self, row: int) -> bytes:
        """The picture file of one row. `ImageError` when the row holds none.

        Collections are passed on, so rows may be written by strangers: a path, or a text in place of the bytes, is refused.
        """
        if not 0 <= row < len(self):
            raise IndexError(row)
        group = int(np.searchsorted(self._ends, row, side="right"))
        place = row - int(self._ends[group - 1] if group else 0)
        try:
            image = self._images(group)[place].as_py()
        except (ValueError, OverflowError, KeyError):  # of another type than a picture's
            image = None
        data = image.get("bytes") if isinstance(image, dict) else None
        if not isinstance(data, bytes):
            raise ImageError(
                "The collection does not hold the picture of {work!r}, and a path in its place is never followed. "
                "Remove the work, or build the collection again.",
                work=str(self._column(group, "id")[place]),
            )
        return data

    def _images(self, group: int) -> pa.ChunkedArray:
        """The pictures of one row group; the last one is cached, as pictures are mostly read in order."""
        with self._lock:
            if self._cached is None or self._cached[0] != group:
                self._cached = (group, self._column(group, "image"))
            return self._cached[1]

    def _column(self, group: int, name: str) -> pa.ChunkedArray:
        try:
            return self._file.read_row_group(group, columns=[name]).column(name)
        except (pa.ArrowException, OSError) as error:
            raise ImageError("A picture cannot be read from the collection: {reason}", reason=str(error)) from error


def _picture_bytes(group: pq.RowGroupMetaData) -> int:
    """The bytes of the pictures in a row group, once they are read."""
    columns = (group.column(number) for number in range(group.num_columns))
    return sum(column.total_uncompressed_size for column in columns if column.path_in_schema.startswith("image."))


class MovablePictures(StoredPictures):
    """The pictures of one file that a save may take over as it is, as of a finished build."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of all works. Work i has the picture at `physical[i]` of the parts laid end to end."""

    parts: tuple[PicturePart, ...]
    physical: np.ndarray

    @classmethod
    def of(cls, part: PicturePart) -> Pictures:
        """All pictures of one part."""
        return cls((part,), np.arange(len(part)))

    def __len__(self) -> int:
        return len(self.physical)

    def __call__(self, row: int) -> bytes:
        """The picture file of one work."""
        physical = int(self.physical[row])
        part = int(np.searchsorted(self._ends, physical, side="right"))
        return self.parts[part](physical - int(self._ends[part]) + len(self.parts[part]))

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.cumsum([len(part) for part in self.parts])

    def appended(self, read: Sequence[ReadPicture]) -> Pictures:
        """With the pictures of new works at the end."""
        new = self._ends[-1] + np.arange(len(read))
        return Pictures((*self.parts, NewPictures(tuple(read))), np.concatenate([self.physical, new]))

    def only(self, rows: np.ndarray) -> Pictures:
        """Of only these works."""
        return Pictures(self.parts, self.physical[rows])


class PictureWriter:
    """Writes pictures in order into files `pictures-NNN.parquet`. Use it through `writing_pictures`."""

    def __init__(self, folder: Path, open_files: ExitStack) -> None:
        self._folder, self._stack = folder, open_files
        self._writer: pq.ParquetWriter | None = None
        self._group: list[tuple[str, bytes]] = []
        self._group_bytes = self._file_bytes = 0
        self.files: list[tuple[Path, int]] = []
        """The files so far, with the number of pictures in each."""

    def write(self, identity: str, picture: bytes) -> None:
        """Add the picture file of one work."""
        if len(self._group) == ROW_GROUP or (self._group and self._group_bytes + len(picture) > ROW_GROUP_BYTES):
            self._flush()
        self._group.append((identity, picture))
        self._group_bytes += len(picture)

    def close(self) -> None:
        if self._group:
            self._flush()
        self._finish_file()

    def abandon(self) -> None:
        """Forget what is not written. pyarrow would write the end of an unfinished file whenever it collects it."""
        if self._writer is not None:
            self._writer.is_open = False

    def _flush(self) -> None:
        """Write one row group."""
        if self._writer is None:
            path = self._folder / f"pictures-{len(self.files):03d}.parquet"
            file = self._stack.enter_context(new_file(path))
            self._writer = pq.ParquetWriter(
                file, _SCHEMA, compression="none", use_dictionary=False, write_statistics=False
            )
            self.files.append((path, 0))
        images = [{"bytes": picture, "path": _file_name(identity)} for identity, picture in self._group]
        ids = [identity for identity, _ in self._group]
        table = pa.table({"id": pa.array(ids), "image": pa.array(images, IMAGE)}, schema=_SCHEMA)
        self._writer.write_table(table, row_group_size=ROW_GROUP)
        path, rows = self.files[-1]
        self.files[-1] = (path, rows + len(ids))
        self._file_bytes += self._group_bytes
        self._group, self._group_bytes = [], 0
        if self._file_bytes > FILE_BYTES:
            self._finish_file()

    def _finish_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._stack.close()
        self._writer, self._file_bytes = None, 0


@contextmanager
def writing_pictures(folder: Path) -> Iterator[PictureWriter]:
    """Write durable files of pictures into `folder`: `writer.write(id, picture)`, any number of times."""
    with ExitStack() as open_files:
        writer = PictureWriter(folder, open_files)
        try:
            yield writer
            writer.close()
        finally:
            writer.abandon()


def _file_name(identity: str) -> str:
    """The name that a picture has for programs that read the files without artsim."""
    return Path(identity).name
