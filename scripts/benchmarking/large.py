"""Large collections for measurements: variants of the works of a real collection, each with its own vectors."""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from artsim.collection import Collection
from artsim.encoders.protocol import Aspect
from artsim.errors import CollectionError
from artsim.index import Rows
from artsim.opening import open_collection
from artsim.search.calibration import calibrated
from artsim.snapshot.files import save_collection
from artsim.snapshot.space import Space, make_space
from artsim.snapshot.state import State
from artsim.storage.pictures import NewPictures, Pictures
from artsim.version import VERSION
from benchmarking.blends import NOISE, SHARE, Blends, Recipe

_MAKERS_PER_NAME = 8  # makers made of each name: thousands of works have about a thousand makers
_RECIPE = 2  # raise it with every change of what is written
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
    key = repr((VERSION, base.manifest.title, base.manifest.created, works, SHARE, NOISE, _MAKERS_PER_NAME, _RECIPE))
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
    """Write a collection of `works` works to `folder`. A variant of a work of `base` has its picture, in its real size."""
    if not base.manifest.embeds_pictures:
        raise CollectionError(f"{base.manifest.title} holds no pictures; give a collection that does.")
    if any(space.is_compact for space in base.state.spaces):
        raise CollectionError(f"{base.manifest.title} is too large to make variants of; give a smaller collection.")
    rows = np.arange(works) % len(base)
    spaces = tuple(_enlarge(space, rows) for space in base.state.spaces)
    originals = [base.picture(identity) for identity in base.ids]
    pictures = Pictures.of(NewPictures([partial(bytes, originals[row]) for row in rows.tolist()]))
    manifest = replace(base.manifest, title=f"{base.manifest.title}, {works:,} variants")
    state = State(_variants(base.state.table, rows), spaces, base.state.schema, pictures)
    save_collection(calibrated(state), manifest, folder)


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
    """A space of variants of the works at `rows`: each is blended with another work, of which it has the smaller part."""
    recipe = Recipe.draw(len(rows), len(space), seed=0)
    recipe = replace(recipe, first=rows, share=np.maximum(recipe.share, 1 - recipe.share))
    blends: dict[Aspect, Any] = {
        aspect: Blends(block.all().astype(np.float32), len(rows), recipe, seed)
        for seed, (aspect, block) in enumerate(space.raw_blocks().items())
    }
    blends["subject"] = Rows.of(blends["subject"].take(np.arange(len(rows))))  # a space keeps it
    return make_space(space.name, space.encoder, space.revision, blends, segments=space.statistics.segments)
