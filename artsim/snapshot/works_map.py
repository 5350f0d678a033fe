"""The map of a collection: all works on one grid, similar works side by side; computed on save and stored with it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from artsim.errors import CollectionError
from artsim.index import sample_rows
from artsim.snapshot.grid_layout import MAX_FIT, columns_for, place_on_grid, principal
from artsim.snapshot.space import Space
from artsim.snapshot.state import State

_CHUNK = 8192  # works whose index vectors are in memory at once
_QUICK = 5_000  # up to this many works are placed in seconds, so always from scratch
_MIN_KNOWN = 0.8  # share of works that must have a cell for the others to be inserted among them


@dataclass(frozen=True)
class WorksMap:
    """The cell of each work. Cells are counted row by row from the top left; the last row may be short."""

    columns: int
    order: np.ndarray
    """(n,) int32: the table row of the work in each cell."""

    @property
    def rows(self) -> int:
        """Number of rows of cells."""
        return -(-len(self.order) // self.columns)

    @cached_property
    def cells(self) -> np.ndarray:
        """(n,) int32: the cell of each table row."""
        cells = np.empty(len(self.order), np.int32)
        cells[self.order] = np.arange(len(self.order))
        return cells

    @property
    def positions(self) -> np.ndarray:
        """(n, 2) float32 in 0..1: x and y of the centre of each table row's cell."""
        down, across = np.divmod(self.cells, self.columns)
        return np.stack([(across + 0.5) / self.columns, (down + 0.5) / self.rows], axis=1).astype(np.float32)


@dataclass(frozen=True)
class StoredMap:
    """A map as it is stored: keyed by work ids, so that it stays usable after works are added or removed."""

    columns: int
    keys: np.ndarray
    """(n,) uint64 from `work_keys`, in the order of cells."""
    encoder: str
    revision: str

    def fits(self, space: Space) -> bool:
        """Whether the map was drawn with the encoder of `space`."""
        return (self.encoder, self.revision) == (space.encoder, space.revision)


class MapCache:
    """The map of a collection, computed once per state. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cached: tuple[State, WorksMap] | None = None

    def get(self, state: State, saved: Path | None) -> WorksMap:
        """The map of `state`, adapted from the cached map or the one in the file `saved` where it fits, else drawn anew."""
        with self._lock:
            if self._cached is None or self._cached[0] is not state:
                self._cached = (state, self._draw(state, saved))
            return self._cached[1]

    def is_quick(self, state: State, saved: Path | None) -> bool:
        """Whether `get` returns within a few seconds."""
        before = self._cached
        drawn = before is not None and before[0].spaces[0].name == state.spaces[0].name
        return len(state) <= _QUICK or drawn or saved is not None

    def _draw(self, state: State, saved: Path | None) -> WorksMap:
        space = state.spaces[0]
        known = None if self._cached is None else _stored(self._cached[1], self._cached[0])
        if known is None or not known.fits(space):  # as after another encoder was put first
            known = None if saved is None else _read_map(saved)
        adapted = _adapted(known, state, space) if known is not None and known.fits(space) else None
        return draw_map(space) if adapted is None else adapted


def draw_map(space: Space, *, start: np.ndarray | None = None, columns: int | None = None) -> WorksMap:
    """Draw a map of all works of a space. With `start`, an initial order, only neighbourhoods are sorted."""
    vectors = _reduced(space)
    columns = columns or columns_for(len(vectors))
    return WorksMap(columns, place_on_grid(vectors, columns, start=start))


def map_bytes(state: State, saved: Path | None, *, along: bool = False) -> bytes:
    """The map of `state` as the content of a safetensors file.

    `along`: the map in the file `saved`, if it fits, with new works inserted; else the map is drawn, starting from that one
    where drawing takes long.
    """
    from safetensors.numpy import save

    space = state.spaces[0]
    known = _read_map(saved) if saved is not None and (along or len(state) > _QUICK) else None
    drawn = _adapted(known, state, space) if known is not None and known.fits(space) else None
    if drawn is None:
        drawn = draw_map(space)
    elif not along:
        drawn = draw_map(space, start=drawn.order, columns=drawn.columns)
    stored = _stored(drawn, state)
    header = {"columns": str(stored.columns), "encoder": stored.encoder, "revision": stored.revision}
    return save({"keys": stored.keys}, metadata={"map": json.dumps(header)})


def load_map(path: Path) -> StoredMap:
    """Read a file with the content of `map_bytes`. Raises `CollectionError` for any other file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})["map"])
            keys = file.get_tensor("keys")
            columns = int(header["columns"])
            if keys.ndim != 1 or keys.dtype != np.uint64 or not 1 <= columns <= max(1, len(keys)):
                raise ValueError("its arrays do not form a map")
            return StoredMap(columns, keys, str(header["encoder"]), str(header["revision"]))
    except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
        raise CollectionError(f"{path} is not the map of a collection ({error}); save the collection again.") from error


