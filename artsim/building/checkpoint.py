"""Checkpoint of a build: finished batches of works with their vectors and pictures, in `DIR/building/`.

Every batch, and every merge of small files, writes into a new folder there; `progress.json` names the files that count, and is
replaced when they are durable. So a killed build resumes after its last batch. A finished one takes the files of pictures over
and removes the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from artsim.building.embedded_batches import EmbeddedBatch
from artsim.building.spans import span_of
from artsim.embedding.embedded_works import EmbeddedWorks
from artsim.embedding.vector_columns import columns_of, recognition_columns
from artsim.files import disk
from artsim.files.atomic import make_folders, remove_tree, write_atomically, writing
from artsim.index import Rows
from artsim.snapshot.generations import CHECKPOINT, clear_unnamed
from artsim.snapshot.groups import merge_from
from artsim.snapshot.state import metadata_table
from artsim.storage.metadata import Metadata, read_metadata, write_metadata
from artsim.storage.pictures import (
    FILE_BYTES,
    AbsentPictures,
    MovablePictures,
    Pictures,
    writing_pictures,
)
from artsim.storage.vector_files import VectorKinds, vectors_of, writing_vectors

log = logging.getLogger(__name__)

_PROGRESS = "progress.json"
SHARDS = "shards"  # folder of a checkpoint: works that others embed
_MAX_SMALL = 64  # files of a column group that are smaller than FILE_BYTES
_CHUNK_BYTES = 100_000_000  # of vectors that lie together; what a writer holds in memory


class PartFile(BaseModel):
    """One file of a column group, by its path in the checkpoint."""

    file: str
    rows: int
    size: int


class BuildProgress(BaseModel):
    """The progress of a build, written to `progress.json` after each batch."""

    fingerprint: str
    consumed: int = 0
    """Works read from the source, including those that failed."""
    failed: dict[str, str] = {}
    """Id -> why its picture cannot be used."""
    folders: int = 0
    """Number of the last folder."""
    metadata: list[PartFile] = []
    vectors: list[PartFile] = []
    pictures: list[PartFile] = []

    @property
    def parts(self) -> list[PartFile]:
        return [*self.metadata, *self.vectors, *self.pictures]

    @property
    def works(self) -> int:
        """Number of finished works."""
        return sum(part.rows for part in self.metadata)


@dataclass(frozen=True)
class BuildCheckpoint:
    """`features`: the `datasets` feature of each metadata column; `kinds`: the vector columns; both as they are stored."""

    folder: Path
    """Where it is; it need not exist."""
    features: Mapping[str, Any]
    kinds: VectorKinds
    keeps_pictures: bool

    def resume(self, fingerprint: str, *, limit: int | None) -> BuildProgress:
        """The progress of the last run; from scratch if that was of another source or encoder, or went beyond `limit`."""
        progress = self.saved(fingerprint)
        if progress is not None and (limit is None or progress.consumed <= limit):
            log.info("Going on after %d works that are done already.", progress.consumed)
            self._clear(progress)
            return progress
        _remove(self.folder)
        return BuildProgress(fingerprint=fingerprint)

    def add(self, progress: BuildProgress, batch: EmbeddedBatch) -> None:
        """Write what of a batch can be used into new files, and count all of it in `progress`."""
        if (embedded := batch.embedded) is not None:
            self.write(progress, embedded)
        progress.consumed += len(batch.works)
        progress.failed |= batch.failed

    def write(self, progress: BuildProgress, new: EmbeddedWorks) -> None:
        """Write works with their pictures and vectors into new files, and name these in `progress`."""
        rows = [{**work, "sha256": sha} for work, sha in zip(new.works, new.hashes, strict=True)]
        table = metadata_table(rows, self.features)
        folder = self._next_folder(progress)
        progress.metadata += self._write_metadata(folder, Metadata(table, self.features))
        progress.vectors += self._write_vectors(
            folder, [{**columns_of(new.vectors), **recognition_columns(new.recognition)}]
        )
        if self.keeps_pictures:
            pictures = zip(table.column("id").to_pylist(), (read() for read in new.files), strict=True)
            progress.pictures += self._write_pictures(folder, pictures)

    def save(self, progress: BuildProgress, *, last: bool = False) -> None:
        """Make `progress` durable; then merge small files where there are many, or all of them after the `last` batch."""
        write_atomically(self.folder / _PROGRESS, progress.model_dump_json())
        folder = self._next_folder(progress)
        merged = [
            self._merge(progress.metadata, last, lambda paths: self._write_metadata(folder, read_metadata(paths))),
            self._merge(progress.vectors, last, lambda paths: self._write_vectors(folder, _vectors_in(paths))),
            self._merge(progress.pictures, last, lambda paths: self._write_pictures(folder, _pictures_in(paths))),
        ]
        if any(merged):
            write_atomically(self.folder / _PROGRESS, progress.model_dump_json())
            self._clear(progress)

    @property
    def shards(self) -> Path:
        """The folder of works that others embed, out of order, until they are taken over."""
        return self.folder / SHARDS

    def shard(self, name: str) -> BuildCheckpoint:
        """A shard as a checkpoint of its own: same files, same `progress.json`."""
        return replace(self, folder=self.shards / name)

    def saved(self, fingerprint: str) -> BuildProgress | None:
        """The progress that was saved last; None if there is none, or it was of another fingerprint, or files are missing."""
        try:
            progress = BuildProgress.model_validate_json((self.folder / _PROGRESS).read_bytes())
            complete = all((self.folder / part.file).stat().st_size == part.size for part in progress.parts)
            fits = progress.fingerprint == fingerprint and progress.works == progress.consumed - len(progress.failed)
            return progress if complete and fits else None
        except (OSError, ValueError) as error:
            log.debug("No usable checkpoint in %s: %s", self.folder, error)
            return None

    def take_over(self, progress: BuildProgress, name: str, shard: BuildProgress) -> None:
        """Append the works of a shard to `progress`; its files stay where they are."""
        for ours, theirs in (
            (progress.metadata, shard.metadata),
            (progress.vectors, shard.vectors),
            (progress.pictures, shard.pictures),
        ):
            ours += [part.model_copy(update={"file": f"{SHARDS}/{name}/{part.file}"}) for part in theirs]
        progress.consumed += shard.consumed
        progress.failed |= shard.failed

    def ids(self, progress: BuildProgress) -> set[str]:
        """The ids of all works so far, including those that failed."""
        done = self.metadata(progress).column("id").to_pylist() if progress.metadata else []
        return {*done, *progress.failed}

    def metadata(self, progress: BuildProgress) -> pa.Table:
        return read_metadata([self.folder / part.file for part in progress.metadata]).table

    def vectors(self, progress: BuildProgress) -> dict[str, Rows]:
        """All vector columns, memory-mapped."""
        arrays: dict[str, list[np.ndarray]] = {name: [] for name in self.kinds}
        for part in progress.vectors:
            for name, found in vectors_of(self.folder / part.file).items():
                arrays[name] += found
        return {name: Rows(tuple(parts)) for name, parts in arrays.items()}

    def pictures(self, progress: BuildProgress) -> Pictures:
        """All pictures, in files that a save takes over as they are."""
        if not self.keeps_pictures:
            return Pictures.of(AbsentPictures(progress.works))
        parts = tuple(MovablePictures(self.folder / part.file) for part in progress.pictures)
        return Pictures(parts, np.arange(progress.works))

    def _next_folder(self, progress: BuildProgress) -> Path:
        progress.folders += 1
        return self.folder / f"{progress.folders:06d}"

    def _clear(self, progress: BuildProgress) -> None:
        """Remove the files that `progress` does not name: those of a killed run, and those that were merged."""
        named = {_PROGRESS, *(part.file for part in progress.parts)}
        for entry in self.folder.iterdir():
            if entry.name != SHARDS:
                clear_unnamed(entry, self.folder, named)
        for shard in self.shards.glob("*"):
            span = span_of(shard.name)
            if span is None or span.first < progress.consumed:  # later ones wait for their turn
                clear_unnamed(shard, self.folder, named)

    def _merge(self, parts: list[PartFile], last: bool, write: Callable[[list[Path]], list[PartFile]]) -> bool:
        """Replace the last files of a column group by what `write` makes of them, if they are to be merged."""
        first = _first_to_merge([part.size for part in parts], last=last)
        if first is not None:
            parts[first:] = write([self.folder / part.file for part in parts[first:]])
        return first is not None

    def _write_metadata(self, folder: Path, metadata: Metadata) -> list[PartFile]:
        path = _made(folder) / "metadata.parquet"
        write_metadata(path, metadata)
        return self._durable(folder, [(path, len(metadata.table))])

    def _write_vectors(self, folder: Path, portions: Iterable[Mapping[str, np.ndarray]]) -> list[PartFile]:
        path = _made(folder) / "vectors.arrow"
        size = sum(dtype.itemsize * length for dtype, length in self.kinds.values())
        with writing_vectors(path, self.kinds, chunk=max(1, _CHUNK_BYTES // size)) as writer:
            for portion in portions:
                writer.write(portion)
        return self._durable(folder, [(path, writer.rows)])

    def _write_pictures(self, folder: Path, pictures: Iterable[tuple[str, bytes]]) -> list[PartFile]:
        with writing_pictures(_made(folder)) as writer:
            for identity, picture in pictures:
                writer.write(identity, picture)
        return self._durable(folder, writer.files)

    def _durable(self, folder: Path, files: Sequence[tuple[Path, int]]) -> list[PartFile]:
        """The files of `folder`, which were synced, once their names are; each with its number of rows."""
        with writing(folder):
            disk.sync_folder(folder)
        return [
            PartFile(file=path.relative_to(self.folder).as_posix(), rows=rows, size=path.stat().st_size)
            for path, rows in files
        ]


def remove_checkpoint(target: Path) -> None:
    """Remove the checkpoint of a build into `target`, if there is one."""
    _remove(target / CHECKPOINT)


def _remove(folder: Path) -> None:
    if folder.exists():
        remove_tree(folder)


def _made(folder: Path) -> Path:
    with writing(folder):
        make_folders(folder)
    return folder


def _first_to_merge(sizes: Sequence[int], *, last: bool) -> int | None:
    """The first of the last files, of `sizes` bytes, that are merged into one now; None if they may stay as they are."""
    first = next((number for number, size in enumerate(sizes) if size < FILE_BYTES), len(sizes))
    small = len(sizes) - first
    if not last and sum(sizes[first:]) < FILE_BYTES:
        if small <= _MAX_SMALL:
            return None
        first = merge_from(sizes, full=FILE_BYTES)
    return first if first < len(sizes) - 1 else None


def _vectors_in(paths: Sequence[Path]) -> Iterator[dict[str, np.ndarray]]:
    """All columns of some files, in portions."""
    for path in paths:
        columns = vectors_of(path)
        for arrays in zip(*columns.values(), strict=True):
            yield dict(zip(columns, arrays, strict=True))


def _pictures_in(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Id and picture of all rows of some files."""
    for path in paths:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                for row in file.read_row_group(group).to_pylist():
                    yield row["id"], row["image"]["bytes"]
