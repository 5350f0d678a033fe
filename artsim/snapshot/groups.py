"""Column groups of a state, written as parts: only what is not on disk yet, or all of it where that pays.

Works that were removed leave their rows behind; a group is written anew once too many of its rows are such. A group with too
many parts has the last, small ones merged, so that each row is rewritten only a few times while a collection grows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artsim.embedding.vector_columns import FEATURES_COLUMN, RECOGNITION_COLUMN
from artsim.encoders.recognition_vectors import DIMENSION, REVISION
from artsim.errors import CollectionError
from artsim.files.cache import cache_folder
from artsim.images.local_features import PACKED
from artsim.index import Rows
from artsim.snapshot.generations import Generation
from artsim.snapshot.state import State, Stored
from artsim.storage.manifest import FILE_NAME, ColumnRecord, FileRecord, Manifest, PartRecord, RecognitionRecord
from artsim.storage.pictures import (
    FILE_BYTES,
    AbsentPictures,
    MovablePictures,
    Pictures,
    StoredPictures,
    writing_pictures,
)
from artsim.storage.vector_files import kinds_of, vectors_in_parquet, vectors_of, writing_vectors

MAX_PARTS = 16
MAX_DEAD_VECTORS, MAX_DEAD_PICTURES = 1 / 4, 1 / 2  # share of rows of removed works
_MERGED = 4  # a part is merged with those after it unless it is so many times as large as they
_CHUNK = 8_192  # rows that are copied at once
_RECOGNITION = (RECOGNITION_COLUMN, FEATURES_COLUMN)


@dataclass(frozen=True)
class WrittenVectors:
    """`columns` as they lie on disk now; `moved`: whether a work's vectors lie at another place than before.

    `parts` of the spaces, and `recognition` beside them, with the same rows.
    """

    parts: tuple[PartRecord, ...]
    recognition: tuple[PartRecord, ...]
    columns: Mapping[str, Rows]
    moved: bool


@dataclass(frozen=True)
class WrittenPictures:
    """`rows` (n,): where the picture of each work lies; None in a collection without pictures."""

    parts: tuple[PartRecord, ...] = ()
    rows: np.ndarray | None = None


def columns_of(state: State) -> dict[str, Rows]:
    """All vector columns; spaces may share one."""
    columns = {name: rows for space in state.spaces for name, rows in space.columns().items()}
    return columns if state.recognition is None else {**columns, **state.recognition.columns()}


def physical_rows(rows: Rows) -> np.ndarray:
    """(n,): where the vector of each work lies among the stored ones."""
    return np.arange(len(rows)) if rows.physical is None else rows.physical


def write_vectors(state: State, stored: Stored | None, generation: Generation) -> WrittenVectors:
    """Write what `stored` lacks of the vectors of `state`."""
    columns = columns_of(state)
    anyone = next(iter(columns.values()))
    known = {} if stored is None else columns_of(stored.state)
    shared = all(np.array_equal(physical_rows(rows), physical_rows(anyone)) for rows in columns.values())
    dead = anyone.stored - len(state)
    if stored is None or not shared or dead > MAX_DEAD_VECTORS * anyone.stored or not _begin_with(columns, known):
        moved = any(rows.physical is not None for rows in columns.values())
        written = _write_parts(columns, range(len(state)), Rows.take, generation)
        files = [vectors_of(generation.target / part.file) for part in written if part is not None]
        columns = {name: Rows(arrays) for file in files for name, arrays in file.items()}
        vectors, recognition = written
        return WrittenVectors((vectors,), () if recognition is None else (recognition,), columns, moved)
    groups = stored.manifest.groups
    parts = [list(groups.vectors), list(groups.recognition) if state.recognition is not None else []]
    if new := anyone.stored - next(iter(known.values())).stored:
        sizes = [*(part.rows for part in parts[0]), new]
        if len(sizes) > MAX_PARTS:
            parts = [group[: merge_from(sizes)] for group in parts]
        first = sum(part.rows for part in parts[0])
        written = _write_parts(columns, range(first, anyone.stored), Rows.at, generation)
        for group, part in zip(parts, written, strict=True):
            group += [] if part is None else [part]
    return WrittenVectors(tuple(parts[0]), tuple(parts[1]), columns, moved=False)


def _write_parts(
    columns: Mapping[str, Rows],
    places: range,
    take: Callable[[Rows, np.ndarray], np.ndarray],
    generation: Generation,
) -> tuple[PartRecord, PartRecord | None]:
    """Write the same `places` of the vectors of spaces, and of what works are recognised by if there is that."""
    recognition = {name: rows for name, rows in columns.items() if name in _RECOGNITION}
    spaces = {name: rows for name, rows in columns.items() if name not in _RECOGNITION}
    beside = _write_part("recognition", recognition, places, take, generation) if recognition else None
    return _write_part("vectors", spaces, places, take, generation), beside


def _write_part(
    group: str,
    columns: Mapping[str, Rows],
    places: range,
    take: Callable[[Rows, np.ndarray], np.ndarray],
    generation: Generation,
) -> PartRecord:
    """Write a file of what `take` takes of the columns of a group, in chunks."""
    path = generation.folder / f"{group}-000.arrow"
    with writing_vectors(path, kinds_of({name: rows.parts for name, rows in columns.items()})) as writer:
        for chunk in _chunks(places.start, places.stop):
            writer.write({name: take(rows, chunk) for name, rows in columns.items()})
    return PartRecord(generation.add(path), writer.rows)


def write_pictures(state: State, stored: Stored | None, generation: Generation) -> WrittenPictures:
    """Write what `stored` lacks of the pictures of `state`, or take its files over where they may be moved."""
    pictures = state.pictures
    movable = [part for part in pictures.parts if isinstance(part, MovablePictures)]
    if len(movable) == len(pictures.parts) and np.array_equal(pictures.physical, np.arange(sum(map(len, movable)))):
        names = [
            generation.take_over(part.path, f"pictures-{number:03d}.parquet") for number, part in enumerate(movable)
        ]
        taken = zip(names, movable, strict=True)
        return WrittenPictures(tuple(PartRecord(name, len(part)) for name, part in taken), pictures.physical)
    parts: list[PartRecord] = []
    first = 0
    if stored is not None and _begins_with(pictures.parts, stored.state.pictures.parts):
        kept, total = stored.manifest.groups.pictures, sum(part.rows for part in stored.manifest.groups.pictures)
        alive = int(np.count_nonzero(pictures.physical < total))
        if total - alive <= MAX_DEAD_PICTURES * total:
            parts, first = list(kept), total
            sizes = [*(stored.manifest.files[part.file].size for part in kept), 0]
            if alive < len(state) and sum(size < FILE_BYTES for size in sizes) > MAX_PARTS:
                parts = parts[: merge_from(sizes, full=FILE_BYTES)]
                first = sum(part.rows for part in parts)
    rows = pictures.physical.copy()
    new = np.flatnonzero(rows >= first)
    if len(new):
        ids = state.table.column("id")
        with writing_pictures(generation.folder) as writer:
            for row in new.tolist():
                writer.write(ids[row].as_py(), pictures(row))
        parts += [PartRecord(generation.add(path), count) for path, count in writer.files]
        rows[new] = first + np.arange(len(new))
    return WrittenPictures(tuple(parts), rows)


def merge_from(sizes: Sequence[int], *, full: float = math.inf) -> int:
    """The first of the last parts that are merged into one. A part of the size `full` is left alone."""
    first, total = len(sizes) - 1, sizes[-1]
    while first > 0 and sizes[first - 1] < full and (sizes[first - 1] <= _MERGED * total or not total):
        first -= 1
        total += sizes[first]
    return first


def read_vectors(folder: Path, manifest: Manifest, physical: np.ndarray | None) -> dict[str, Rows]:
    """All vector columns, memory-mapped. `CollectionError` unless the files hold what the manifest says."""
    of_spaces = {column.name: column for space in manifest.spaces for column in space.vector_columns}
    of_recognition = {column.name: column for column in _columns_of_recognition(manifest.recognition)}
    groups = [(part, of_spaces) for part in manifest.groups.vectors]
    groups += [(part, of_recognition) for part in manifest.groups.recognition if of_recognition]
    in_file: dict[PartRecord, dict[str, ColumnRecord]] = {}  # as published, one file holds both groups
    for part, columns_of_group in groups:
        in_file[part] = {**in_file.get(part, {}), **columns_of_group}
    arrays: dict[str, list[np.ndarray]] = {name: [] for name in (*of_spaces, *of_recognition)}
    for part, wanted in in_file.items():
        path = folder / part.file
        if path.suffix == ".parquet":  # as published
            kinds = {column.name: (np.dtype(column.type), column.length) for column in wanted.values()}
            columns = vectors_in_parquet(path, kinds, vectors_copy(manifest.files[part.file]))
        else:
            columns = vectors_of(path)
        for name, column in wanted.items():
            found = [(array.dtype.name, array.shape[1]) for array in columns.get(name, ())]
            rows = sum(len(array) for array in columns.get(name, ()))
            if set(found) != {(column.type, column.length)} or rows != part.rows:
                raise CollectionError(
                    f"{path} does not hold {part.rows} vectors {name} of {column.length} numbers ({column.type}), as "
                    f"{folder / FILE_NAME} says. Fetch or build the collection again."
                )
            arrays[name] += columns[name]
    total = sum(part.rows for part in manifest.groups.vectors)
    if of_recognition and sum(part.rows for part in manifest.groups.recognition) != total:
        raise CollectionError(
            f"The files of {folder} do not belong together: those of recognition have other rows than those of vectors. "
            "Fetch or build the collection again."
        )
    places = _checked_places(folder, manifest, physical, total)
    if places is not None and np.array_equal(places, np.arange(total)):
        places = None
    return {name: Rows(tuple(parts), places) for name, parts in arrays.items()}


def _columns_of_recognition(record: RecognitionRecord | None) -> tuple[ColumnRecord, ...]:
    """The columns that this version of artsim reads: none of vectors that it would not make.

    `CollectionError` for columns that no artsim writes.
    """
    if record is None or record.revision != REVISION:
        return ()
    expected = {RECOGNITION_COLUMN: ("uint8", DIMENSION), FEATURES_COLUMN: ("uint8", PACKED)}
    found = {column.name: (column.type, column.length) for column in record.columns}
    if RECOGNITION_COLUMN not in found or not found.items() <= expected.items():
        raise CollectionError(f"The columns of recognition are {found}, not {expected}. Build the collection again.")
    return record.columns


def vectors_copy(record: FileRecord) -> Path:
    """The file in the cache that the vectors of a published file are copied to."""
    return cache_folder() / "vectors" / f"{record.sha256}.arrow"


def read_pictures(folder: Path, manifest: Manifest, rows: np.ndarray | None) -> Pictures:
    """The pictures, from files that stay open. `CollectionError` unless the files hold what the manifest says."""
    if not manifest.embeds_pictures:
        return Pictures.of(AbsentPictures(manifest.rows))
    parts = tuple(StoredPictures(folder / part.file) for part in manifest.groups.pictures)
    for part, record in zip(parts, manifest.groups.pictures, strict=True):
        if len(part) != record.rows:
            raise CollectionError(
                f"{folder / record.file} holds {len(part)} pictures, but {folder / FILE_NAME} says {record.rows}. Fetch or "
                "build the collection again."
            )
    places = _checked_places(folder, manifest, rows, sum(len(part) for part in parts))
    return Pictures(parts, np.arange(manifest.rows) if places is None else places)


def _checked_places(folder: Path, manifest: Manifest, places: np.ndarray | None, total: int) -> np.ndarray | None:
    """`places` (n,), or None for the first n. `CollectionError` if there are fewer rows than that."""
    needed = manifest.rows if places is None else 1 + int(places.max(initial=-1))
    if needed > total:
        raise CollectionError(
            f"The files of {folder} do not belong together: a work has row {needed - 1} of {total}. Fetch or build the "
            "collection again."
        )
    return np.arange(manifest.rows) if places is None else places


def _chunks(start: int, stop: int) -> Iterator[np.ndarray]:
    for first in range(start, stop, _CHUNK):
        yield np.arange(first, min(first + _CHUNK, stop))


def _begin_with(columns: Mapping[str, Rows], known: Mapping[str, Rows]) -> bool:
    """Whether the parts of all columns are those of `known`, and more."""
    return columns.keys() == known.keys() and all(
        _begins_with(columns[name].parts, known[name].parts) for name in known
    )


def _begins_with(parts: Sequence[object], known: Sequence[object]) -> bool:
    return len(parts) >= len(known) and all(part is other for part, other in zip(parts, known, strict=False))
