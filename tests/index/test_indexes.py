"""Indexes: nearest works best first, filters before the top k, and works that come and go."""

from typing import Any

import numpy as np
import pytest

from artsim.encoders.protocol import unit_rows
from artsim.index import CompactIndex, EightBits, ExactIndex, Rows, ScanIndex, build_first_pass

WIDTHS = (16, 24, 8)


def some_vectors(n: int, seed: int = 0) -> np.ndarray:
    """Vectors in clusters like those of works: unit rows in each block."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(60, sum(WIDTHS)))
    vectors = centres[random.integers(0, 60, n)] + 0.7 * random.normal(size=(n, sum(WIDTHS)))
    return np.concatenate([unit_rows(block) for block in np.split(vectors, np.cumsum(WIDTHS)[:-1], axis=1)], axis=1)


@pytest.fixture(autouse=True)
def _with_a_first_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in large collections: here, all works could be compared one by one."""
    monkeypatch.setattr("artsim.index.compact._SMALL", 0)
    monkeypatch.setattr("artsim.index.compact._NARROW", 1)


def compact(vectors: np.ndarray) -> CompactIndex:
    bits = EightBits.fit(vectors, curved=True)
    codes = Rows.of(bits.encode(vectors))
    return CompactIndex(codes, bits, WIDTHS, build_first_pass(codes, bits))


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return some_vectors(6_000)


@pytest.fixture(scope="module", params=["exact", "compact"])
def index(request: pytest.FixtureRequest, vectors: np.ndarray) -> Any:
    return ExactIndex(vectors) if request.param == "exact" else compact(vectors)


def weighted(vectors: np.ndarray, weights: tuple[float, float, float]) -> np.ndarray:
    return (vectors * np.repeat(weights, WIDTHS)).astype(np.float32)


def nearest(queries: np.ndarray, vectors: np.ndarray, k: int, allowed: np.ndarray | None = None) -> list[set[int]]:
    scores = queries @ vectors.T
    if allowed is not None:
        scores[:, ~allowed] = -np.inf
    return [set(row.tolist()) for row in np.argsort(-scores, axis=1)[:, :k]]


def recall(rows: np.ndarray, expected: list[set[int]]) -> float:
    return float(
        np.mean([len(best & set(found.tolist())) / len(best) for best, found in zip(expected, rows, strict=True)])
    )


@pytest.mark.parametrize("weights", [(0.2, 0.8, 0), (0, 0, 1), (1, 1, 1), (0, 1, 0)], ids=str)
@pytest.mark.parametrize("share", [None, 0.5, 0.05, 0.002])
def test_the_nearest_are_found_best_first(index: Any, vectors: np.ndarray, weights: Any, share: float | None) -> None:
    queries = weighted(some_vectors(40, seed=5), weights)
    allowed = None
    if share is not None:
        allowed = np.random.default_rng(1).random(len(vectors)) < share
        allowed[7] = True
    scores, rows = index.search(queries, 10, allowed=allowed)
    assert scores.shape == rows.shape == (40, min(10, len(vectors) if allowed is None else int(allowed.sum())))
    assert (np.diff(scores, axis=1) <= 1e-6).all()
    np.testing.assert_allclose(scores, np.take_along_axis(queries @ vectors.T, rows, axis=1), atol=0.02)
    if allowed is not None:
        assert allowed[rows].all()
    assert recall(rows, nearest(queries, vectors, rows.shape[1], allowed)) >= 0.95


