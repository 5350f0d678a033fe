"""Space statistics: one index for any weights, hubness, percentiles; for one work or thousands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim.encoders.protocol import Blocks, unit_rows
from artsim.errors import CollectionError, QueryError
from artsim.index import build_index
from artsim.snapshot.space_statistics import (
    NEIGHBOURS,
    SpaceStatistics,
    fit_statistics,
    load_statistics,
    percentile,
    save_statistics,
)


def some_blocks(n: int, seed: int = 0, *, style: int = 20) -> Blocks:
    """Raw blocks of n works: unit rows in a narrow cone, as encoders give them."""
    random = np.random.default_rng(seed)
    return {
        "subject": unit_rows(random.normal(size=(n, 16)) + 2),
        "style": unit_rows(random.normal(size=(n, style)) + 1),
        "color": unit_rows(np.abs(random.normal(size=(n, 12)))),
    }


@pytest.fixture(scope="module")
def blocks() -> Blocks:
    return some_blocks(300)


@pytest.fixture(scope="module")
def statistics(blocks: Blocks) -> SpaceStatistics:
    return fit_statistics("tiny", blocks, {"style": (8, 12)})


def test_every_aspect_of_an_index_vector_is_a_unit_vector(statistics: SpaceStatistics, blocks: Blocks) -> None:
    index_vectors = statistics.index_vectors(blocks)
    assert index_vectors.shape == (300, statistics.dimension)
    assert index_vectors.dtype == np.float32
    for block in statistics.split(index_vectors).values():
        np.testing.assert_allclose(np.linalg.norm(block, axis=1), 1, atol=1e-5)


def test_vectors_are_centred_so_that_random_works_are_unlike(statistics: SpaceStatistics, blocks: Blocks) -> None:
    for aspect, block in statistics.split(statistics.index_vectors(blocks)).items():
        raw = blocks[aspect]
        others = ~np.eye(300, dtype=bool)
        assert abs((block @ block.T)[others].mean()) < 0.02 < (raw @ raw.T)[others].mean()


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({"mood": 1}, "There is no aspect mood; choose among subject, style, color"),
        ({"subject": -1, "style": 2}, "must be 0 or more"),
        ({"subject": float("nan")}, "must be 0 or more"),
        ({"subject": float("inf")}, "must be 0 or more"),
        ({"subject": 0, "style": 0}, "All aspect weights are 0"),
        ({}, "All aspect weights are 0"),
    ],
    ids=str,
)
def test_invalid_weights_are_refused(weights: Any, reason: str, statistics: SpaceStatistics) -> None:
    with pytest.raises(QueryError, match=reason):
        statistics.weigh(weights)


def test_density_is_the_mean_cosine_to_the_ten_nearest(statistics: SpaceStatistics, blocks: Blocks) -> None:
    for column, block in enumerate(statistics.split(statistics.index_vectors(blocks)).values()):
        cosines = block @ block.T
        np.fill_diagonal(cosines, -2)
        by_hand = np.sort(cosines, axis=1)[:, -NEIGHBOURS:].mean(axis=1)
        np.testing.assert_allclose(statistics.density[:, column], by_hand, atol=1e-5)


def test_pairs_are_cosines_of_different_works(statistics: SpaceStatistics, blocks: Blocks) -> None:
    assert statistics.pairs.shape[1] == 3
    block = statistics.split(statistics.index_vectors(blocks))["subject"]
    typical = (block @ block.T)[~np.eye(300, dtype=bool)]
    assert statistics.pairs[:, 0].mean() == pytest.approx(typical.mean(), abs=0.01)
    assert statistics.pairs[:, 0].std() == pytest.approx(typical.std(), abs=0.01)
    assert statistics.pairs.max() < 0.99999


def test_percentiles_rise_with_the_score_from_0_to_100() -> None:
    sample = np.sort(np.random.default_rng(0).normal(size=500))
    found = percentile(sample, np.linspace(-5, 5, 101))
    assert (np.diff(found) >= 0).all()
    assert (found[0], found[-1]) == (0, 100)
    assert percentile(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.5])) == 50
    assert np.isnan(percentile(np.zeros(0), np.array([0.5]))).all(), "without pairs there is none"


@pytest.mark.parametrize("n", [1, 2, 12])
def test_a_few_works_make_a_space(n: int) -> None:
    few = some_blocks(n)
    statistics = fit_statistics("few", few)
    index_vectors = statistics.index_vectors(few)
    assert len(statistics.pairs) == n * (n - 1) // 2
    query = statistics.query_vector(index_vectors[0], statistics.weigh({"subject": 1, "style": 1}))
    scores, rows = build_index(index_vectors).search(query[None], n)
    assert rows[0][0] == 0
    assert scores[0][0] == pytest.approx(1, abs=1e-5)
    same = {aspect: np.repeat(block[:1], n, axis=0) for aspect, block in few.items()}
    of_same = fit_statistics("same", same)
    for values in (index_vectors, statistics.density, of_same.index_vectors(same), of_same.density, of_same.pairs):
        assert np.isfinite(values).all(), "also if all works are identical"


def test_adding_works_changes_no_existing_vector_or_density(statistics: SpaceStatistics, blocks: Blocks) -> None:
    new = some_blocks(4, seed=9)
    everything = {aspect: np.concatenate([blocks[aspect], new[aspect]]) for aspect in blocks}
    longer = statistics.extended(new, everything)
    np.testing.assert_array_equal(longer.index_vectors(blocks), statistics.index_vectors(blocks))
    np.testing.assert_array_equal(longer.density[:300], statistics.density)
    assert len(longer) == 304
    fitted = fit_statistics("tiny", everything, {"style": (8, 12)})
    np.testing.assert_allclose(longer.density[300:], fitted.density[300:], atol=0.05)
    keep = np.arange(304) < 300
    np.testing.assert_array_equal(longer.without(keep).density, statistics.density)


@pytest.mark.parametrize("style", [20, 2_600], ids=["short", "long, so projected"])
def test_a_saved_space_is_the_same_space(style: int, tmp_path: Path) -> None:
    blocks = some_blocks(60, style=style)
    statistics = fit_statistics("tiny", blocks, {"style": (8, style - 8)})
    assert statistics.dimension < 200
    save_statistics(statistics, tmp_path / "tiny.safetensors")
    again = load_statistics(tmp_path / "tiny.safetensors")
    assert (again.name, again.aspects, again.segments) == (statistics.name, statistics.aspects, statistics.segments)
    np.testing.assert_array_equal(again.index_vectors(blocks), statistics.index_vectors(blocks))
    np.testing.assert_array_equal(again.density, statistics.density)
    np.testing.assert_array_equal(again.pairs, statistics.pairs)


@pytest.mark.parametrize("contents", [b"", b"{}", b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 100])
def test_a_file_without_statistics_is_named(contents: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(contents)
    with pytest.raises(CollectionError, match=r"tiny\.safetensors is not a file of space statistics"):
        load_statistics(path)
