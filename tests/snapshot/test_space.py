"""Space statistics: one index for any weights, hubness, percentiles; for one work or thousands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim.embedding.embedded_works import SpaceVectors
from artsim.encoders.protocol import Blocks, unit_rows
from artsim.errors import CollectionError, QueryError
from artsim.index import Rows
from artsim.snapshot.density import NEIGHBOURS
from artsim.snapshot.space import Space, make_space
from artsim.snapshot.space_statistics import SpaceStatistics, percentile
from artsim.snapshot.statistics_file import load_statistics, statistics_bytes


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


def space_of(blocks: Blocks, *, whole: bool = True, style: tuple[int, int] = (8, 12)) -> Space:
    rows = {aspect: Rows.of(block) for aspect, block in blocks.items()}
    return make_space("tiny", "encoder", "1", rows, segments={"style": style}, whole=whole)


@pytest.fixture(scope="module", params=["whole", "compact"])
def space(request: pytest.FixtureRequest, blocks: Blocks) -> Space:
    return space_of(blocks, whole=request.param == "whole")


@pytest.fixture(scope="module")
def statistics(space: Space) -> SpaceStatistics:
    return space.statistics


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


def test_density_is_the_mean_cosine_to_the_ten_nearest(space: Space) -> None:
    for column, block in enumerate(space.statistics.split(space.index.vectors(np.arange(300))).values()):
        cosines = unit_rows(block) @ unit_rows(block).T
        np.fill_diagonal(cosines, -2)
        by_hand = np.sort(cosines, axis=1)[:, -NEIGHBOURS:].mean(axis=1)
        np.testing.assert_allclose(space.density.all()[:, column], by_hand, atol=1e-5)


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
    space = space_of(few)
    statistics = space.statistics
    assert len(statistics.pairs) == n * (n - 1) // 2
    query = statistics.query_vector(space.index.vectors(np.array([0]))[0], statistics.weigh({"subject": 1, "style": 1}))
    scores, rows = space.index.search(query[None], n)
    assert rows[0][0] == 0
    assert scores[0][0] == pytest.approx(1, abs=1e-5)
    same = space_of({aspect: np.repeat(block[:1], n, axis=0) for aspect, block in few.items()})
    for one in (space, same):
        for values in (one.index.vectors(np.arange(n)), one.density.all(), one.statistics.pairs):
            assert np.isfinite(values).all(), "also if all works are identical"


def test_adding_works_changes_no_existing_vector_or_density(space: Space, blocks: Blocks) -> None:
    new = some_blocks(4, seed=9)
    longer = space.appended(SpaceVectors(new))
    assert (len(space), len(longer), longer.is_compact) == (300, 304, space.is_compact)
    old = np.arange(300)
    np.testing.assert_array_equal(longer.index.vectors(old), space.index.vectors(old))
    np.testing.assert_array_equal(longer.density.take(old), space.density.all())
    everything = {aspect: np.concatenate([blocks[aspect], new[aspect]]) for aspect in blocks}
    fitted = space_of(everything, whole=not space.is_compact)
    np.testing.assert_allclose(longer.density.take(old[:4] + 300), fitted.density.take(old[:4] + 300), atol=0.05)
    shorter = longer.only(old)
    np.testing.assert_array_equal(shorter.density.all(), space.density.all())
    back = shorter.appended(longer.vectors_of(np.array([301])))
    np.testing.assert_allclose(back.index.vectors(np.array([300])), longer.index.vectors(np.array([301])), atol=1e-3)


def test_blocks_are_kept_whole_below_400_works_and_compact_from_there_on() -> None:
    small, new = space_of(some_blocks(390)), some_blocks(12, seed=3)
    assert (small.index.kind, set(small.columns())) == (
        "exact",
        {"tiny_subject", "tiny_density", "tiny_style", "palette_color"},
    )
    large = small.appended(SpaceVectors(new))
    assert (large.index.kind, set(large.columns())) == ("compact", {"tiny_subject", "tiny_density", "tiny_compact"})
    assert large.only(np.arange(10)).index.kind == "compact", "the bases stay when works go"
    blocks = some_blocks(390)
    everything = {aspect: np.concatenate([blocks[aspect], new[aspect]]) for aspect in blocks}
    fitted = space_of(everything, whole=False)
    np.testing.assert_allclose(large.statistics.pairs.mean(), fitted.statistics.pairs.mean(), atol=0.01)


def test_compact_vectors_give_nearly_the_same_cosines(blocks: Blocks) -> None:
    whole, compact = (space_of(blocks, whole=whole).index.vectors(np.arange(300)) for whole in (True, False))
    np.testing.assert_allclose(compact @ compact.T, whole @ whole.T, atol=0.05)


def test_the_colours_of_a_compact_space_are_nearly_those_of_the_blocks(blocks: Blocks) -> None:
    rows = np.arange(300)
    np.testing.assert_allclose(space_of(blocks, whole=False).colors(rows), blocks["color"], atol=0.05)
    np.testing.assert_allclose(space_of(blocks).colors(rows), blocks["color"], atol=1e-3)


@pytest.mark.parametrize("whole", [True, False])
def test_plain_vectors_nearest_to_any_vector_are_found(blocks: Blocks, whole: bool) -> None:
    space = space_of(some_blocks(2_500), whole=whole)
    query = unit_rows(np.random.default_rng(4).normal(size=(1, 16)))[0]
    cosines = space.plain(np.arange(2_500)) @ query
    allowed = np.arange(2_500) % 2 == 0
    for mask in (None, allowed):
        scores, rows = space.nearest_plain(query, 10, mask)
        best = np.sort(cosines if mask is None else cosines[mask])[::-1][:10]
        np.testing.assert_allclose(scores, best, atol=1e-6)
        np.testing.assert_allclose(cosines[rows], scores, atol=1e-6)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("style", [20, 2_600], ids=["short", "long, so projected"])
def test_saved_statistics_are_the_same(style: int, whole: bool, tmp_path: Path) -> None:
    blocks = some_blocks(60, style=style)
    statistics = space_of(blocks, whole=whole, style=(8, style - 8)).statistics
    assert statistics.dimension < 200
    (tmp_path / "tiny.safetensors").write_bytes(statistics_bytes(statistics))
    again = load_statistics(tmp_path / "tiny.safetensors")
    assert (again.name, again.aspects, again.segments) == (statistics.name, statistics.aspects, statistics.segments)
    np.testing.assert_array_equal(again.index_vectors(blocks), statistics.index_vectors(blocks))
    np.testing.assert_array_equal(again.pairs, statistics.pairs)


@pytest.mark.parametrize("contents", [b"", b"{}", b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 100])
def test_a_file_without_statistics_is_named(contents: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(contents)
    with pytest.raises(CollectionError, match=r"tiny\.safetensors is not a file of space statistics"):
        load_statistics(path)
