"""Save and open a collection: the files of `docs/architecture.md`, verified when they are opened."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import logging
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from artsim.embedding.preprocessing import recorded_preprocessing
from artsim.errors import ArtsimError, CollectionError
from artsim.files.atomic import new_file, remove_tree, write_atomically, writing
from artsim.files.lock import collection_lock
from artsim.snapshot.generations import (
    CARD,
    CHECKPOINT,
    Generation,
    check_target,
    clear_leftovers,
    next_number,
    pointer_of,
)
from artsim.snapshot.groups import (
    WrittenPictures,
    WrittenVectors,
    physical_rows,
    read_pictures,
    read_vectors,
    write_pictures,
    write_vectors,
)
from artsim.snapshot.milvus_files import drop_retired, milvus_uri, retired_by
from artsim.snapshot.recognition import Recognition, record_of
from artsim.snapshot.space import Space
from artsim.snapshot.space_files import read_space, write_space
from artsim.snapshot.state import State, Stored, with_first
from artsim.snapshot.works_map import map_bytes
from artsim.storage.card_figures import Figures
from artsim.storage.dataset_card import dataset_card
from artsim.storage.manifest import (
    FILE_NAME,
    FORMAT_VERSION,
    FileRecord,
    Groups,
    Manifest,
    PartRecord,
    damaged_files,
    read_manifest,
)
from artsim.storage.metadata import Metadata, read_metadata, write_metadata
from artsim.version import VERSION

log = logging.getLogger(__name__)

_SAVED_MEANWHILE = 20  # saves by others that may end while a collection is being opened
_WAIT = 10.0  # seconds for another process that is saving
_NO_PROBLEMS: Mapping[str, str] = {}


def read_collection(folder: Path, *, thorough: bool = False, on_milvus: bool = True) -> tuple[State, Manifest]:
    """Read and verify the collection saved in `folder`; returns its state, and its manifest without damaged files.

    What can be made from the vector columns is made again where it is missing or damaged (in memory, with a warning); any
    other damage raises `CollectionError`. `thorough` also hashes large files. A save that ends meanwhile may remove files:
    then the new collection is read. Unless `on_milvus`, what is searched on Milvus is searched here.
    """
    for _ in range(_SAVED_MEANWHILE):
        pointer = pointer_of(folder)
        try:
            manifest = read_manifest(folder)
            problems = damaged_files(folder, manifest, thorough=thorough)
            for name in sorted(problems.keys() - manifest.rebuildable):
                raise CollectionError(
                    "{path} {problem}. Build or download the collection again.",
                    path=folder / name,
                    problem=problems[name],
                )
            if pointer_of(folder) == pointer:  # else what is missing was removed by a save
                state = read_state(folder, manifest, damaged_indexes=problems, pointer=pointer, on_milvus=on_milvus)
                return state, manifest if state.stored is None else state.stored.manifest
        except (CollectionError, OSError):
            if pointer_of(folder) == pointer:
                raise
    raise CollectionError("{folder} is being saved again and again; open it later.", folder=folder)


def read_state(
    folder: Path,
    manifest: Manifest,
    *,
    damaged_indexes: Mapping[str, str] = _NO_PROBLEMS,
    pointer: str | None = None,
    on_milvus: bool = True,
) -> State:
    """Read the state saved in `folder`, whose files were already compared with `manifest`. Nothing is written there.

    `damaged_indexes` maps each unusable index file to its problem; `pointer` is the hash of the manifest file, for a
    collection that may be saved there again. Only such a one is searched on Milvus, and that only if `on_milvus`: no file from
    the Hub makes this process speak to a server. Raises `CollectionError` if the files do not belong together.
    """
    check_preprocessing(manifest, str(folder / FILE_NAME))
    paths = [folder / part.file for part in manifest.groups.metadata]
    metadata = read_metadata(paths, rows=manifest.rows, without=manifest.vector_columns)
    columns = read_vectors(folder, manifest, metadata.physical_row)
    pictures = read_pictures(folder, manifest, metadata.picture_row)
    on_milvus = on_milvus and pointer is not None
    spaces = tuple(
        read_space(folder, record, columns, damaged_indexes, on_milvus=on_milvus) for record in manifest.spaces
    )
    state = State(metadata.table, spaces, metadata.features, pictures, Recognition.of_columns(columns))
    if pointer is None:
        return state
    whole = dataclasses.replace(manifest, spaces=tuple(record.without(damaged_indexes) for record in manifest.spaces))
    return dataclasses.replace(state, stored=Stored(folder.resolve(), pointer, whole, state))


def check_preprocessing(manifest: Manifest, name: str) -> None:
    """`CollectionError`, with the `name` of the manifest, if this artsim prepares pictures otherwise than its maker did."""
    if any(recorded_preprocessing(record.preprocessing) is None for record in manifest.spaces):
        raise CollectionError(
            "{name} was made by an artsim that prepares pictures differently; build it again.", name=name
        )


def save_collection(
    state: State,
    manifest: Manifest,
    target: Path,
    *,
    locked: bool = False,
    index: str | None = None,
    compact: bool = False,
) -> tuple[State, Manifest]:
    """Write the state into `target`; returns it as it is on disk then, with its manifest.

    In the folder that the state was read from, only what changed is written. Readers find the old collection or the new one.
    On disk the spaces stay in the order of `manifest`, whichever the state prefers: its first one has the map, and is what
    users of plain `datasets` search. Raises `CollectionError` if `target` is something else, cannot be written, or was saved
    by somebody else since the state was read: the state stays as it is, and can be saved in another folder. `locked`: the
    caller holds the collection's lock. `index`: where it is searched, see `milvus_of`; None: where it was before. `compact`
    writes every file anew, and removes the rest of a build, so that `target` holds nothing of works that were removed.
    """
    target = target.expanduser().resolve()
    check_target(target)
    preferred = [space.name for space in state.spaces]
    state = with_first(state, [record.name for record in manifest.spaces])
    with nullcontext() if locked else collection_lock(target, "saving it", wait=_WAIT):
        stored = _stored_in(target, state)
        current = read_manifest(target) if stored is not None else _readable_manifest(target)
        milvus = milvus_uri(index, state.stored)
        known = (
            current is not None or not (target / FILE_NAME).exists()
        )  # what a damaged manifest names is kept for now
        if known:
            clear_leftovers(target, current)
        try:
            with writing(target):
                manifest = _write_generation(state, manifest, target, None if compact else stored, current, milvus)
        except ArtsimError:
            if known:
                clear_leftovers(target, current)
            raise
        pointer = pointer_of(target)
        clear_leftovers(target, manifest)
        if compact and (target / CHECKPOINT).exists():
            remove_tree(target / CHECKPOINT)
        drop_retired(current, manifest, target)
        saved = with_first(read_state(target, manifest, pointer=pointer), preferred)
        if compact and manifest.retired:  # the next save removes what Milvus has of them
            return save_collection(saved, manifest, target, locked=True)
        return saved, manifest


def _stored_in(target: Path, state: State) -> Stored | None:
    """What of the state is in `target`. `CollectionError` if somebody else has saved there since it was read."""
    stored = state.stored
    if stored is None or stored.folder != target:
        return None
    pointer = pointer_of(target)
    if pointer is not None and pointer != stored.pointer:
        raise CollectionError(
            "{folder} was saved by another process since it was opened here, so it is left as it is. Your changes are kept: "
            "save them in another folder, or open the collection again and repeat them.",
            folder=target,
        )
    return None if pointer is None else stored


def _readable_manifest(target: Path) -> Manifest | None:
    """The manifest of a collection that is about to be replaced, whatever its state."""
    try:
        return read_manifest(target)
    except CollectionError as error:
        log.debug("Nothing is kept of %s: %s", target, error)
        return None


def _write_generation(
    state: State,
    manifest: Manifest,
    target: Path,
    stored: Stored | None,
    current: Manifest | None,
    milvus: str | None,
) -> Manifest:
    """Write what changed, sync it, and make it current. Returns the manifest as written."""
    generation = Generation(target, next_number(target, current))
    vectors = write_vectors(state, stored, generation)
    pictures = write_pictures(state, stored, generation) if manifest.embeds_pictures else WrittenPictures()
    metadata = _write_metadata(state, vectors, pictures, stored, generation)
    records = [
        write_space(space, vectors, stored, generation, table=state.table, milvus=milvus) for space in state.spaces
    ]
    records = [
        dataclasses.replace(record, map=_map_on_disk(space, state, stored))
        for record, space in zip(records, state.spaces, strict=True)
    ]
    if records[0].map is None:
        records[0] = dataclasses.replace(records[0], map=_write_map(state, stored, current, generation))
    known = {} if stored is None else stored.manifest.files
    manifest = dataclasses.replace(
        manifest,
        rows=len(state),
        groups=Groups((metadata,), vectors.parts, pictures.parts, vectors.recognition),
        spaces=tuple(records),
        recognition=record_of(state.recognition),
        retired=retired_by(current, records),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        generation=generation.number,
        format_version=FORMAT_VERSION,
        artsim_version=VERSION,
        files={},
    )
    card = collection_card(state, manifest)
    named = {*(part.file for part in manifest.groups.parts), *(name for record in records for name in record.files)}
    files = {**{name: record for name, record in known.items() if name in named}, **generation.sealed()}
    write_atomically(target / CARD, card)
    manifest = dataclasses.replace(manifest, files={**files, CARD: FileRecord.of(card.encode())})
    _make_current(target, manifest)
    return manifest


def _make_current(target: Path, manifest: Manifest) -> None:
    """Replace the manifest file: from here on, readers find the new collection."""
    text = manifest.to_json()
    try:
        write_atomically(target / FILE_NAME, text)
    except CollectionError as error:
        if pointer_of(target) != hashlib.sha256(text.encode()).hexdigest():
            raise
        log.warning("%s is saved, but may not survive a power failure: %s", target, error)


def _write_metadata(
    state: State, vectors: WrittenVectors, pictures: WrittenPictures, stored: Stored | None, generation: Generation
) -> PartRecord:
    physical = physical_rows(next(iter(vectors.columns.values())))
    path = generation.folder / "metadata.parquet"
    write_metadata(path, Metadata(state.table, state.schema, physical, pictures.rows))
    return PartRecord(generation.add(path), len(state))


def _map_on_disk(space: Space, state: State, stored: Stored | None) -> str | None:
    """The map of a space as it was saved, if it has one and its works have stayed."""
    known = None if stored is None else stored.manifest.map_of(space.name)
    if stored is None or known is None or not state.table.column("id").equals(stored.state.table.column("id")):
        return None
    fitted = {before.name: before.statistics for before in stored.state.spaces}
    return known if fitted.get(space.name) is space.statistics else None


def _write_map(state: State, stored: Stored | None, current: Manifest | None, generation: Generation) -> str:
    """The map of the first space, moved along from an older one or drawn."""
    name = state.spaces[0].name
    older = [(generation.target, current)] if current is not None else []
    if state.stored is not None:
        older.append((state.stored.folder, state.stored.manifest))
    maps = [folder / known for folder, manifest in older if (known := manifest.map_of(name)) is not None]
    path = generation.folder / f"{name}.map.safetensors"
    with new_file(path) as file:
        file.write(map_bytes(state, maps[0] if maps else None, along=stored is not None))
    return generation.add(path)


def collection_card(
    state: State, manifest: Manifest, *, repo_id: str | None = None, evaluation: Figures | None = None
) -> str:
    """The dataset card of a collection. See `dataset_card`."""
    return dataset_card(
        manifest,
        schema=state.schema,
        block_dims=[space.statistics.dims_by_aspect for space in state.spaces],
        first_id=str(state.table.column("id")[0].as_py()) if len(state) else "",
        repo_id=repo_id,
        evaluation=evaluation,
    )
