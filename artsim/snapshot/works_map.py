"""The map of a collection: all works on one wall, like beside like, drawn when a collection is saved and kept with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from artsim.encoders.presets import PRESETS
from artsim.errors import CollectionError
from artsim.snapshot.grid_layout import columns_for, place_on_grid, principal, sample_rows
from artsim.snapshot.space import Space
from artsim.snapshot.state import State
from artsim.storage.manifest import map_name

_CHUNK = 8192  # works whose index vectors are in memory at once
QUICK = 5_000  # up to so many works are hung in seconds, so they are hung anew rather than made to fit in
_KNOWN = 0.8  # share of works that must have a place already for the others to be hung among them


@dataclass(frozen=True)
class WorksMap:
    """Which work is where. Cells are counted from the top left along the rows; the last row may be short."""

    columns: int
    order: np.ndarray
    """(n,) int32: the row of the collection's table that hangs in each cell."""

    @property
    def rows(self) -> int:
        """Rows of cells."""
        return -(-len(self.order) // self.columns)

    @cached_property
    def cells(self) -> np.ndarray:
        """(n,) int32: the cell of each row of the table."""
        cells = np.empty(len(self.order), np.int32)
        cells[self.order] = np.arange(len(self.order))
        return cells

    @property
    def positions(self) -> np.ndarray:
        """(n, 2) float32 in 0..1: across and down, the middle of the cell of each row of the table."""
        down, across = np.divmod(self.cells, self.columns)
        return np.stack([(across + 0.5) / self.columns, (down + 0.5) / self.rows], axis=1).astype(np.float32)


@dataclass(frozen=True)
class StoredMap:
    """A map as it is kept: by the ids of works, so that it also serves after works were added or removed."""

    columns: int
    keys: np.ndarray
    """(n,) uint64: see `work_keys`, in the order of cells."""
    encoder: str
    revision: str

    def fits(self, space: Space) -> bool:
        """Whether it was drawn by the encoder of that space."""
        return (self.encoder, self.revision) == (space.encoder, space.revision)


def map_of(state: State, known: StoredMap | None) -> WorksMap:
    """The map of `state`, made from a map that is `known` already where that still fits, else drawn anew."""
    space = state.spaces[0]
    drawn = _adapted(known, state, space) if known is not None and known.fits(space) else None
    return draw_map(space) if drawn is None else drawn


def draw_map(space: Space, *, start: np.ndarray | None = None, columns: int | None = None) -> WorksMap:
    """A new map of all works of a space. `start` is an order to begin from: then only neighbourhoods are sorted."""
    vectors = _reduced(space)
    columns = columns or columns_for(len(vectors))
    return WorksMap(columns, place_on_grid(vectors, columns, start=start))


def save_map(state: State, folder: Path, old: Path) -> None:
    """Draw the map of `state` into `folder`, beginning from the one of the collection in `old`, if it has one of use.

    `OSError` when it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    space = state.spaces[0]
    name = map_name(space.name)
    stored = read_map(old / name)
    begun = None
    if len(state) > QUICK and stored is not None and stored.fits(space):
        begun = _adapted(stored, state, space)
    drawn = draw_map(space) if begun is None else draw_map(space, start=begun.order, columns=begun.columns)
    keys = work_keys(state.table.column("id").to_pylist())[drawn.order]
    header = {"columns": str(drawn.columns), "encoder": space.encoder, "revision": space.revision}
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    try:
        save_file({"keys": keys}, path, metadata={"map": json.dumps(header)})
    except SafetensorError as error:  # what it raises when the disk is full
        raise OSError(" ".join(str(error).split())) from error
    path.chmod(0o644)  # safetensors writes files that only their owner can read


def load_map(path: Path) -> StoredMap:
    """Read what `save_map` wrote. `CollectionError` when it is something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})["map"])
            keys = file.get_tensor("keys")
            columns = int(header["columns"])
            if keys.ndim != 1 or keys.dtype != np.uint64 or not 1 <= columns <= max(1, len(keys)):
                raise ValueError("its numbers make no map")
            return StoredMap(columns, keys, str(header["encoder"]), str(header["revision"]))
    except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
        raise CollectionError(f"{path} is not the map of a collection ({error}); save the collection again.") from error


def work_keys(ids: Sequence[str]) -> np.ndarray:
    """(n,) uint64 hashes of ids: eight bytes each, whatever the ids are."""
    digests = [hashlib.blake2b(identity.encode(errors="surrogateescape"), digest_size=8).digest() for identity in ids]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def stored_map(drawn: WorksMap, state: State) -> StoredMap:
    """A map as it is kept: by the ids of the works of `state`, which it was drawn for."""
    space = state.spaces[0]
    keys = work_keys(state.table.column("id").to_pylist())[drawn.order]
    return StoredMap(drawn.columns, keys, space.encoder, space.revision)


def read_map(path: Path) -> StoredMap | None:
    """The map in a file; None when there is none that can be read, as it can always be drawn again."""
    try:
        return load_map(path)
    except CollectionError:
        return None


def _adapted(stored: StoredMap, state: State, space: Space) -> WorksMap | None:
    """The stored map with works that are gone closed up and new ones hung beside their likest; None when too much changed."""
    keys = work_keys(state.table.column("id").to_pylist())
    row_of = dict(zip(keys.tolist(), range(len(keys)), strict=True))
    order = [row_of[key] for key in stored.keys.tolist() if key in row_of]
    new = np.setdiff1d(np.arange(len(keys)), order)
    if len(set(order)) != len(order) or len(order) < _KNOWN * max(len(keys), len(stored.keys)):
        return None
    if len(new):
        old = np.array(sorted(order))
        after: dict[int, list[int]] = {}
        weights = _weights(space) ** 2  # inner products weighted by the shares themselves
        queries = space.index.vectors(new) * weights
        allowed = np.zeros(len(keys), bool)
        allowed[old] = True
        _, likest = space.index.search(queries, 1, allowed=allowed)
        for row, beside in zip(new.tolist(), likest[:, 0].tolist(), strict=True):
            after.setdefault(beside, []).append(row)
        order = [row for known in order for row in (known, *after.get(known, ()))]
    return WorksMap(min(stored.columns, max(1, len(order))), np.array(order, np.int32))


def _weights(space: Space) -> np.ndarray:
    """(dimension,) float32: factors that make the inner product of two index vectors their balanced likeness."""
    balanced = {aspect: share for aspect, share in PRESETS["balanced"].items() if aspect in space.statistics.aspects}
    shares = space.statistics.weigh(balanced)
    return np.repeat(np.sqrt(shares), space.statistics.block_dims).astype(np.float32)


def weighted_vectors(space: Space, rows: np.ndarray) -> np.ndarray:
    """(len(rows), d) float32: index vectors whose inner product is the balanced likeness; aspects without weight left out."""
    weights = _weights(space)
    used = np.flatnonzero(weights)
    return space.index.vectors(rows)[:, used] * weights[used]


def _reduced(space: Space) -> np.ndarray:
    """(n, at most 48) float32: the principal components of the weighted index vectors, read a few thousand at a time."""
    n = len(space.index)
    mean, basis = principal(weighted_vectors(space, sample_rows(n)))
    chunks = (np.arange(first, min(first + _CHUNK, n)) for first in range(0, n, _CHUNK))
    return np.concatenate([(weighted_vectors(space, rows) - mean) @ basis for rows in chunks])
