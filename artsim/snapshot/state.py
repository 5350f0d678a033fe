"""The immutable state of a collection: metadata, pictures and spaces. A search never sees a partial change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from artsim.errors import QueryError
from artsim.snapshot.memo import Memo
from artsim.snapshot.recognition import Recognition
from artsim.snapshot.space import Space
from artsim.snapshot.years import with_years
from artsim.storage.manifest import Manifest
from artsim.storage.pictures import Pictures

_FEW = 1_000  # works


@dataclass(frozen=True, eq=False)
class State:
    """Metadata, spaces and pictures. Row i of `table` belongs to row i of every index."""

    table: pa.Table
    spaces: tuple[Space, ...]
    """The first one answers queries that name none. On disk they have an order of their own: see `save_collection`."""
    schema: Mapping[str, Any]
    """The `datasets` feature of each metadata column."""
    pictures: Pictures = field(repr=False)
    """Called with a row number: the picture file of that work."""
    recognition: Recognition | None = field(default=None, repr=False)
    """None if the collection recognises no works."""
    stored: Stored | None = field(default=None, repr=False)
    """What of it is on disk; None for a state that was never saved. Changes carry it along."""
    memo: Memo = field(default_factory=Memo, init=False, repr=False)

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row number by work id."""
        return {identity: row for row, identity in enumerate(self.table.column("id").to_pylist())}

    def row_of(self, identity: str) -> int:
        """The row number of one work. Raises `QueryError` if there is no such work."""
        if identity not in self.rows:
            raise QueryError("There is no work {work!r} in this collection.", work=identity)
        return self.rows[identity]

    def __len__(self) -> int:
        return len(self.table)

    def work(self, row: int) -> dict[str, Any]:
        """The metadata of one work."""
        return self.table.slice(row, 1).to_pylist()[0]

    def works(self, rows: np.ndarray) -> list[dict[str, Any]]:
        """The metadata of several works."""
        if len(self) < _FEW:
            return [dict(self._few[row]) for row in rows.tolist()]
        return self.table.take(pa.array(rows)).to_pylist()

    @cached_property
    def _few(self) -> list[dict[str, Any]]:
        """The metadata of all works of a small collection: to take ten of them out of the table takes as long as a search."""
        return self.table.to_pylist()


@dataclass(frozen=True, eq=False)
class Stored:
    """The files that a state was read from, so that a save writes only what has changed since."""

    folder: Path
    pointer: str
    """The sha256 of the manifest file: a save finds another one where somebody else has saved."""
    manifest: Manifest
    state: State
    """The state as it was read. What a changed state shares with it is on disk."""


def find_space(state: State, name: str | None) -> Space:
    """The space named `name`, or whose encoder has that id; the first for None. Raises `QueryError` if there is none."""
    for space in state.spaces:
        if name in (None, space.name, space.encoder):
            return space
    names = [space.name for space in state.spaces]
    raise QueryError("There is no encoder {encoder!r}; there are {encoders}.", encoder=name, encoders=names)


def with_first(state: State, names: Sequence[str]) -> State:
    """The state with the spaces of these names first, in this order."""
    places = {name: place for place, name in enumerate(names)}
    spaces = sorted(state.spaces, key=lambda space: places.get(space.name, len(places)))
    return replace(state, spaces=tuple(spaces))


def with_only(state: State, names: Sequence[str]) -> State:
    """The state with only the spaces of these names, in this order. `QueryError` unless each is there, and named once."""
    spaces = tuple(find_space(state, name) for name in names)
    if not spaces or len({space.name for space in spaces}) < len(spaces):
        raise QueryError("Name each encoder to keep once, and one at least, not {encoders}.", encoders=[*names])
    return replace(state, spaces=spaces)


def metadata_table(rows: Sequence[Mapping[str, Any]], features: Mapping[str, Any]) -> pa.Table:
    """Metadata rows as a table with the columns of `features`: `year_from` and `year_to`, if among them, follow the dates.

    Raises `QueryError` if a value does not fit its column.
    """
    from datasets import Features

    schema = Features(dict(features)).arrow_schema.remove_metadata()
    for column in schema:  # Arrow would split a string into a list of characters
        if pa.types.is_list(column.type) and any(isinstance(row.get(column.name), str) for row in rows):
            raise QueryError("A value does not fit its column: {column} holds lists.", column=column.name)
    dated = with_years(rows, schema)
    try:
        return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in dated], schema=schema)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise QueryError("A value does not fit its column: {reason}", reason=str(error)) from error
