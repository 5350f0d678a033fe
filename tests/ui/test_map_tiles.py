"""The map as a picture: tiles near and far show the works that hang there."""

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
def mosaic(works: Any, tmp_path: Path) -> MapTiles:
    return MapTiles(works, works.map(), Thumbnails(works, tmp_path))


def complete(mosaic: MapTiles, *place: int) -> Tile:
    """The tile once all its thumbnails are made."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        tile = mosaic.tile(*place)
        assert tile is not None
        if tile.complete:
            return tile
        time.sleep(0.05)
    raise AssertionError(f"tile {place} is still not complete")


def pixels(tile: Tile | None) -> np.ndarray:
    assert tile is not None
    with Image.open(io.BytesIO(tile.data)) as picture:
        return np.asarray(picture.convert("RGBA")).astype(int)


def test_unhalved_a_tile_is_one_picture_in_its_colour(mosaic: MapTiles) -> None:
    drawn = mosaic.map
    for cell in (0, len(drawn.order) - 1):
        shown = pixels(mosaic.tile(0, cell % drawn.columns, cell // drawn.columns))
        assert shown.shape == (TILE, TILE, 4)
        assert np.abs(shown[TILE // 2, TILE // 2, :3] - color_of(int(drawn.order[cell]))).max() < 12
        assert shown[2, 2, 3] == 0, "there is a gap around it"


def test_farther_off_each_work_is_where_its_cell_is(mosaic: MapTiles) -> None:
    drawn = mosaic.map
    for halved in (1, 2, 3):
        cell = TILE // 2**halved
        shown = pixels(complete(mosaic, halved, 0, 0))
        for down, across in ((0, 0), (1, 1)):
            row = int(drawn.order[down * drawn.columns + across])
            at = shown[down * cell + cell // 2, across * cell + cell // 2]
            assert np.abs(at[:3] - color_of(row)).max() < 25 and at[3] > 200


def test_tiles_at_the_edge_end_where_the_wall_ends(mosaic: MapTiles) -> None:
    whole = pixels(mosaic.tile(mosaic.halvings, 0, 0))
    side = 2**mosaic.halvings
    expected = (-(-mosaic.map.rows * TILE // side), -(-mosaic.map.columns * TILE // side))
    assert whole.shape[:2] == tuple(min(TILE, length) for length in expected)


@pytest.mark.parametrize("place", [(0, 99, 0), (0, 0, 99), (-1, 0, 0), (20, 0, 0), (0, -1, 0)])
def test_beyond_the_wall_there_is_no_tile(mosaic: MapTiles, place: tuple[int, int, int]) -> None:
    assert mosaic.tile(*place) is None


def test_thumbnails_that_are_not_there_are_made_behind_the_tile(mosaic: MapTiles) -> None:
    first = mosaic.tile(2, 0, 0)
    assert first is not None and not first.complete
    complete(mosaic, 2, 0, 0)
    assert mosaic.made > 0


def test_a_complete_tile_is_kept_and_those_of_other_maps_go(works: Any, mosaic: MapTiles, tmp_path: Path) -> None:
    complete(mosaic, 2, 0, 0)
    (folder,) = tmp_path.glob("thumbnails/*/map/*")
    assert [path.name for path in folder.iterdir()] == ["2-0-0.webp"]
    works.remove(["work-0-0"])
    MapTiles(works, works.map(), Thumbnails(works, tmp_path))
    assert list(tmp_path.glob("thumbnails/*/map/*/*")) == []


def test_a_picture_that_cannot_be_read_leaves_a_patch_and_the_rest(tmp_path: Path) -> None:
    works: Any = make_collection(artists=2, works=3)
    pictures = works.state.pictures
    works.state = replace(works.state, pictures=lambda row: b"no picture" if row == 0 else pictures(row))
    mosaic = MapTiles(works, works.map(), Thumbnails(works, tmp_path))
    cell = int(mosaic.map.cells[0])
    tile = mosaic.tile(0, cell % mosaic.map.columns, cell // mosaic.map.columns)
    assert tile is not None and tile.complete
    assert pixels(tile)[TILE // 2, TILE // 2, 3] > 200


def test_the_keeper_follows_the_collection(works: Any, tmp_path: Path) -> None:
    keeper = MapTilesCache(works, Thumbnails(works, tmp_path))
    first = keeper.get()
    assert first is keeper.get() is not None
    works.remove(["work-0-0"])
    second = keeper.get()
    assert second is not None and len(second.map.order) == len(works)


def test_mean_colours_come_from_histograms_alone() -> None:
    colors = [(200, 40, 40), (30, 60, 150), (128, 128, 128), (250, 250, 245), (5, 5, 5)]
    found = mean_colors(embed_colors([Image.new("RGB", (32, 32), color) for color in colors]))
    assert np.abs(found.astype(int) - np.array(colors)).max() < 30
