"""Works added to and taken out of a collection: each makes new contents and leaves the old ones as they were."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from artsim.collection import metadata_table
from artsim.contents import Contents, IndexedSpace
from artsim.encoders import Encoder, embed
from artsim.encoders.base import Blocks
from artsim.errors import CollectionError, QueryError
from artsim.images import load_image, read_file, to_file
from artsim.index import build_index
from artsim.space import fit_space

_REFIT_GROWTH = 1.25  # a space is fitted anew once the collection has grown by a quarter since
Pictures = Callable[[int], bytes]
State = tuple[Contents, Pictures]


def with_works(
    contents: Contents, pictures: Pictures, works: Sequence[Mapping[str, Any]], encoders: Mapping[str, Encoder]
) -> tuple[State, list[str]]:
    """The collection with `works` at its end, and their ids. See `Collection.add`."""
    files = [_picture_bytes(work) for work in works]
    images = [
        load_image(data, name=_label(work, number))
        for number, (work, data) in enumerate(zip(works, files, strict=True))
    ]
    ids = _new_ids(contents, works)
    rows = [{**work, "id": identity} for work, identity in zip(works, ids, strict=True)]
    if "sha256" in contents.schema:
        rows = [{**row, "sha256": hashlib.sha256(data).hexdigest()} for row, data in zip(rows, files, strict=True)]
    unknown = {key for row in rows for key in row} - set(contents.schema) - {"image"}
    if unknown:
        raise QueryError(
            f"This collection has no column {', '.join(sorted(unknown))}; its columns are {', '.join(contents.schema)}."
        )
    table = pa.concat_tables([contents.table, metadata_table(rows, contents.schema)])
    spaces = tuple(_grown(indexed, embed(encoders[indexed.name], images)) for indexed in contents.spaces)
    old = len(contents)

    def picture(row: int) -> bytes:
        return pictures(row) if row < old else files[row - old]

    return (Contents(table, spaces, contents.schema), picture), ids


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


def _grown(indexed: IndexedSpace, blocks: Blocks) -> IndexedSpace:
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
    return _replaced(indexed, indexed.space.without(keep), vectors, blocks)


def _replaced(indexed: IndexedSpace, space: Any, vectors: np.ndarray, blocks: Blocks) -> IndexedSpace:
    by_column = {indexed.columns[aspect]: block for aspect, block in blocks.items()}
    kind = "auto" if indexed.index.kind == "flat" else indexed.index.kind  # what was asked for stays
    index = build_index(vectors, kind=kind)
    return IndexedSpace(space, index, indexed.encoder, indexed.revision, indexed.columns, by_column.__getitem__)


def _picture_bytes(work: Mapping[str, Any]) -> bytes:
    image = work.get("image")
    if isinstance(image, bytes):
        return image
    if isinstance(image, Image.Image):
        return to_file(image)
    if isinstance(image, str | Path):
        return read_file(image)
    raise QueryError("Each work to add needs an image: a path, bytes or a PIL picture.")


def _label(work: Mapping[str, Any], number: int) -> str:
    image = work.get("image")
    return str(image) if isinstance(image, str | Path) else str(work.get("id") or f"picture {number + 1}")


def _new_ids(contents: Contents, works: Sequence[Mapping[str, Any]]) -> list[str]:
    """The given ids, or file names, or `added-N`; `QueryError` when one is there already."""
    taken = set(contents.rows)
    ids: list[str] = []
    for work in works:
        identity = None if work.get("id") is None else str(work["id"])
        if identity is None:
            image = work["image"]
            base = Path(image).name if isinstance(image, str | Path) else "added"
            identity = base if base not in taken and base != "added" else _numbered(base, taken)
        elif identity in taken:
            raise QueryError(f"There is a work {identity!r} in this collection already.")
        ids.append(identity)
        taken.add(identity)
    return ids


def _numbered(base: str, taken: set[str]) -> str:
    number = 1
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"
