"""Add, edit and remove works: each operation returns a new state and leaves the old one unchanged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from artsim.embedding.embedded_works import EmbeddedWorks, SpaceVectors
from artsim.encoders import Blocks
from artsim.errors import CollectionError, QueryError
from artsim.index import build_index
from artsim.snapshot.region_index import IndexedRegions
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import SpaceStatistics, fit_statistics
from artsim.snapshot.state import State, metadata_table

_REFIT_GROWTH = 1.25  # a space is refitted once the collection has grown by a quarter since the last fit


def with_works(state: State, new: EmbeddedWorks) -> tuple[State, list[str]]:
    """The state with works appended, and their ids. See `Collection.add`."""
    ids = _new_ids(state, new.works)
    rows = [{**work, "id": identity} for work, identity in zip(new.works, ids, strict=True)]
    if "sha256" in state.schema:
        rows = [{**row, "sha256": sha} for row, sha in zip(rows, new.hashes, strict=True)]
    check_columns(state, {key for row in rows for key in row} - {"image"})
    table = pa.concat_tables([state.table, metadata_table(rows, state.schema)])
    spaces = tuple(_grown(space, new.vectors[space.name]) for space in state.spaces)
    old, files, pictures = len(state), new.files, state.pictures

    def picture(row: int) -> bytes:
        return pictures(row) if row < old else files[row - old]()

    return State(table, spaces, state.schema, picture), ids


def with_values(state: State, row: int, values: Mapping[str, Any]) -> State:
    """The state with changed metadata of the work at `row`. See `Collection.edit`."""
    check_columns(state, set(values))
    for column in ("id", "sha256"):
        if column in values:
            raise QueryError("The {column} of a work cannot be changed.", column=column)
    work = metadata_table([{**state.work(row), **values}], state.schema).select(state.table.column_names)
    before, after = state.table.slice(0, row), state.table.slice(row + 1)
    table = pa.concat_tables([before, work.cast(state.table.schema), after]).combine_chunks()
    return replace(state, table=table)


def check_columns(state: State, columns: Collection[str]) -> None:
    """Raises `QueryError` unless the collection has all `columns`."""
    unknown = set(columns) - set(state.schema)
    if unknown:
        raise QueryError(
            "This collection has no column {unknown}; its columns are {columns}.",
            unknown=sorted(unknown),
            columns=list(state.schema),
        )


def without_works(state: State, rows: Sequence[int]) -> State:
    """The state without the works at `rows`. Raises `CollectionError` if none would remain."""
    keep = np.ones(len(state), bool)
    keep[list(rows)] = False
    kept = np.flatnonzero(keep)
    if not len(kept):
        raise CollectionError("A collection cannot be empty: keep at least one work, or delete its folder.")
    spaces = tuple(_shrunk(space, keep) for space in state.spaces)
    pictures = state.pictures
    return State(state.table.filter(pa.array(keep)), spaces, state.schema, lambda row: pictures(int(kept[row])))


def embedded_works_of(state: State, rows: Sequence[int]) -> EmbeddedWorks:
    """The works at `rows` in the form in which `with_works` adds them again."""
    works = [state.work(row) for row in rows]
    hashes = tuple(work.pop("sha256", None) or "" for work in works)
    vectors = {
        space.name: SpaceVectors(space.raw_blocks(), None if space.regions is None else space.regions.raw()).only(rows)
        for space in state.spaces
    }
    return EmbeddedWorks(tuple(works), tuple(partial(state.pictures, row) for row in rows), hashes, vectors)


def _grown(space: Space, new: SpaceVectors) -> Space:
    old = space.raw_blocks()
    everything: Blocks = {aspect: np.concatenate([old[aspect], new.blocks[aspect]]) for aspect in old}
    n = len(everything["subject"])
    if n > _REFIT_GROWTH * space.statistics.fitted:
        statistics = fit_statistics(space.name, everything, space.statistics.segments)
        vectors = statistics.index_vectors(everything)
    else:
        statistics = space.statistics.extended(new.blocks, everything)
        old_vectors = space.index.vectors(np.arange(len(space.statistics)))
        vectors = np.concatenate([old_vectors, statistics.index_vectors(new.blocks)])
    regions = space.regions
    if regions is not None and new.regions is not None:
        regions = regions.extended(new.regions, refit=n > _REFIT_GROWTH * regions.statistics.fitted)
    return _replaced(space, statistics, vectors, everything, regions)


def _shrunk(space: Space, keep: np.ndarray) -> Space:
    blocks: Blocks = {aspect: block[keep] for aspect, block in space.raw_blocks().items()}
    vectors = space.index.vectors(np.flatnonzero(keep))
    regions = None if space.regions is None else space.regions.without(keep)
    return _replaced(space, space.statistics.without(keep), vectors, blocks, regions)


def _replaced(
    space: Space, statistics: SpaceStatistics, vectors: np.ndarray, blocks: Blocks, regions: IndexedRegions | None
) -> Space:
    by_column = {space.columns[aspect]: block for aspect, block in blocks.items()}
    index = build_index(
        vectors, kind="auto" if space.index.kind == "flat" else space.index.kind
    )  # flat may be outgrown
    return replace(space, statistics=statistics, index=index, load_vectors=by_column.__getitem__, regions=regions)


def _new_ids(state: State, works: Sequence[Mapping[str, Any]]) -> list[str]:
    """Explicit ids, else file names, else `added-N`. Raises `QueryError` if an explicit id exists already."""
    taken = set(state.rows)
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
