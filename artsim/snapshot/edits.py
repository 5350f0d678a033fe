"""Add, edit and remove works: each operation returns a new state and leaves the old one unchanged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artsim.columns import features
from artsim.dates import YEAR_FROM, YEAR_TO
from artsim.embedding.embedded_works import EmbeddedWorks
from artsim.errors import CollectionError, QueryError
from artsim.snapshot.state import State, metadata_table
from artsim.snapshot.years import DATE_COLUMNS
from artsim.storage.manifest import Manifest
from artsim.storage.provenance import extended, stated_license


def with_works(state: State, new: EmbeddedWorks) -> tuple[State, list[str]]:
    """The state with works appended, and their ids. See `Collection.add`."""
    if not new.works:
        return state, []
    ids = _new_ids(state, new.works)
    rows = [{**work, "id": identity} for work, identity in zip(new.works, ids, strict=True)]
    if "sha256" in state.schema:
        rows = [{**row, "sha256": sha} for row, sha in zip(rows, new.hashes, strict=True)]
    check_columns(state, {key for row in rows for key in row} - {"image"})
    table = pa.concat_tables([state.table, metadata_table(rows, state.schema)])
    spaces = tuple(space.appended(new.vectors[space.name]) for space in state.spaces)
    recognition = state.recognition
    if recognition is not None:
        assert new.recognition is not None  # embedded where the collection has it
        recognition = recognition.appended(new.recognition)
    pictures = state.pictures.appended(new.files)
    return replace(state, table=table, spaces=spaces, pictures=pictures, recognition=recognition), ids


def before_others(state: State, manifest: Manifest) -> tuple[State, Manifest]:
    """The state and the manifest before works of others are added: what the source says of its works is not said of those."""
    after = extended(manifest)
    return state if after is manifest else _with_license(state, stated_license(manifest)), after


def _with_license(state: State, license: str) -> State:
    """The state with `license` as the licence of each work that has none of its own; unchanged if it is empty."""
    table = state.table
    if not license:
        return state
    if "license" in state.schema:
        place = table.column_names.index("license")
        own = table.column(place)
        filled = pc.if_else(pc.equal(pc.fill_null(own, ""), ""), pa.scalar(license, own.type), own)
        return replace(state, table=table.set_column(place, table.schema.field(place), filled))
    column = pa.array([license] * len(table), pa.string())
    return replace(
        state, table=table.append_column("license", column), schema={**state.schema, **features(["license"])}
    )


def with_values(state: State, row: int, values: Mapping[str, Any]) -> State:
    """The state with changed metadata of the work at `row`. See `Collection.edit`."""
    check_columns(state, set(values))
    for column in ("id", "sha256"):
        if column in values:
            raise QueryError("The {column} of a work cannot be changed.", column=column)
    changed = {**state.work(row), **_undated(values), **values}
    work = metadata_table([changed], state.schema).select(state.table.column_names)
    before, after = state.table.slice(0, row), state.table.slice(row + 1)
    table = pa.concat_tables([before, work.cast(state.table.schema), after]).combine_chunks()
    return replace(state, table=table, spaces=tuple(space.touched(row) for space in state.spaces))


def _undated(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a change of a date makes of the years that were read from it."""
    return {} if set(DATE_COLUMNS).isdisjoint(values) else {YEAR_FROM: None, YEAR_TO: None}


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
    spaces = tuple(space.only(kept) for space in state.spaces)
    return replace(
        state,
        table=state.table.filter(pa.array(keep)),
        spaces=spaces,
        pictures=state.pictures.only(kept),
        recognition=None if state.recognition is None else state.recognition.only(kept),
    )


def embedded_works_of(state: State, rows: Sequence[int]) -> EmbeddedWorks:
    """The works at `rows` in the form in which `with_works` adds them again."""
    works = [state.work(row) for row in rows]
    hashes = tuple(work.pop("sha256", None) or "" for work in works)
    places = np.array(rows, np.int64)
    vectors = {space.name: space.vectors_of(places) for space in state.spaces}
    recognition = None if state.recognition is None else state.recognition.vectors_of(places)
    files = tuple(partial(state.pictures, row) for row in rows)
    return EmbeddedWorks(tuple(works), files, hashes, vectors, recognition)


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
