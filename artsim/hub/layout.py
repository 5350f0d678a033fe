"""The published layout of a collection: all column groups side by side in `data/`, and the files of `index/`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from artsim.errors import CollectionError
from artsim.files.atomic import make_folders, new_file, remove_tree
from artsim.files.cache import cache_folder
from artsim.files.lock import collection_lock
from artsim.index import CompactIndex, Rows, refilled_first_pass
from artsim.snapshot.dataset_rows import dataset_rows, dataset_schema
from artsim.snapshot.recognition import record_of
from artsim.snapshot.space import Space
from artsim.snapshot.state import State
from artsim.storage.dataset_files import write_dataset
from artsim.storage.manifest import SUBJECT_INDEX, Groups, Manifest, PartRecord, SpaceRecord, record_file

_CHUNK = 8_192  # vectors that are in memory at once


@contextmanager
def publishing_folder(folder: Path) -> Iterator[Path]:
    """An empty folder in the cache for the files of publishing the collection in `folder`; it is cleared afterwards.

    `CollectionError` if another process is publishing that collection. What a killed one left is removed.
    """
    folder = folder.resolve()
    target = cache_folder() / "publishing" / sha256(str(folder).encode()).hexdigest()[:16]
    with collection_lock(target, f"publishing {folder}"):
        try:
            _clear(target)
            yield target
        finally:
            _clear(target)


def _clear(target: Path) -> None:
    for name in ("data", "index"):
        if (target / name).exists():
            remove_tree(target / name)


def write_published(state: State, manifest: Manifest, folder: Path, target: Path) -> Manifest:
    """Write what is published of `state`, read from `folder`, into `target`; returns the manifest without the card.

    Row i of every file is work i. The same works give the same files, whatever was saved how often.
    """
    make_folders(target / "index")
    spaces = [_write_space(*both, folder, target) for both in zip(manifest.spaces, state.spaces, strict=True)]
    with new_file(target / SUBJECT_INDEX) as file:
        _write_flat_index(state.spaces[0].subject, file)
    schema = dataset_schema(state, pictures=manifest.embeds_pictures)
    files = write_dataset(target / "data", schema, dataset_rows(state, schema))
    parts = tuple(PartRecord(path.relative_to(target).as_posix(), rows) for path, rows in files)
    named = [SUBJECT_INDEX, *(part.file for part in parts), *(name for space in spaces for name in space.files)]
    return dataclasses.replace(
        manifest,
        groups=Groups(
            parts, parts, parts if manifest.embeds_pictures else (), () if state.recognition is None else parts
        ),
        spaces=tuple(spaces),
        recognition=record_of(state.recognition),
        files={name: record_file(target / name) for name in sorted(named)},
        retired=(),
        generation=0,
    )


def _write_space(record: SpaceRecord, space: Space, folder: Path, target: Path) -> SpaceRecord:
    """Write the files of a space to `index/`: copies, but for the first pass of a compact index, without removed works."""
    import faiss

    if record.milvus is not None:  # readers of a published collection search it by themselves
        record = dataclasses.replace(record, milvus=None, index=f"{space.name}.faiss" if space.is_compact else None)
    places = {name: f"index/{Path(name).name}" for name in record.files}
    for name, place in places.items():
        with new_file(target / place) as file:
            if name == record.index and isinstance(index := space.index, CompactIndex):
                first_pass = index.first_pass
                if index.codes.physical is not None:
                    first_pass = refilled_first_pass(first_pass, index.codes, index.bits)
                faiss.write_index(first_pass, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
            else:
                file.write(_content(folder / name))
    regions = record.regions
    return dataclasses.replace(
        record,
        statistics=places[record.statistics],
        index=None if record.index is None else places[record.index],
        map=None if record.map is None else places[record.map],
        calibration=None if record.calibration is None else places[record.calibration],
        regions=regions and dataclasses.replace(regions, statistics=places[regions.statistics]),
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:  # as when somebody saves the collection at this moment
        raise CollectionError("{path} cannot be read ({reason}).", path=path, reason=str(error)) from error


def _write_flat_index(vectors: Rows, file: Any) -> None:
    """Write FAISS's IndexFlatIP over `vectors`, in chunks: its file is a header and the numbers, in single precision."""
    import faiss

    header = bytearray(faiss.serialize_index(faiss.IndexFlatIP(vectors.dimension)).tobytes())
    header[8:16] = np.int64(len(vectors)).tobytes()  # after the kind of index and the dimension
    header[-8:] = np.int64(len(vectors) * vectors.dimension).tobytes()
    file.write(header)
    for _, chunk in vectors.chunks(_CHUNK):
        file.write(chunk.astype(np.float32).tobytes())
