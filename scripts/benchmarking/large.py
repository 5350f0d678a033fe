"""Large collections for measurements: variants of the works of a real collection, each with its own vectors."""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from artsim.collection import Collection
from artsim.encoders.protocol import ASPECTS, unit_rows
from artsim.errors import CollectionError
from artsim.index import Rows
from artsim.opening import open_collection
from artsim.snapshot.files import save_collection
from artsim.snapshot.space import Space, make_space
from artsim.snapshot.state import State
from artsim.storage.pictures import ROW_GROUP
from artsim.version import VERSION
from benchmarking.blends import CHUNK, Blends

_SEED = 12
_MAKERS_PER_NAME = 8  # makers made of each name: thousands of works have about a thousand makers
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
    key = repr((VERSION, base.manifest.title, base.manifest.created, works, _SEED, _MAKERS_PER_NAME))
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

    Each `ROW_GROUP` consecutive works have the metadata and the picture of one work of `base`.
    """
    if not base.manifest.embeds_pictures:
        raise CollectionError(f"{base.manifest.title} holds no pictures; give a collection that does.")
    if any(space.is_compact for space in base.state.spaces):
        raise CollectionError(f"{base.manifest.title} lacks the whole vectors; build it with --whole.")
    rows = np.arange(works) // ROW_GROUP % len(base)
    spaces = tuple(_enlarge(space, works) for space in base.state.spaces)
    state = State(_variants(base.state.table, rows), spaces, base.state.schema, base.state.pictures.only(rows))
    save_collection(state, replace(base.manifest, title=f"{base.manifest.title}, {works:,} variants"), folder)


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


def _enlarge(space: Space, works: int) -> Space:
    """A space of `works` works, each between two of `space`."""
    raw = {aspect: rows.all().astype(np.float32) for aspect, rows in space.raw_blocks().items()}
    blocks: dict[Any, Any] = {
        aspect: Blends(raw[aspect], works, _SEED, number) for number, aspect in enumerate(ASPECTS)
    }
    subject = np.concatenate([unit_rows(chunk) for _, chunk in blocks["subject"].chunks(CHUNK)])
    blocks["subject"] = Rows.of(subject)  # is stored; of the others, only what is computed from them
    segments = space.statistics.segments
    return make_space(space.name, space.encoder, space.revision, blocks, segments=segments)
