"""Large collections for measurements: variants of the works of a real collection, each with its own vectors."""

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
from artsim.storage.pictures import ROW_GROUP
from artsim.version import VERSION

_SPREAD = 0.45  # each number of a vector is multiplied by a factor in 1 ± _SPREAD: signs and zeros stay
_MAKERS_PER_NAME = 8  # makers made of each name: thousands of works have about a thousand makers
_CHUNK = 4096
_SAMPLE = 1000  # works on which the space is fitted
FOLDER = "artsim-benchmark"
"""Name of a folder in the system's temporary folder."""


def large_collection(base: Collection, works: int) -> Path:
    """Folder of a collection of `works` variants of the works in `base`, in the system's temporary folder.

    Built once and reused. `CollectionError` when `base` has more works, or no pictures.
    """
    if works < len(base):
        raise CollectionError(
            f"{base.manifest.title} has {len(base)} works; give at least that number of variants, not {works}."
        )
    key = repr((VERSION, base.manifest.title, base.manifest.created, works, _SPREAD, _MAKERS_PER_NAME))
    name = f"{works}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    folder = Path(tempfile.gettempdir()) / FOLDER / name
    try:
        open_collection(folder)
    except CollectionError:
        started = time.perf_counter()
        print(f"Making {works:,} variants of the works of {base.manifest.title} in {folder} ...")
        make_large(base, works, folder)
        print(f"Made in {time.perf_counter() - started:.0f} s; remove {folder.parent} when it is no longer needed.")
    return folder


def make_large(base: Collection, works: int, folder: Path) -> None:
    """Write a collection of `works` works to `folder`.

    Each `ROW_GROUP` consecutive works are variants of one work of `base` and share its picture, which parquet stores once:
    the files stay small, and every picture has its real size. The space is fitted on a sample: fitting it on all works would
    take minutes and not change the search time.
    """
    if not base.manifest.embeds_pictures:
        raise CollectionError(f"{base.manifest.title} holds no pictures; give a collection that does.")
    rows = np.arange(works) // ROW_GROUP % len(base)
    spaces = tuple(_enlarge(space, rows) for space in base.state.spaces)
    manifest = replace(base.manifest, title=f"{base.manifest.title}, {works:,} variants")
    pictures = [base.picture(identity) for identity in base.ids]
    state = State(_variants(base.state.table, rows), spaces, base.state.schema, lambda row: pictures[rows[row]])
    save_collection(state, manifest, folder)


def _variants(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Metadata of the works at `rows`, with unique ids and `_MAKERS_PER_NAME` makers of each name."""
    variants = table.take(pa.array(rows))
    numbers = range(len(rows))
    ids = [f"{identity}-{number}" for identity, number in zip(variants.column("id").to_pylist(), numbers, strict=True)]
    variants = variants.set_column(variants.schema.get_field_index("id"), "id", pa.array(ids))
    if "artist" not in variants.column_names:
        return variants
    artists = [
        name and f"{name} ({number % _MAKERS_PER_NAME + 1})"
        for name, number in zip(variants.column("artist").to_pylist(), numbers, strict=True)
    ]
    return variants.set_column(variants.schema.get_field_index("artist"), "artist", pa.array(artists, pa.string()))


def _enlarge(space: Space, rows: np.ndarray) -> Space:
    """A space and index over variants of the works at `rows`, with statistics of a sample, as in any large collection."""
    columns = list(space.columns.values())
    originals = {column: space.load_vectors(column) for column in columns}

    def chunks(column: str, wanted: np.ndarray = rows) -> Iterator[np.ndarray]:
        for number, start in enumerate(range(0, len(wanted), _CHUNK)):
            rng = np.random.default_rng((columns.index(column), number))
            yield _vary(originals[column][wanted[start : start + _CHUNK]], rng)

    def load_vectors(column: str) -> np.ndarray:
        return np.concatenate(list(chunks(column)))

    sample = np.arange(max(_SAMPLE, len(space.statistics))) % len(space.statistics)
    sample_blocks: Blocks = {aspect: next(chunks(column, sample)) for aspect, column in space.columns.items()}
    statistics = fit_statistics(space.name, sample_blocks, space.statistics.segments)
    index_vectors = []
    for blocks in zip(*(chunks(column) for column in columns), strict=True):
        chunk: Blocks = dict(zip(space.columns, blocks, strict=True))
        index_vectors.append(statistics.index_vectors(chunk))
    index = build_index(np.concatenate(index_vectors))
    statistics = replace(statistics, density=statistics.density[rows])  # the sample begins with a variant of each work
    return Space(statistics, index, space.encoder, space.revision, space.columns, load_vectors)


def _vary(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Unit rows near `vectors` (n, d), rounded to 16 bits: equivalent for a search, and smaller on disk."""
    factors = 1 - _SPREAD + 2 * _SPREAD * rng.random(vectors.shape, np.float32)
    return unit_rows(vectors * factors).astype(np.float16).astype(np.float32)
