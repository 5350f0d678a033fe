"""The map of a collection as a zoomable picture: square tiles of thumbnails, near and far, each made when it is asked for.

Seen from very far, a work is a patch of its mean colour, known without its picture. Nearer, a tile is put together from
the four tiles below it, and those from thumbnails.
"""

from __future__ import annotations

import hashlib
import io
import logging
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from artsim.encoders.color import DIMS, mean_colors
from artsim.errors import ArtsimError, QueryError
from artsim.snapshot.state import State
from artsim.snapshot.works_map import WorksMap, work_keys
from artsim.ui.thumbnail_cache import SMALL, Thumbnails

if TYPE_CHECKING:
    from artsim.collection import Collection

TILE = 448
"""Pixels of a tile's side; unhalved, a tile is the cell of one work. Six halvings leave whole numbers."""
_FRAME = 0.94  # of a cell is picture
_PICTURES = 2  # halvings up to which a tile is made from thumbnails themselves: 16 of them
_PATCHES = 5  # halvings from which on works are patches of colour: their cells have 14 pixels
_AT_ONCE = 4  # thumbnails that a near tile makes while it is waited for; far ones wait for none
_WAITING = 3_000  # works whose thumbnails are to be made; those asked for first are forgotten
_KEPT = 4_000  # tiles on disk, some 100 MB
_DRAWN_AT_ONCE = 5_000  # works; of more, the colours alone take seconds, even where the map was saved
_CHUNK = 8192  # works whose colours are worked out together

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tile:
    """A WebP file with transparent gaps. It is not `complete` while thumbnails in it are still to be made."""

    data: bytes
    complete: bool


