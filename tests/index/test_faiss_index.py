"""The FAISS index of every type: neighbours, filters before the top k, and the round trip to a file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim.encoders.protocol import unit_rows
from artsim.errors import CollectionError
from artsim.index import build_index, load_index

TYPES = ["flat", "fp16", "hnsw"]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """2,000 unit vectors in clusters, like those of works."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(40, 48))
    return unit_rows(centres[random.integers(0, 40, 2000)] + 0.5 * random.normal(size=(2000, 48)))


@pytest.fixture(scope="module")
def indexes(vectors: np.ndarray) -> dict[str, Any]:
    return {kind: build_index(vectors, kind=kind) for kind in TYPES}


@pytest.mark.parametrize("kind", TYPES)
def test_scores_are_inner_products_best_first(kind: str, indexes: Any, vectors: np.ndarray) -> None:
    index = indexes[kind]
    assert (index.kind, len(index), index.dimension) == (kind, 2000, 48)
    scores, rows = index.search(vectors[:100], 10)
    assert scores.shape == rows.shape == (100, 10)
    assert (np.diff(scores, axis=1) <= 0).all()
    assert rows[:, 0].tolist() == list(range(100))
    by_hand = np.take_along_axis(vectors[:100] @ vectors.T, rows, axis=1)
    np.testing.assert_allclose(scores, by_hand, atol=1e-6 if kind == "flat" else 2e-3)
    exact = np.argsort(-(vectors[:100] @ vectors.T), axis=1)[:, :10]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows, exact, strict=True)]) > 0.95
    stored = np.array([1999, 0, 3, 3])
    np.testing.assert_allclose(index.vectors(stored), vectors[stored], atol=1e-3)


@pytest.mark.parametrize("kind", TYPES)
def test_filters_apply_before_the_top_k(kind: str, indexes: Any, vectors: np.ndarray) -> None:
    index = indexes[kind]
    for share in (0.5, 0.02, 0.002):
        allowed = np.random.default_rng(1).random(2000) < share
        allowed[7] = True
        expected = min(10, int(allowed.sum()))
        scores, rows = index.search(vectors[:20], 10, allowed=allowed)
        for row, found in enumerate(rows):
            found = found[found >= 0]  # the index pads with -1
            assert len(found) == expected
            assert allowed[found].all()
            if kind != "hnsw":
                best = np.sort(vectors[row] @ vectors[allowed].T)[::-1][:expected]
                np.testing.assert_allclose(scores[row][:expected], best, atol=2e-3)
    scores, rows = index.search(vectors[:3], 5, allowed=np.zeros(2000, bool))
    assert scores.shape == rows.shape == (3, 0)
    _, rows = build_index(vectors[:30], kind=kind).search(vectors[:1], 100)
    assert sorted(rows[0][rows[0] >= 0]) == list(range(30)), "k is larger than the index"


@pytest.mark.parametrize("kind", TYPES)
def test_a_saved_index_returns_the_same_results(kind: str, indexes: Any, vectors: np.ndarray, tmp_path: Path) -> None:
    indexes[kind].save(tmp_path / "works.faiss")
    again = load_index(tmp_path / "works.faiss")
    assert (again.kind, len(again), again.dimension) == (kind, 2000, 48)
    for before, after in zip(indexes[kind].search(vectors[:9], 10), again.search(vectors[:9], 10), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_type_depends_on_the_number_of_works(vectors: np.ndarray) -> None:
    assert build_index(vectors).kind == "flat"
    assert build_index(np.zeros((50_001, 2), np.float32)).kind == "fp16"
    with pytest.raises(CollectionError, match="no index type annoy; choose among auto, flat, fp16, hnsw"):
        build_index(vectors, kind="annoy")


def test_an_invalid_index_file_is_named(tmp_path: Path, indexes: Any) -> None:
    indexes["flat"].save(tmp_path / "works.faiss")
    whole = (tmp_path / "works.faiss").read_bytes()
    for name, contents in (("gone", None), ("text", b"not an index"), ("cut", whole[:1000])):
        path = tmp_path / f"{name}.faiss"
        if contents is not None:
            path.write_bytes(contents)
        with pytest.raises(CollectionError, match=rf"{name}\.faiss is not a FAISS index"):
            load_index(path)


def test_an_l2_index_is_refused(tmp_path: Path) -> None:
    """The default of `datasets`."""
    import faiss

    index = faiss.IndexFlatL2(4)
    index.add(np.ones((3, 4), np.float32))
    faiss.write_index(index, str(tmp_path / "works.faiss"))
    with pytest.raises(CollectionError, match="does not compare by inner product"):
        load_index(tmp_path / "works.faiss")
