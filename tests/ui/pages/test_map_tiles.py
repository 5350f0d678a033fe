"""Map tiles: at every level, a tile shows the works of its cells."""

import io
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from synthetic import color_of, make_collection

from artsim.encoders.color import embed_colors, mean_colors
from artsim.ui.pages.map_tiles import TILE, MapTiles, MapTilesCache, Tile
from artsim.ui.thumbnail_cache import Thumbnails


@pytest.fixture
def works() -> Any:
    return make_collection(artists=9, works=5)


@pytest.fixture
def map_tiles(works: Any, tmp_path: Path) -> MapTiles:
    return MapTiles(works, works.map(), Thumbnails(works, tmp_path))


def complete(map_tiles: MapTiles, *position: int) -> Tile:
    """The tile, once all its thumbnails have been made."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        tile = map_tiles.tile(*position)
        assert tile is not None
        if tile.complete:
            return tile
        time.sleep(0.05)
    raise AssertionError(f"tile {position} is still not complete")


def pixels(tile: Tile | None) -> np.ndarray:
    assert tile is not None
    with Image.open(io.BytesIO(tile.data)) as picture:
        return np.asarray(picture.convert("RGBA")).astype(int)


def test_a_tile_of_level_0_is_one_picture(map_tiles: MapTiles) -> None:
    works_map = map_tiles.map
    for cell in (0, len(works_map.order) - 1):
        shown = pixels(map_tiles.tile(0, cell % works_map.columns, cell // works_map.columns))
        assert shown.shape == (TILE, TILE, 4)
        assert np.abs(shown[TILE // 2, TILE // 2, :3] - color_of(int(works_map.order[cell]))).max() < 12
        assert shown[2, 2, 3] == 0, "there is a gap around it"


def test_at_higher_levels_each_work_is_in_its_cell(map_tiles: MapTiles) -> None:
    works_map = map_tiles.map
    for halved in (1, 2, 3):
        cell = TILE // 2**halved
        shown = pixels(complete(map_tiles, halved, 0, 0))
        for down, across in ((0, 0), (1, 1)):
            row = int(works_map.order[down * works_map.columns + across])
            at = shown[down * cell + cell // 2, across * cell + cell // 2]
            assert np.abs(at[:3] - color_of(row)).max() < 25 and at[3] > 200


def test_edge_tiles_end_where_the_grid_ends(map_tiles: MapTiles) -> None:
    whole = pixels(map_tiles.tile(map_tiles.halvings, 0, 0))
    side = 2**map_tiles.halvings
    expected = (-(-map_tiles.map.rows * TILE // side), -(-map_tiles.map.columns * TILE // side))
    assert whole.shape[:2] == tuple(min(TILE, length) for length in expected)


def test_there_is_no_tile_beyond_the_grid(map_tiles: MapTiles) -> None:
    for position in ((0, 99, 0), (0, 0, 99), (-1, 0, 0), (20, 0, 0), (0, -1, 0)):
        assert map_tiles.tile(*position) is None


def test_a_tile_is_cached_once_all_its_thumbnails_are_made_and_tiles_of_other_maps_are_deleted(
    works: Any, map_tiles: MapTiles, tmp_path: Path
) -> None:
    first = map_tiles.tile(2, 0, 0)
    assert first is not None and not first.complete
    complete(map_tiles, 2, 0, 0)
    assert map_tiles.made > 0
    (folder,) = tmp_path.glob("thumbnails/*/map/*")
    assert [path.name for path in folder.iterdir()] == ["2-0-0.webp"]
    works.remove(["work-0-0"])
    MapTiles(works, works.map(), Thumbnails(works, tmp_path))
    assert list(tmp_path.glob("thumbnails/*/map/*/*")) == []


def test_a_picture_that_cannot_be_read_is_a_patch_of_colour(tmp_path: Path) -> None:
    works: Any = make_collection(artists=2, works=3)
    pictures = works.state.pictures
    works.state = replace(works.state, pictures=lambda row: b"no picture" if row == 0 else pictures(row))
    map_tiles = MapTiles(works, works.map(), Thumbnails(works, tmp_path))
    cell = int(map_tiles.map.cells[0])
    tile = map_tiles.tile(0, cell % map_tiles.map.columns, cell // map_tiles.map.columns)
    assert tile is not None and tile.complete
    assert pixels(tile)[TILE // 2, TILE // 2, 3] > 200


def test_the_cache_follows_the_collection(works: Any, tmp_path: Path) -> None:
    cache = MapTilesCache(works, Thumbnails(works, tmp_path))
    first = cache.get()
    assert first is cache.get() is not None
    works.remove(["work-0-0"])
    second = cache.get()
    assert second is not None and len(second.map.order) == len(works)


def test_mean_colours_are_computed_from_histograms() -> None:
    colors = [(200, 40, 40), (30, 60, 150), (128, 128, 128), (250, 250, 245), (5, 5, 5)]
    found = mean_colors(embed_colors([Image.new("RGB", (32, 32), color) for color in colors]))
    assert np.abs(found.astype(int) - np.array(colors)).max() < 30
