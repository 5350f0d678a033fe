"""The comparison of maps measures what it says: chance keeps nothing, the map much, and a grid keeps who was near."""

import numpy as np
from synthetic import make_collection

from artsim.evaluation.maps import compare_maps, measure_map, moved_to_grid


def test_the_map_keeps_more_likeness_than_chance() -> None:
    table = compare_maps(make_collection(artists=10, works=6, scatter=0.8))
    rows = {line.split(" | ")[0].removeprefix("| "): float(line.split(" | ")[1]) for line in table.splitlines()[2:4]}
    assert abs(rows["chance"]) < 0.2
    assert rows["this map"] > 0.5


def test_a_row_of_works_in_their_order_keeps_all_likeness_and_shuffled_none() -> None:
    angles = np.linspace(0, 3, 60)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    assert measure_map(likeness, np.arange(60), 60)[0] > 0.95
    assert measure_map(likeness, np.random.default_rng(0).permutation(60), 60)[0] < 0.3


def test_positions_that_are_a_grid_stay_one() -> None:
    down, across = np.divmod(np.arange(24), 6)
    shuffled = np.random.default_rng(1).permutation(24)
    order = moved_to_grid(np.stack([across, down], axis=1)[shuffled].astype(float), 6)
    assert shuffled[order].tolist() == list(range(24))