class MapTiles:
    """The tiles of one map. Safe to use from several threads."""

    def __init__(self, collection: Collection, drawn: WorksMap, thumbnails: Thumbnails) -> None:
        self.state = state = collection.state
        self.map = drawn
        self._ids: list[str] = state.table.column("id").to_pylist()
        self._thumbnails = thumbnails
        self.key = _key(state, drawn)
        self._folder = thumbnails.folder / "map" / self.key
        _clear_others(self._folder)
        self._kept = sum(1 for _ in self._folder.glob("*.webp"))
        self._grid = _patches(state, drawn)
        self.made = 0
        """Thumbnails made in the background so far: when it grows, tiles that were not complete look better."""
        self._waiting: dict[int, None] = {}
        self._failed: set[int] = set()
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None

    @property
    def halvings(self) -> int:
        """How often the whole is halved until it fits into one tile."""
        return int(np.ceil(np.log2(max(self.map.columns, self.map.rows, 1))))

    @property
    def waiting(self) -> int:
        """Works whose thumbnails are still to be made for tiles that were asked for."""
        return len(self._waiting)

    def tile(self, halved: int, x: int, y: int) -> Tile | None:
        """The tile in column `x` and row `y` of the whole halved `halved` times; None when there is none."""
        return self._tile(halved, x, y, at_once=_AT_ONCE if halved <= _PICTURES else 0)

    def _tile(self, halved: int, x: int, y: int, *, at_once: int) -> Tile | None:
        """`at_once`: how many thumbnails that are not there may be made while someone waits."""
        if not 0 <= halved <= self.halvings or min(x, y) < 0:
            return None
        side = 2**halved  # cells
        if x * side >= self.map.columns or y * side >= self.map.rows:
            return None
        kept = self._folder / f"{halved}-{x}-{y}.webp"
        if halved >= _PICTURES and kept.is_file():
            return Tile(kept.read_bytes(), complete=True)
        picture, complete = self._draw(halved, x, y, at_once)
        right = min(TILE, -(-self.map.columns * TILE // side) - x * TILE)
        bottom = min(TILE, -(-self.map.rows * TILE // side) - y * TILE)
        data = _file(picture.crop((0, 0, right, bottom)))
        if complete and halved >= _PICTURES:
            self._keep(kept, data)
        return Tile(data, complete)

    def _draw(self, halved: int, x: int, y: int, at_once: int) -> tuple[Image.Image, bool]:
        """(`TILE`, `TILE`) RGBA, and whether it is complete."""
        if halved >= _PATCHES:
            return self._draw_patches(halved, x, y), True
        if halved <= _PICTURES:
            return self._draw_pictures(halved, x, y, at_once)
        whole, complete = _empty(TILE), True
        half = TILE // 2
        for down, across in np.ndindex(2, 2):
            below = self._tile(halved - 1, 2 * x + across, 2 * y + down, at_once=at_once)
            if below is None:
                continue
            with Image.open(io.BytesIO(below.data)) as picture:
                small = picture.convert("RGBA").reduce(2)
            whole.paste(small, (across * half, down * half))
            complete &= below.complete
        return whole, complete

    def _draw_patches(self, halved: int, x: int, y: int) -> Image.Image:
        side = 2**halved
        part = self._grid[y * side : (y + 1) * side, x * side : (x + 1) * side]
        cells = np.zeros((side, side, 4), np.uint8)
        cells[: part.shape[0], : part.shape[1]] = part
        if side > TILE:
            return Image.fromarray(cells, "RGBA").resize((TILE, TILE), Image.Resampling.BOX)
        size = TILE // side
        drawn = cells.repeat(size, axis=0).repeat(size, axis=1)
        if size >= 7:
            drawn[size - 1 :: size] = 0
            drawn[:, size - 1 :: size] = 0
        return Image.fromarray(drawn, "RGBA").resize((TILE, TILE), Image.Resampling.NEAREST)

    def _draw_pictures(self, halved: int, x: int, y: int, at_once: int) -> tuple[Image.Image, bool]:
        whole, complete, made = _empty(TILE), True, 0
        side, cell = 2**halved, TILE // 2**halved
        for down, across in np.ndindex(side, side):
            column, line = x * side + across, y * side + down
            number = line * self.map.columns + column
            if column >= self.map.columns or number >= len(self.map.order):
                continue
            row = int(self.map.order[number])
            if not (there := self._has_thumbnail(row)) and made < at_once and row not in self._failed:
                made += 1
                there = self._make(row)
            picture = self._framed(row, line, column, cell, there=there)
            whole.paste(
                picture, (across * cell + (cell - picture.width) // 2, down * cell + (cell - picture.height) // 2)
            )
            if not there and row not in self._failed:
                complete = False
                self._ask_for(row)
        return whole, complete

    def _framed(self, row: int, line: int, column: int, cell: int, *, there: bool) -> Image.Image:
        """The picture of a work, or a patch of its colour, as it hangs in its cell of `cell` pixels."""
        most = max(1, round(cell * _FRAME))
        path = self._thumbnails.path(self._ids[row], SMALL) if there else None
        if path is None:
            return Image.new("RGBA", (most, most), tuple(self._grid[line, column].tolist()))
        with Image.open(path) as file:
            picture = file.convert("RGB")
        factor = most / max(picture.size)
        size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
        return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0).convert("RGBA")

    def _has_thumbnail(self, row: int) -> bool:
        try:
            return self._thumbnails.is_made(self._ids[row], SMALL)
        except QueryError:  # removed from the collection meanwhile
            self._failed.add(row)
            return False

    def _make(self, row: int) -> bool:
        """Whether the thumbnail could be made."""
        try:
            path = self._thumbnails.path(self._ids[row], SMALL)
        except (ArtsimError, OSError) as error:
            log.warning("The map lacks a picture: %s", error)
            path = None
        if path is None:
            self._failed.add(row)
        return path is not None

    def _ask_for(self, row: int) -> None:
        """Have the thumbnail made in the background, the latest first: that is what someone looks at."""
        with self._lock:
            self._waiting.pop(row, None)
            self._waiting[row] = None
            while len(self._waiting) > _WAITING:
                del self._waiting[next(iter(self._waiting))]
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="map", daemon=True)
                self._worker.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._worker = None
                    return
                row = next(reversed(self._waiting))
            made = self._make(row)
            with self._lock:
                self._waiting.pop(row, None)
                self.made += made

    def _keep(self, path: Path, data: bytes) -> None:
        """Another thread may keep the same tile: the last one wins. What cannot be kept is made again."""
        try:
            if self._kept >= _KEPT:
                self._prune()
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{threading.get_ident()}.tmp")
            temporary.write_bytes(data)
            temporary.replace(path)
            self._kept += 1
        except OSError as error:
            log.warning("A tile of the map is not kept: %s cannot be written (%s).", path, error.strerror)

    def _prune(self) -> None:
        """Delete the older half of the tiles."""
        with self._lock:
            tiles = sorted(self._folder.glob("*.webp"), key=lambda path: path.stat().st_mtime)
            for path in tiles[: len(tiles) // 2]:
                path.unlink(missing_ok=True)
            self._kept = len(tiles) - len(tiles) // 2


class MapTilesCache:
    """The mosaic of a collection as it is now, drawn in the background where that takes longer than a page can wait."""

    def __init__(self, collection: Collection, thumbnails: Thumbnails) -> None:
        self._collection = collection
        self._thumbnails = thumbnails
        self._mosaic: MapTiles | None = None
        self._lock = threading.Lock()
        self._drawing: threading.Thread | None = None

    def get(self) -> MapTiles | None:
        """The mosaic; None while it is being drawn, which this starts."""
        with self._lock:
            if self._mosaic is not None and self._mosaic.state is self._collection.state:
                return self._mosaic
            if len(self._collection) <= _DRAWN_AT_ONCE:
                self._draw()
                return self._mosaic
            if self._drawing is None or not self._drawing.is_alive():
                self._drawing = threading.Thread(target=self._draw, name="map", daemon=True)
                self._drawing.start()
            return None

    def _draw(self) -> None:
        self._mosaic = MapTiles(self._collection, self._collection.map(), self._thumbnails)


def _key(state: State, drawn: WorksMap) -> str:
    """Another key for every other map or other pictures."""
    digest = hashlib.sha256(f"{TILE} {drawn.columns} ".encode() + drawn.order.tobytes())
    digest.update(work_keys(state.table.column("id").to_pylist()).tobytes())
    if "sha256" in state.table.column_names:
        digest.update("".join(value or "" for value in state.table.column("sha256").to_pylist()).encode())
    return digest.hexdigest()[:16]


def _clear_others(folder: Path) -> None:
    """Tiles of earlier maps are of no use any more."""
    for other in folder.parent.glob("*"):
        if other.name != folder.name:
            shutil.rmtree(other, ignore_errors=True)


def _patches(state: State, drawn: WorksMap) -> np.ndarray:
    """(rows, columns, 4) uint8: the mean colour of the work in each cell, opaque; transparent where none is."""
    space = state.spaces[0]
    colours = np.full((len(state), 4), 255, np.uint8)
    colours[:, :3] = 160
    if space.statistics.raw_dims.get("color") == DIMS:  # else grey: another version's histogram
        histograms = space.load_vectors(space.columns["color"])
        for first in range(0, len(colours), _CHUNK):
            colours[first : first + _CHUNK, :3] = mean_colors(histograms[first : first + _CHUNK])
    grid = np.zeros((drawn.rows * drawn.columns, 4), np.uint8)
    grid[: len(drawn.order)] = colours[drawn.order]
    return grid.reshape(drawn.rows, drawn.columns, 4)


def _empty(side: int) -> Image.Image:
    return Image.new("RGBA", (side, side), (0, 0, 0, 0))


def _file(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=80, method=2)
    return buffer.getvalue()