def work_keys(ids: Sequence[str]) -> np.ndarray:
    """(n,) uint64 hashes of ids: eight bytes each, whatever the length of the ids."""
    digests = [hashlib.blake2b(identity.encode(errors="surrogateescape"), digest_size=8).digest() for identity in ids]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def _stored(drawn: WorksMap, state: State) -> StoredMap:
    """The stored form of a map that was drawn for `state`."""
    space = state.spaces[0]
    keys = work_keys(state.table.column("id").to_pylist())[drawn.order]
    return StoredMap(drawn.columns, keys, space.encoder, space.revision)


def _read_map(path: Path) -> StoredMap | None:
    """The map in a file; None if it cannot be read, as a map can always be drawn again."""
    try:
        return load_map(path)
    except CollectionError:
        return None


def _adapted(stored: StoredMap, state: State, space: Space) -> WorksMap | None:
    """The stored map without removed works, new ones inserted after their most similar work; None if too much changed."""
    keys = work_keys(state.table.column("id").to_pylist())
    row_of = dict(zip(keys.tolist(), range(len(keys)), strict=True))
    order = [row_of[key] for key in stored.keys.tolist() if key in row_of]
    new = np.setdiff1d(np.arange(len(keys)), order)
    if len(set(order)) != len(order) or len(order) < _MIN_KNOWN * max(len(keys), len(stored.keys)):
        return None
    if len(new):
        old = np.array(sorted(order))
        inserted: dict[int, list[int]] = {}
        weights = _weights(space) ** 2  # only the queries are scaled, so by the full shares
        queries = space.index.vectors(new) * weights
        allowed = np.zeros(len(keys), bool)
        allowed[old] = True
        _, nearest = space.index.search(queries, 1, allowed=allowed)
        for row, neighbour in zip(new.tolist(), nearest[:, 0].tolist(), strict=True):
            inserted.setdefault(neighbour, []).append(row)
        order = [row for known in order for row in (known, *inserted.get(known, ()))]
    return WorksMap(min(stored.columns, max(1, len(order))), np.array(order, np.int32))


def _weights(space: Space) -> np.ndarray:
    """(dimension,) float32: factors for two index vectors, to make their inner product the balanced likeness."""
    aspects = space.statistics.aspects
    shares = space.weigh({aspect: share for aspect, share in space.presets["balanced"].items() if aspect in aspects})
    return np.repeat(np.sqrt(shares), space.statistics.block_dims).astype(np.float32)


def weighted_vectors(space: Space, rows: np.ndarray) -> np.ndarray:
    """(len(rows), d) float32: index vectors whose inner product is the balanced likeness, without zero-weight aspects."""
    weights = _weights(space)
    used = np.flatnonzero(weights)
    return space.index.vectors(rows)[:, used] * weights[used]


def _reduced(space: Space) -> np.ndarray:
    """(n, at most 48) float32: principal components of the weighted index vectors, read in chunks."""
    n = len(space.index)
    mean, basis = principal(weighted_vectors(space, sample_rows(n, MAX_FIT)))
    chunks = (np.arange(first, min(first + _CHUNK, n)) for first in range(0, n, _CHUNK))
    return np.concatenate([(weighted_vectors(space, rows) - mean) @ basis for rows in chunks])
