"""The map: one cell per work, similar works side by side, stored with the collection and kept through changes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from manifests import rewrite
from synthetic import make_collection

from artsim import CollectionError, open_collection
from artsim.snapshot.grid_layout import columns_for, place_on_grid
from artsim.snapshot.works_map import draw_map, load_map, work_keys


def map_of(collection: Any) -> str:
    """The file of the collection's map."""
    name = collection.manifest.map_of(collection.state.spaces[0].name)
    assert name is not None
    return name


def clustered(n: int, groups: int) -> np.ndarray:
    """Vectors (n, 8) around `groups` centres."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, groups, n)
    return (rng.normal(size=(groups, 8))[group] * 3 + rng.normal(size=(n, 8))).astype(np.float32)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 174])
def test_every_work_has_one_cell_however_few_there_are(n: int) -> None:
    columns = columns_for(n)
    order = place_on_grid(clustered(n, 3), columns)
    assert sorted(order.tolist()) == list(range(n))
    assert columns * -(-n // columns) - n < columns


def test_a_sorted_grid_hardly_changes() -> None:
    vectors = clustered(300, 6)
    columns = columns_for(300)
    order = place_on_grid(vectors, columns)
    again = place_on_grid(vectors, columns, start=order)
    moved = np.argsort(order) - np.argsort(again)
    assert np.median(np.abs(moved // columns)) <= 2


def test_a_collection_is_saved_with_its_map(saved: Path) -> None:
    collection = open_collection(saved)
    name = map_of(collection)
    assert name in collection.manifest.files
    stored = load_map(saved / name)
    drawn = collection.map()
    assert (stored.keys == work_keys(collection.ids)[drawn.order]).all()
    assert (drawn.order == draw_map(collection.state.spaces[0]).order).all()
    positions = drawn.positions
    assert positions.shape == (40, 2) and positions.dtype == np.float32
    assert positions.min() > 0 and positions.max() < 1
    assert np.allclose(positions[drawn.order[0]], [0.5 / drawn.columns, 0.5 / drawn.rows])


def test_a_collection_without_a_map_opens_and_gets_one(copy: Path) -> None:
    name = map_of(open_collection(copy))
    (copy / name).unlink()
    rewrite(copy, lambda manifest: (manifest["files"].pop(name), manifest["spaces"][0].pop("map")))
    collection = open_collection(copy)
    assert collection.has_map
    assert len(collection.map().order) == 40
    collection.save()
    assert map_of(collection) in collection.manifest.files


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_map_is_drawn_again(copy: Path, saved: Path, damage: str) -> None:
    name = map_of(open_collection(saved))
    if damage == "missing":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(b"" if damage == "cut" else b"no map at all")
        with pytest.raises(CollectionError, match="not the map of a collection"):
            load_map(copy / name)
    assert (open_collection(copy).map().order == open_collection(saved).map().order).all()


def test_added_works_are_placed_beside_their_most_similar_work_and_others_stay(copy: Path) -> None:
    collection = open_collection(copy)
    before = collection.map()
    collection.add([{"image": collection.picture("05.jpg"), "id": "again"}])
    after = collection.map()
    assert sorted(after.order.tolist()) == list(range(41))
    assert after.cells[40] == after.cells[5] + 1
    assert [row for row in after.order.tolist() if row != 40] == before.order.tolist()


def test_removed_works_leave_no_gap_and_after_many_the_map_is_drawn_from_scratch(copy: Path) -> None:
    collection = open_collection(copy)
    before = [collection.ids[row] for row in collection.map().order]
    collection.remove(["03.jpg", "17.jpg"])
    after = [collection.ids[row] for row in collection.map().order]
    assert after == [identity for identity in before if identity not in ("03.jpg", "17.jpg")]
    collection.remove(collection.ids[:18])
    assert collection.map().columns == columns_for(20)


def test_similar_works_are_neighbours_on_the_map() -> None:
    collection: Any = make_collection(artists=8, works=8, scatter=0.6)
    drawn = collection.map()
    artist = np.array([identity.split("-")[1] for identity in collection.ids])
    cells = np.arange(len(artist) - 1)
    cells = cells[cells % drawn.columns != drawn.columns - 1]  # those with a cell to their right
    assert (artist[drawn.order[cells]] == artist[drawn.order[cells + 1]]).mean() > 0.6
