"""A collection of any size to measure with: the works of a real one again and again, each with vectors of its own."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from artsim.collection import Collection
from artsim.encoders.protocol import Blocks, unit_rows
from artsim.errors import CollectionError
from artsim.index import build_index
from artsim.opening import open_collection
from artsim.snapshot.files import save_collection
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import fit_statistics
from artsim.snapshot.state import State
from artsim.storage.shards import ROW_GROUP
from artsim.version import VERSION

_SPREAD = 0.45  # every number of a vector is multiplied by 1 - that to 1 + that: signs and zeros stay
_HANDS = 8  # makers of a name and its variants: thousands of works have about a thousand makers
_CHUNK = 4096
_SAMPLE = 1000  # works that the space is fitted on
FOLDER = "artsim-benchmark"
"""In the system's temporary folder."""


def large_collection(base: Collection, works: int) -> Path:
    """The folder of a collection of `works` works like those of `base`, in the system's temporary folder.

    Made once, then found there again. `CollectionError` when `base` has more works, or no pictures.
    """
    if works < len(base):
        raise CollectionError(
            f"{base.manifest.title} has {len(base)} works already; ask for at least as many, not {works}."
        )
    made_of = repr((VERSION, base.manifest.title, base.manifest.created, works, _SPREAD, _HANDS))
    name = f"{works}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"
    folder = Path(tempfile.gettempdir()) / FOLDER / name
    try:
        open_collection(folder)
    except CollectionError:
        started = time.perf_counter()
        print(f"Making {works:,} works like those of {base.manifest.title} in {folder} ...")
        make_large(base, works, folder)
        print(f"Made in {time.perf_counter() - started:.0f} s; remove {folder.parent} when you need it no more.")
    return folder


def make_large(base: Collection, works: int, folder: Path) -> None:
    """Write a collection of `works` works to `folder`.

    `ROW_GROUP` works in a row are variants of one work of `base` and share its picture, which parquet then stores once for
    all of them: the files stay small, and whoever reads a picture decodes one of real size. The space is fitted on a
    sample: on all works it would take minutes and change nothing in how long a search takes.
    """
    if base.manifest.images != "bytes":
        raise CollectionError(f"{base.manifest.title} holds no pictures; take a collection that does.")
    rows = np.arange(works) // ROW_GROUP % len(base)
    spaces = tuple(_enlarged(space, rows) for space in base.state.spaces)
    manifest = replace(base.manifest, title=f"{base.manifest.title}, {works:,} variants")
    pictures = [base.picture(identity) for identity in base.ids]
    state = State(_variants(base.state.table, rows), spaces, base.state.schema, lambda row: pictures[rows[row]])
    save_collection(state, manifest, folder)


def _variants(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """The metadata of the works at `rows`, each with an id of its own; makers in several hands."""
    taken = table.take(pa.array(rows))
    numbers = range(len(rows))
    ids = [f"{identity}-{number}" for identity, number in zip(taken.column("id").to_pylist(), numbers, strict=True)]
    taken = taken.set_column(taken.schema.get_field_index("id"), "id", pa.array(ids))
    if "artist" not in taken.column_names:
        return taken
    artists = [
        name and f"{name} ({number % _HANDS + 1})"
        for name, number in zip(taken.column("artist").to_pylist(), numbers, strict=True)
    ]
    return taken.set_column(taken.schema.get_field_index("artist"), "artist", pa.array(artists, pa.string()))


def _enlarged(space: Space, rows: np.ndarray) -> Space:
    """The space over variants of the works at `rows`, with its index. Statistics are of a sample, as of any large collection."""
    columns = list(space.columns.values())
    originals = {column: space.load_vectors(column) for column in columns}

    def chunks(column: str, wanted: np.ndarray = rows) -> Iterator[np.ndarray]:
        for number, start in enumerate(range(0, len(wanted), _CHUNK)):
            rng = np.random.default_rng((columns.index(column), number))
            yield _varied(originals[column][wanted[start : start + _CHUNK]], rng)

    def load_vectors(column: str) -> np.ndarray:
        return np.concatenate(list(chunks(column)))

    sample = np.arange(max(_SAMPLE, len(space.statistics))) % len(space.statistics)
    drawn: Blocks = {aspect: next(chunks(column, sample)) for aspect, column in space.columns.items()}
    statistics = fit_statistics(space.name, drawn, space.statistics.segments)
    index_vectors = []
    for blocks in zip(*(chunks(column) for column in columns), strict=True):
        portion: Blocks = dict(zip(space.columns, blocks, strict=True))
        index_vectors.append(statistics.index_vectors(portion))
    index = build_index(np.concatenate(index_vectors))
    statistics = replace(statistics, density=statistics.density[rows])  # the sample begins with a variant of each work
    return Space(statistics, index, space.encoder, space.revision, space.columns, load_vectors)


def _varied(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Unit rows near `vectors` (n, d), in numbers of 16 bits: they look no different to a search, and pack well."""
    factors = 1 - _SPREAD + 2 * _SPREAD * rng.random(vectors.shape, np.float32)
    return unit_rows(vectors * factors).astype(np.float16).astype(np.float32)
