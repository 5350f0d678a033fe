"""Tiles of the map of a collection: a zoomable picture of all works, of which each tile is drawn on request.

Level h halves the whole h times. From `_PATCH_LEVEL` on, a work is a patch of its mean colour, which needs no picture;
below, it is its thumbnail.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from artsim.collection import Collection
from artsim.encoders.color import DIMS, mean_colors
from artsim.errors import ArtsimError, CollectionError
from artsim.files.atomic import write_atomically
from artsim.images.thumbnails import SMALL, thumbnail
from artsim.snapshot.state import State
from artsim.snapshot.works_map import WorksMap, work_keys
from artsim.ui.thumbnail_cache import Thumbnails

TILE = 448
"""Side of a tile in pixels; at level 0, a tile is the cell of one work. Divisible by two six times."""
_PICTURE_SHARE = 0.94  # of a cell's side is picture
_STORED_LEVEL = 2  # the lowest level whose tiles are kept: 16 works each
_PATCH_LEVEL = 5  # the lowest level with patches of colour: cells of 14 pixels
_MADE_PER_TILE = 4  # thumbnails made during the request of a tile up to `_STORED_LEVEL`; none above
_MAX_QUEUED = 3_000  # works whose thumbnails are to be made; the earliest are dropped
_FOREGROUND_WORKS = 5_000  # with more works, their colours alone take seconds, even for a saved map
_CHUNK = 8192  # works whose colours are computed together

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tile:
    """A WebP file with transparent gaps; not `complete` while some of its thumbnails are still to be made."""

    data: bytes
    complete: bool


class MapTiles:
    """The tiles of one map. Thread-safe."""

    def __init__(self, collection: Collection, drawn: WorksMap, thumbnails: Thumbnails) -> None:
        self.state = state = collection.state
        self.map = drawn
        self._ids: list[str] = state.table.column("id").to_pylist()
        self._thumbnails = thumbnails
        self.key = _key(state, drawn)
        self._folder = thumbnails.folder / "map" / self.key
        for other in self._folder.parent.glob("*"):  # of earlier maps
            if other != self._folder:
                shutil.rmtree(other, ignore_errors=True)
        self._grid = _patches(state, drawn)
        self.made = 0
        """Number of thumbnails made in the background: when it grows, incomplete tiles have improved."""
        self._waiting: dict[int, None] = {}
        self._failed: set[int] = set()
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None

    @property
    def halvings(self) -> int:
        """The level at which the whole map fits into one tile."""
        return int(np.ceil(np.log2(max(self.map.columns, self.map.rows, 1))))

    @property
    def waiting(self) -> int:
        """Number of works whose thumbnails are still to be made for requested tiles."""
        return len(self._waiting)

    def tile(self, halved: int, x: int, y: int) -> Tile | None:
        """The tile in column `x` and row `y` of level `halved`; None if there is none."""
        if not 0 <= halved <= self.halvings or min(x, y) < 0:
            return None
        side = 2**halved  # cells
        if x * side >= self.map.columns or y * side >= self.map.rows:
            return None
        stored = self._folder / f"{halved}-{x}-{y}.webp"
        if halved >= _STORED_LEVEL and stored.is_file():
            return Tile(stored.read_bytes(), complete=True)
        if halved >= _PATCH_LEVEL:
            picture, complete = self._draw_patches(halved, x, y), True
        else:
            picture, complete = self._draw_pictures(halved, x, y)
        right = min(TILE, -(-self.map.columns * TILE // side) - x * TILE)
        bottom = min(TILE, -(-self.map.rows * TILE // side) - y * TILE)
        data = thumbnail(picture.crop((0, 0, right, bottom)), side=TILE)
        if complete and halved >= _STORED_LEVEL:
            self._store(stored, data)
        return Tile(data, complete)

    def _draw_patches(self, halved: int, x: int, y: int) -> Image.Image:
        side = 2**halved
        visible = self._grid[y * side : (y + 1) * side, x * side : (x + 1) * side]
        cells = np.zeros((side, side, 4), np.uint8)
        cells[: visible.shape[0], : visible.shape[1]] = visible
        resample = Image.Resampling.BOX if side > TILE else Image.Resampling.NEAREST
        drawn = np.array(Image.fromarray(cells).resize((TILE, TILE), resample))
        size = TILE // side
        if size >= 7:  # room for a gap between the patches
            drawn[size - 1 :: size] = 0
            drawn[:, size - 1 :: size] = 0
        return Image.fromarray(drawn)

    def _draw_pictures(self, halved: int, x: int, y: int) -> tuple[Image.Image, bool]:
        """The picture, and whether it is complete."""
        whole, complete = Image.new("RGBA", (TILE, TILE)), True
        at_once = _MADE_PER_TILE if halved <= _STORED_LEVEL else 0
        side, cell = 2**halved, TILE // 2**halved
        longest = round(cell * _PICTURE_SHARE)
        for down, across in np.ndindex(side, side):
            column, line = x * side + across, y * side + down
            number = line * self.map.columns + column
            if column >= self.map.columns or number >= len(self.map.order):
                continue
            row = int(self.map.order[number])
            path = self._thumbnail(row, make=False)
            if path is None and row not in self._failed and at_once:
                at_once -= 1
                path = self._thumbnail(row, make=True)
            if path is None and row not in self._failed:
                complete = False
                self._enqueue(row)
            color = tuple(self._grid[line, column].tolist())
            picture = Image.new("RGBA", (longest, longest), color) if path is None else _scaled(path, longest)
            left, top = across * cell + (cell - picture.width) // 2, down * cell + (cell - picture.height) // 2
            whole.paste(picture, (left, top))
        return whole, complete

    def _thumbnail(self, row: int, *, make: bool) -> Path | None:
        """The file of a work's thumbnail; None if it is not made yet, or cannot be made."""
        if row in self._failed:
            return None
        try:
            if not make and not self._thumbnails.is_made(self._ids[row], SMALL):
                return None
            path = self._thumbnails.path(self._ids[row], SMALL)
        except (ArtsimError, OSError) as error:  # an `ArtsimError` if the work was removed meanwhile
            log.warning("The map lacks a picture: %s", error)
            path = None
        if path is None:
            self._failed.add(row)
        return path

    def _enqueue(self, row: int) -> None:
        """Queue the thumbnail for the background thread, which takes the latest first: the visitor sees that one now."""
        with self._lock:
            self._waiting.pop(row, None)
            self._waiting[row] = None
            while len(self._waiting) > _MAX_QUEUED:
                del self._waiting[next(iter(self._waiting))]
            if self._worker is None:
                self._worker = threading.Thread(target=self._make_queued, name="map", daemon=True)
                self._worker.start()

    def _make_queued(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._worker = None
                    return
                row = next(reversed(self._waiting))
            made = self._thumbnail(row, make=True) is not None
            with self._lock:
                self._waiting.pop(row, None)
                self.made += made

    def _store(self, path: Path, data: bytes) -> None:
        """Cache a tile on disk. If several threads store the same one, the last wins; after an error it is drawn again."""
        try:
            write_atomically(path, data)
        except CollectionError as error:
            log.warning("A tile of the map is not cached: %s", error)


class MapTilesCache:
    """The map tiles of the current state, prepared in the background if that takes too long for a request."""

    def __init__(self, collection: Collection, thumbnails: Thumbnails) -> None:
        self._collection = collection
        self._thumbnails = thumbnails
        self._map_tiles: MapTiles | None = None
        self._lock = threading.Lock()
        self._drawing: threading.Thread | None = None

    def get(self) -> MapTiles | None:
        """The map tiles; None while they are being prepared, which this starts."""
        with self._lock:
            if self._map_tiles is not None and self._map_tiles.state is self._collection.state:
                return self._map_tiles
            if len(self._collection) <= _FOREGROUND_WORKS:
                self._draw()
                return self._map_tiles
            if self._drawing is None or not self._drawing.is_alive():
                self._drawing = threading.Thread(target=self._draw, name="map", daemon=True)
                self._drawing.start()
            return None

    def _draw(self) -> None:
        self._map_tiles = MapTiles(self._collection, self._collection.map(), self._thumbnails)


def _key(state: State, drawn: WorksMap) -> str:
    """Cache key: changes with the map and with the pictures."""
    digest = hashlib.sha256(f"{TILE} {drawn.columns} ".encode() + drawn.order.tobytes())
    digest.update(work_keys(state.table.column("id").to_pylist()).tobytes())
    if "sha256" in state.table.column_names:
        digest.update("".join(value or "" for value in state.table.column("sha256").to_pylist()).encode())
    return digest.hexdigest()[:16]


def _patches(state: State, drawn: WorksMap) -> np.ndarray:
    """(rows, columns, 4) uint8 RGBA: the mean colour of the work in each cell, opaque; empty cells are transparent."""
    space = state.spaces[0]
    colours = np.full((len(state), 4), 255, np.uint8)
    colours[:, :3] = 160
    if space.statistics.raw_dims.get("color") == DIMS:  # otherwise grey: the histogram of another version
        for first in range(0, len(colours), _CHUNK):
            rows = np.arange(first, min(first + _CHUNK, len(colours)))
            colours[rows, :3] = mean_colors(space.colors(rows))
    grid = np.zeros((drawn.rows * drawn.columns, 4), np.uint8)
    grid[: len(drawn.order)] = colours[drawn.order]
    return grid.reshape(drawn.rows, drawn.columns, 4)


def _scaled(path: Path, longest: int) -> Image.Image:
    """The picture in a file as RGBA, its longer side `longest` pixels."""
    with Image.open(path) as file:
        picture = file.convert("RGB")
    factor = longest / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0).convert("RGBA")