def test_a_filter_that_fits_a_query_badly_finds_the_nearest_all_the_same(vectors: np.ndarray) -> None:
    """Allowed are only the works farthest from the query, which the first pass does not reach."""
    index, query = compact(vectors), weighted(some_vectors(1, seed=5), (1, 1, 1))
    allowed = np.zeros(len(vectors), bool)
    allowed[np.argsort(query[0] @ vectors.T)[: len(vectors) // 2]] = True
    scores, _ = index.search(query, 10, allowed=allowed)
    np.testing.assert_allclose(
        scores[0], np.sort(query[0] @ vectors[allowed].T)[::-1][:10], atol=0.01
    )  # many are as near


def test_more_than_there_is_gives_all_and_nothing_allowed_gives_nothing(index: Any, vectors: np.ndarray) -> None:
    _, rows = index.search(vectors[:1], 10_000)
    assert sorted(rows[0].tolist()) == list(range(len(vectors)))
    scores, rows = index.search(vectors[:3], 5, allowed=np.zeros(len(vectors), bool))
    assert scores.shape == rows.shape == (3, 0)


def test_works_come_and_go_without_a_change_of_the_old_index(vectors: np.ndarray) -> None:
    before = compact(vectors)
    new = some_vectors(3, seed=8)
    grown = before.appended(before.bits.encode(new))
    kept = np.flatnonzero(np.arange(len(grown)) % 3 != 0)
    after = grown.only(kept).appended(before.bits.encode(new))
    expected = np.concatenate([np.concatenate([vectors, new])[kept], new])
    assert [len(index) for index in (before, grown, after)] == [6_000, 6_003, len(expected)]
    np.testing.assert_allclose(after.vectors(np.arange(len(after))), expected, atol=0.02)
    queries = weighted(some_vectors(40, seed=5), (1, 1, 1))
    for index, rows_of in ((before, vectors), (after, expected)):
        assert recall(index.search(queries, 10)[1], nearest(queries, rows_of, 10)) >= 0.95
    assert after.search(weighted(new, (1, 1, 1)), 1)[1].max() >= len(kept), "a new work finds itself"


def test_removed_works_make_the_first_pass_no_deeper_than_their_share(vectors: np.ndarray) -> None:
    whole = compact(vectors)
    asked: list[int] = []

    class FirstPass:
        def search(self, queries: np.ndarray, k: int) -> Any:
            asked.append(k)
            return whole.first_pass.search(queries, k)

    index = CompactIndex(whole.codes, whole.bits, WIDTHS, FirstPass()).only(np.arange(4_000))
    _, rows = index.search(weighted(some_vectors(40, seed=5), (1, 1, 1)), 10)
    assert recall(rows, nearest(weighted(some_vectors(40, seed=5), (1, 1, 1)), vectors[:4_000], 10)) >= 0.95
    assert asked == [500 * 6_000 // 4_000]


def test_a_vector_takes_a_byte_a_number_and_its_first_pass_half_a_bit_more_for_each() -> None:
    index = compact(some_vectors(2_048))
    assert index.codes.all().nbytes == 2_048 * sum(WIDTHS)
    assert index.first_pass.codes.size() == 2_048 * sum(WIDTHS) // 8


@pytest.mark.parametrize("curved", [False, True])
def test_eight_bits_keep_numbers_and_inner_products(curved: bool, vectors: np.ndarray) -> None:
    bits = EightBits.fit(vectors, curved=curved)
    codes = bits.encode(vectors)
    assert (codes.min(), codes.max()) == (0, 255)
    decoded = bits.decode(codes)
    np.testing.assert_array_equal(bits.encode(decoded), codes)
    assert np.abs(decoded - vectors).max() <= bits.step.max() * (1.01 if curved else 0.51)
    np.testing.assert_allclose(bits.dot(codes, vectors[3]), decoded @ vectors[3], atol=1e-5)
    np.testing.assert_allclose(bits.only(slice(4, 9)).decode(codes[:, 4:9]), decoded[:, 4:9])
    spread = np.random.default_rng(2).normal(size=(5_000, 8)).astype(np.float32)
    errors = {
        kind: np.std((b := EightBits.fit(spread, curved=kind)).decode(b.encode(spread)) - spread)
        for kind in (False, True)
    }
    assert errors[True] < 0.8 * errors[False]


@pytest.mark.parametrize("bits", [None, "eight"])
def test_a_scan_compares_with_every_vector(bits: Any, vectors: np.ndarray) -> None:
    ranges = None if bits is None else EightBits.fit(vectors)
    stored = vectors.astype(np.float16) if ranges is None else ranges.encode(vectors)
    scan = ScanIndex(stored, ranges)
    allowed = np.arange(len(vectors)) % 2 == 0
    for mask in (None, allowed):
        scores, rows = scan.search(vectors[:20], 10, allowed=mask)
        np.testing.assert_allclose(scores, np.take_along_axis(vectors[:20] @ vectors.T, rows, axis=1), atol=0.02)
        assert recall(rows, nearest(vectors[:20], vectors, 10, mask)) >= 0.95
    assert scan.search(vectors[:2], 10, allowed=np.zeros(len(vectors), bool))[1].shape == (2, 0)


def test_rows_are_read_across_parts_and_removals() -> None:
    first, second = np.arange(12).reshape(6, 2), np.arange(12, 18).reshape(3, 2)
    rows = Rows.of(first).appended(second)
    np.testing.assert_array_equal(rows.take(np.array([8, 0, 5, 6])), [[16, 17], [0, 1], [10, 11], [12, 13]])
    fewer = rows.only(np.array([1, 7, 8]))
    assert (len(fewer), fewer.stored, fewer.dimension) == (3, 9, 2)
    np.testing.assert_array_equal(fewer.all(), [[2, 3], [14, 15], [16, 17]])
    longer = fewer.appended(first[:1])
    np.testing.assert_array_equal(longer.take(np.array([3, 0])), [[0, 1], [2, 3]])
    assert [(start, chunk.shape) for start, chunk in longer.chunks(3)] == [(0, (3, 2)), (3, (1, 2))]


def test_products_are_those_of_single_precision() -> None:
    half = np.random.default_rng(3).normal(size=(300, 9)).astype(np.float16)
    half[0] = [0, -0.0, 6e-8, -6e-8, 1e-5, 65504, -65504, 1, -1]
    rows, vector = np.arange(300)[::-1], np.arange(1, 10).astype(np.float32)
    for stored in (half, half.astype(np.float32)):
        np.testing.assert_allclose(
            Rows.of(stored).products(rows, vector), (half.astype(np.float32) @ vector)[::-1], rtol=1e-5
        )
