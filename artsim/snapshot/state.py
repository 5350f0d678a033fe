"""What is searched: the works' metadata and the spaces over them, frozen, so that a search never sees a half-made change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from artsim.encoders.protocol import Aspect, Blocks
from artsim.errors import QueryError
from artsim.index import VectorIndex, build_index
from artsim.snapshot.region_index import IndexedRegions
from artsim.snapshot.space import Space, fit_space

LoadVectors = Callable[[str], np.ndarray]
"""Name of an embedding column -> its vectors (n, d) float32."""


@dataclass(frozen=True)
class IndexedSpace:
    """A space with what answers it. `columns` maps each aspect to its embedding column in the dataset."""

    space: Space
    index: VectorIndex
    encoder: str
    revision: str
    columns: Mapping[Aspect, str]
    load_vectors: LoadVectors = field(repr=False)
    regions: IndexedRegions | None = None
    """What details are found in, where the collection was built with it."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.space.name

    def raw_blocks(self) -> dict[Aspect, np.ndarray]:
        """The raw, uncentred blocks of all works, read from the dataset."""
        return {aspect: self.load_vectors(column) for aspect, column in self.columns.items()}

    @property
    def raw_subject(self) -> VectorIndex:
        """An index of the plain subject vectors: textbook cosine, and texts. Read on first use, then kept."""
        with self._lock:
            return self._raw_subject

    @cached_property
    def _raw_subject(self) -> VectorIndex:
        return build_index(self.load_vectors(self.columns["subject"]))


@dataclass(frozen=True, eq=False)
class Contents:
    """`table` holds the metadata columns, row i for row i of every index."""

    table: pa.Table
    spaces: tuple[IndexedSpace, ...]
    schema: Mapping[str, Any]
    """The `datasets` feature of each metadata column."""

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row number by work id."""
        return {identity: row for row, identity in enumerate(self.table.column("id").to_pylist())}

    def __len__(self) -> int:
        return len(self.table)

    def work(self, row: int) -> dict[str, Any]:
        """The metadata of one work."""
        return self.table.slice(row, 1).to_pylist()[0]


def make_space(
    name: str,
    encoder: str,
    revision: str,
    columns: Mapping[Aspect, str],
    blocks: Blocks,
    *,
    parts: Mapping[Aspect, tuple[int, ...]] | None = None,
    index_kind: str = "auto",
) -> IndexedSpace:
    """Fit a space to raw blocks (n, d each), put together from `parts` as the encoder says, and index it."""
    space = fit_space(name, blocks, parts)
    index = build_index(space.place(blocks), kind=index_kind)
    by_column = {columns[aspect]: block for aspect, block in blocks.items()}
    return IndexedSpace(space, index, encoder, revision, columns, by_column.__getitem__)


def metadata_table(rows: Sequence[Mapping[str, Any]], features: Mapping[str, Any]) -> pa.Table:
    """Metadata rows as a table with the columns of `features`; `QueryError` when a value does not fit its column."""
    from datasets import Features

    schema = Features(dict(features)).arrow_schema.remove_metadata()
    for column in schema:  # Arrow would take a text for the list of its letters
        if pa.types.is_list(column.type) and any(isinstance(row.get(column.name), str) for row in rows):
            raise QueryError("A value does not fit its column: {column} holds lists.", column=column.name)
    try:
        return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise QueryError("A value does not fit its column: {reason}", reason=str(error)) from error
