"""Works added to, edited in and taken out of a collection: each makes new contents and leaves the old ones as they were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from artsim.embedding.embed_works import NewVectors, Prepared
from artsim.encoders import Blocks
from artsim.errors import CollectionError, QueryError
from artsim.index import build_index
from artsim.snapshot.space import fit_space
from artsim.snapshot.state import Contents, IndexedSpace, metadata_table

_REFIT_GROWTH = 1.25  # a space is fitted anew once the collection has grown by a quarter since
Pictures = Callable[[int], bytes]
State = tuple[Contents, Pictures]


def with_works(contents: Contents, pictures: Pictures, new: Prepared) -> tuple[State, list[str]]:
    """The collection with works at its end, and their ids. See `Collection.add`."""
    ids = _new_ids(contents, new.works)
    rows = [{**work, "id": identity} for work, identity in zip(new.works, ids, strict=True)]
    if "sha256" in contents.schema:
        rows = [{**row, "sha256": sha} for row, sha in zip(rows, new.hashes, strict=True)]
    check_columns(contents, {key for row in rows for key in row} - {"image"})
    table = pa.concat_tables([contents.table, metadata_table(rows, contents.schema)])
    spaces = tuple(_grown(indexed, new.vectors[indexed.name]) for indexed in contents.spaces)
    old, files = len(contents), new.files

    def picture(row: int) -> bytes:
        return pictures(row) if row < old else files[row - old]()

    return (Contents(table, spaces, contents.schema), picture), ids


def with_values(contents: Contents, row: int, values: Mapping[str, Any]) -> Contents:
    """The collection with other metadata of the work at `row`. See `Collection.edit`."""
    check_columns(contents, set(values))
    for column in ("id", "sha256"):
        if column in values:
            raise QueryError("The {column} of a work cannot be changed.", column=column)
    work = metadata_table([{**contents.work(row), **values}], contents.schema).select(contents.table.column_names)
    before, after = contents.table.slice(0, row), contents.table.slice(row + 1)
    table = pa.concat_tables([before, work.cast(contents.table.schema), after]).combine_chunks()
    return Contents(table, contents.spaces, contents.schema)


def check_columns(contents: Contents, columns: Collection[str]) -> None:
    """`QueryError` unless the collection has all of them."""
    unknown = set(columns) - set(contents.schema)
    if unknown:
        raise QueryError(
            "This collection has no column {unknown}; its columns are {columns}.",
            unknown=sorted(unknown),
            columns=list(contents.schema),
        )


def without_works(contents: Contents, pictures: Pictures, rows: Sequence[int]) -> State:
    """The collection without the works at `rows`."""
    keep = np.ones(len(contents), bool)
    keep[list(rows)] = False
    kept = np.flatnonzero(keep)
    if not len(kept):
        raise CollectionError("A collection cannot be empty: keep at least one work, or delete its folder.")
    spaces = tuple(_shrunk(indexed, keep) for indexed in contents.spaces)
    return Contents(contents.table.filter(pa.array(keep)), spaces, contents.schema), lambda row: pictures(
        int(kept[row])
    )


def _grown(indexed: IndexedSpace, new: NewVectors) -> IndexedSpace:
    regions = indexed.regions
    if regions is not None and new.regions is not None:
        anew = len(indexed.space) + len(new.regions) > _REFIT_GROWTH * regions.statistics.fitted
        regions = regions.extended(new.regions, anew=anew)
    return replace(_grown_space(indexed, new.blocks), regions=regions)


def _grown_space(indexed: IndexedSpace, blocks: Blocks) -> IndexedSpace:
    old = indexed.raw_blocks()
    everything: Blocks = {aspect: np.concatenate([old[aspect], blocks[aspect]]) for aspect in old}
    n = len(everything["subject"])
    if n > _REFIT_GROWTH * indexed.space.fitted:
        space = fit_space(indexed.name, everything, indexed.space.parts)
        vectors = space.place(everything)
    else:
        space = indexed.space.extended(blocks, everything)
        vectors = np.concatenate([indexed.index.vectors(np.arange(n - len(blocks["subject"]))), space.place(blocks)])
    return _replaced(indexed, space, vectors, everything)


def _shrunk(indexed: IndexedSpace, keep: np.ndarray) -> IndexedSpace:
    blocks: Blocks = {aspect: block[keep] for aspect, block in indexed.raw_blocks().items()}
    vectors = indexed.index.vectors(np.flatnonzero(keep))
    smaller = _replaced(indexed, indexed.space.without(keep), vectors, blocks)
    return smaller if indexed.regions is None else replace(smaller, regions=indexed.regions.without(keep))


def _replaced(indexed: IndexedSpace, space: Any, vectors: np.ndarray, blocks: Blocks) -> IndexedSpace:
    by_column = {indexed.columns[aspect]: block for aspect, block in blocks.items()}
    kind = "auto" if indexed.index.kind == "flat" else indexed.index.kind  # what was asked for stays
    index = build_index(vectors, kind=kind)
    return IndexedSpace(space, index, indexed.encoder, indexed.revision, indexed.columns, by_column.__getitem__)


def _new_ids(contents: Contents, works: Sequence[Mapping[str, Any]]) -> list[str]:
    """The given ids, or file names, or `added-N`; `QueryError` when one is there already."""
    taken = set(contents.rows)
    ids: list[str] = []
    for work in works:
        identity = None if work.get("id") is None else str(work["id"])
        if identity is None:
            image = work.get("image")
            base = Path(image).name if isinstance(image, str | Path) else "added"
            identity = base if base not in taken and base != "added" else _numbered(base, taken)
        elif identity in taken:
            raise QueryError("There is a work {work!r} in this collection already.", work=identity)
        ids.append(identity)
        taken.add(identity)
    return ids


def _numbered(base: str, taken: set[str]) -> str:
    number = 1
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"
