"""A collection as one table, as users of plain `datasets` want it: id, picture, metadata and vectors of a work in one row.

The rows come in portions that are cut where the ids say so. So what is written of a portion stays the same when a work
elsewhere is added, changed or removed, and where the Hub stores by contents, little is uploaded.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from artsim.index import Rows
from artsim.snapshot.groups import columns_of
from artsim.snapshot.state import State
from artsim.storage.pictures import IMAGE
from artsim.storage.vector_files import list_column

PORTION_BYTES = 90_000_000
"""Pictures and vectors of a portion at most, or one work: readers hold a portion in memory."""
_FEWEST, _CUT = 8, 24  # rows of a portion at least; then one id in so many begins the next one
_MOST = 64
_WITHOUT_PICTURES = 64  # times as many rows: nobody reads a single one of them


def dataset_schema(state: State, *, pictures: bool) -> pa.Schema:
    """The columns in order, with the `datasets` features: id, picture, metadata, then all vectors."""
    from datasets import Features, Image, List, Value

    columns: dict[str, Any] = {"id": Value("string")}
    if pictures:
        columns["image"] = Image()
    columns |= {name: feature for name, feature in state.schema.items() if name != "id"}
    for name, vectors in columns_of(state).items():
        columns[name] = List(Value(vectors.parts[0].dtype.name), length=vectors.dimension)
    return Features(columns).arrow_schema


def dataset_rows(state: State, schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of all works, in portions. `schema`: from `dataset_schema`."""
    columns = columns_of(state)
    with_pictures = "image" in schema.names
    for start, images in _portions(state, columns, with_pictures=with_pictures):
        rows = np.arange(start, start + len(images))
        table = state.table.slice(start, len(rows))
        if with_pictures:
            table = table.append_column("image", pa.array(images, IMAGE))
        for name, vectors in columns.items():
            table = table.append_column(name, list_column(vectors.take(rows)))
        yield table.select(schema.names).cast(schema)


def _portions(
    state: State, columns: Mapping[str, Rows], *, with_pictures: bool
) -> Iterator[tuple[int, list[dict[str, Any] | None]]]:
    """The first row of each portion, and the pictures of its works."""
    scale = 1 if with_pictures else _WITHOUT_PICTURES
    vector_bytes = sum(vectors.dimension * vectors.parts[0].itemsize for vectors in columns.values())
    start, size = 0, 0
    images: list[dict[str, Any] | None] = []
    for row, identity in enumerate(state.table.column("id").to_pylist()):
        picture = state.pictures(row) if with_pictures else b""
        grown = size + len(picture) + vector_bytes
        begins = len(images) >= _FEWEST * scale and zlib.crc32(identity.encode()) % (_CUT * scale) == 0
        if images and (begins or len(images) == _MOST * scale or grown > PORTION_BYTES):
            yield start, images
            start, images, grown = row, [], len(picture) + vector_bytes
        images.append({"bytes": picture, "path": Path(identity).name} if with_pictures else None)
        size = grown
    if images:
        yield start, images
