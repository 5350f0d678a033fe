"""The Milvus collections of a saved collection: filled, added to, opened and removed. See `artsim.index.milvus_collection`.

A save adds entities to the Milvus collection of the state before, or fills a new one: where vectors have moved, the fields no
longer fit, or too many entities lead nowhere. The name of a new one says what it holds, so a fill that ended too early is
found again, and goes on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from artsim.errors import CollectionError
from artsim.index import CompactIndex, ExactIndex, MilvusIndex, Rows, VectorIndex
from artsim.index.milvus_collection import VERSION, Entities, MilvusCollection, names_at
from artsim.index.milvus_server import is_file, located_uri, server_at, stored_uri
from artsim.index.registry import milvus_of
from artsim.snapshot.groups import physical_rows
from artsim.snapshot.scalar_fields import columns_of_fields, scalar_fields, scalar_values
from artsim.snapshot.state import State, Stored
from artsim.storage.manifest import Manifest
from artsim.storage.records import MilvusPlace, MilvusRecord, SpaceRecord

log = logging.getLogger(__name__)

_MAX_DEAD = 1 / 4  # share of entities that lead nowhere
_EDITIONS = 2**22  # by chance, so that two copies of a collection on disk do not overwrite each other's entities
_HASHED = 8_192  # works at once


def write_milvus(
    index: VectorIndex, vectors: Rows, table: pa.Table, uri: str, folder: Path, before: MilvusRecord | None
) -> MilvusRecord:
    """Bring what Milvus at `uri` has of an index up to date; returns its record in the manifest of `folder`.

    `vectors`: a column of vectors as it lies on disk now. `before`: the record of the state before, if none of its vectors has
    moved.
    """
    places, columns = physical_rows(vectors), columns_of_fields(table)
    if before is not None and isinstance(index, MilvusIndex) and before.uri == stored_uri(uri, folder):
        entities = before.entities + len(index.unwritten)
        same_fields = before.fields.items() <= columns.items()
        if (
            before.collection.startswith(_prefix(folder))
            and same_fields
            and entities - len(index) <= _MAX_DEAD * entities
        ):
            new = np.flatnonzero(np.isin(places, index.unwritten))
            edition = 1 + secrets.randbelow(_EDITIONS - 1)
            _write(index.remote, index, places, table, before.fields, new, edition=edition)
            return MilvusRecord(before.uri, before.collection, entities, before.dimension, before.fields)
    return _filled(index, places, table, columns, uri, folder)


def _filled(
    index: VectorIndex, places: np.ndarray, table: pa.Table, columns: Mapping[str, str], uri: str, folder: Path
) -> MilvusRecord:
    """A new Milvus collection with all works, or one that was begun."""
    if is_file(uri):
        Path(uri).parent.mkdir(parents=True, exist_ok=True)
    name = _prefix(folder) + _content_hash(index, places, table.select(sorted(set(columns.values()))))
    server = server_at(located_uri(stored_uri(uri, folder), folder))
    remote = MilvusCollection(server, name, index.dimension)
    for other in names_at(server, _prefix(folder)):
        begun = MilvusCollection(server, other, index.dimension)
        if other != name and begun.is_partial():
            log.info("Removing the Milvus collection %s, which was begun and never completed.", other)
            begun.drop()
    remote.create(list(scalar_fields(table).values()), len(index))
    written = remote.count()
    if written < len(index):
        log.info(
            "Filling the Milvus collection %s at %s: %d of %d works are in it.", name, server.uri, written, len(index)
        )
        left = np.arange(max(0, written - remote.batch), len(index))
        _write(remote, index, places, table, columns, left)
        remote.flush()
    remote.open(len(index))
    return MilvusRecord(stored_uri(uri, folder), name, len(index), index.dimension, columns)


def _write(
    remote: MilvusCollection,
    index: VectorIndex,
    places: np.ndarray,
    table: pa.Table,
    fields: Mapping[str, str],
    rows: np.ndarray,
    *,
    edition: int = 0,
) -> None:
    for start in range(0, len(rows), remote.batch):
        some = rows[start : start + remote.batch]
        remote.write(Entities(places[some], index.vectors(some), scalar_values(table, fields, some)), edition)


def _prefix(folder: Path) -> str:
    """How the names of the Milvus collections of the collection in `folder` begin."""
    return f"artsim_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}_"


def _content_hash(index: VectorIndex, places: np.ndarray, table: pa.Table) -> str:
    found = hashlib.sha256(json.dumps([VERSION, index.dimension, len(index), table.column_names]).encode())
    found.update(places.tobytes())
    for batch in table.combine_chunks().to_batches(max_chunksize=_HASHED):
        found.update(batch.serialize())
    for start in range(0, len(index), _HASHED):
        found.update(index.vectors(np.arange(start, min(start + _HASHED, len(index)))).tobytes())
    return found.hexdigest()[:16]


def open_milvus(record: MilvusRecord, folder: Path, local: VectorIndex, vectors: Rows) -> MilvusIndex:
    """The index of a space that is searched on Milvus, as the manifest in `folder` says; `local` has the vectors.

    `CollectionError` if the server does not answer, or does not have there what the manifest says.
    """
    assert isinstance(local, CompactIndex | ExactIndex)
    uri = located_uri(record.uri, folder)
    if is_file(uri) and not (Path(uri) / "collections").is_dir():  # else Milvus Lite would make it
        raise CollectionError(
            f"{uri} is missing, or no file of Milvus Lite, which {folder} is searched in. Put it back, or repeat artsim build "
            "with the same arguments."
        )
    remote = MilvusCollection(server_at(uri), record.collection, local.dimension)
    remote.open(record.entities)
    return MilvusIndex(local, remote, vectors.physical, record.fields)


def milvus_uri(index: str | None, stored: Stored | None) -> str | None:
    """The server that `index` names, see `milvus_of`; None for FAISS. Without one, the server of the state before."""
    if index is not None:
        return milvus_of(index)
    if stored is None or not stored.manifest.milvus:
        return None
    uri = stored.manifest.milvus[0].uri
    return located_uri(uri, stored.folder) if is_file(uri) else uri


def is_searched_in(state: State, index: str) -> bool:
    """Whether the saved `state` is searched where `index` says, and what it is searched in is there."""
    uri, stored = milvus_of(index), state.stored
    assert stored is not None
    records = [record.milvus for record in stored.manifest.spaces]
    if uri is None:
        return not any(records)
    try:
        for record, space in zip(records, state.spaces, strict=True):
            if record is None or record.uri != stored_uri(uri, stored.folder):
                return False
            open_milvus(record, stored.folder, space.index, space.density)
    except CollectionError as error:
        log.info("It is filled again: %s", error)
        return False
    return True


def retired_by(before: Manifest | None, records: Sequence[SpaceRecord]) -> tuple[MilvusPlace, ...]:
    """The Milvus collections of the manifest `before` that `records` do not search in."""
    kept = {record.milvus.place for record in records if record.milvus is not None}
    return () if before is None else tuple(place for place in before.milvus if place not in kept)


def drop_retired(before: Manifest | None, manifest: Manifest, folder: Path) -> None:
    """Remove the Milvus collections that neither the manifest in `folder` nor the one `before` searches in."""
    if before is None:
        return
    for place in set(before.retired) - {*manifest.retired, *manifest.milvus}:
        if not place.collection.startswith(_prefix(folder)):
            log.warning(
                "%s at %s belongs to a copy of this collection, and is left there.", place.collection, place.uri
            )
            continue
        try:
            MilvusCollection(server_at(located_uri(place.uri, folder)), place.collection, 0).drop()
        except CollectionError as error:
            log.warning("The Milvus collection %s is no longer used, and stays: %s", place.collection, error)
