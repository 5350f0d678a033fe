"""Milliseconds per query and recall, on generated vectors and on a real collection."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from artsim.collection import Collection
from artsim.encoders.presets import PRESETS
from artsim.encoders.protocol import unit_rows
from artsim.errors import CollectionError, EncoderError, ImageError, QueryError
from artsim.index import VectorIndex, build_index

K = 10
_LATENT, _PER_GROUP = 64, 40
_NOISE = 0.5  # outside the few dimensions of a group: on pure noise HNSW's recall would be lower than on any art


def draw_vectors(n: int, dimension: int, *, groups: int, seed: int) -> np.ndarray:
    """(n, dimension) float32 unit rows around `groups` centres, like works of artists; all seeds share the centres."""
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(_LATENT, dimension)).astype(np.float32) / np.sqrt(dimension)
    centres = rng.normal(size=(groups, _LATENT)).astype(np.float32)
    rng = np.random.default_rng(seed)
    noise = np.float32(_NOISE * np.sqrt(_LATENT / dimension))
    vectors = np.empty((n, dimension), np.float32)
    for start in range(0, n, 10_000):
        rows = min(10_000, n - start)
        latent = centres[rng.integers(0, groups, rows)] + rng.standard_normal((rows, _LATENT), np.float32)
        scattered = latent @ basis + noise * rng.standard_normal((rows, dimension), np.float32)
        vectors[start : start + rows] = unit_rows(scattered)
    return vectors


def measure_indexes(n: int, dimension: int, kinds: Sequence[str], *, queries: int) -> dict[str, Any]:
    """Time every index type, a numpy loop and `datasets` on the same `n` vectors, one query at a time."""
    import faiss

    if n < K or dimension < 1 or queries < 1:
        raise QueryError(
            f"At least {K} works, one dimension and one query are needed; there are {n}, {dimension}, {queries}."
        )
    groups = max(1, n // _PER_GROUP)
    vectors = draw_vectors(n, dimension, groups=groups, seed=1)
    query_vectors = list(draw_vectors(queries, dimension, groups=groups, seed=2))
    exact = np.stack([_brute_force(vectors, query) for query in query_vectors])
    engines: list[dict[str, Any]] = []
    for kind in kinds:
        start = time.perf_counter()
        index = build_index(vectors, kind=kind)
        seconds = time.perf_counter() - start
        engines.append(_timed(kind, partial(_search_index, index), query_vectors, exact, seconds))
        del index
    engines.append(_timed("numpy: matrix @ query", lambda query: _brute_force(vectors, query), query_vectors, exact))
    start = time.perf_counter()
    dataset = _plain_dataset(vectors)
    seconds = time.perf_counter() - start

    def nearest(query: np.ndarray) -> np.ndarray:
        return np.array(dataset.get_nearest_examples("vectors", query, k=K).examples["row"])

    engines.append(_timed("datasets: get_nearest_examples", nearest, query_vectors, exact, seconds))
    threads = faiss.omp_get_max_threads()
    _print(f"{n:,} works, {dimension} dimensions, {threads} thread(s):", engines)
    return {"works": n, "dimension": dimension, "threads": threads, "queries": len(query_vectors), "engines": engines}


def measure_collection(collection: Collection, *, queries: int) -> dict[str, Any]:
    """Time `Collection.search` (matches with all their scores) of a real collection, by work and by picture."""
    space = collection.state.spaces[0]
    ids = collection.ids
    query_ids = [ids[row] for row in np.random.default_rng(0).integers(0, len(ids), queries)]
    collection.search(work=ids[0], ranking="cosine")  # warm-up: reads the raw vectors
    engines = [_timed("search by work", lambda identity: collection.search(work=identity, k=K), query_ids)]
    try:
        pictures = [collection.picture(identity) for identity in query_ids[: max(1, queries // 10)]]
        collection.search(image=pictures[0])  # warm-up: loads the encoder
        engines.append(_timed("search by picture", lambda data: collection.search(image=data, k=K), pictures))
    except (CollectionError, EncoderError, ImageError) as error:
        print(f"Search by picture is not timed: {error}")
    raw = space.raw_subject.vectors(np.arange(len(ids)))
    rows = np.array([collection.state.rows[identity] for identity in query_ids])
    engines.append(
        _timed("numpy: raw subject vectors @ query", lambda query: _brute_force(raw, query), list(raw[rows]))
    )
    if collection.folder is not None:
        dataset = collection.dataset()
        shares = space.statistics.weigh(PRESETS["balanced"])
        weighted = [space.statistics.query_vector(vector, shares) for vector in space.index.vectors(rows)]
        nearest = partial(dataset.get_nearest_examples, space.name, k=K)
        engines.append(_timed("datasets: get_nearest_examples", nearest, weighted))
    _print(f"{collection.manifest.title}, {len(ids):,} works, {space.encoder}:", engines)
    return {"works": len(ids), "encoder": space.encoder, "index": space.index.kind, "engines": engines}


def _search_index(index: VectorIndex, query: np.ndarray) -> np.ndarray:
    return index.search(query[None], K)[1][0]


def _brute_force(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """(K,) rows with the highest inner product, best first."""
    scores = vectors @ query
    k = min(K, len(scores))
    top = np.argpartition(-scores, k - 1)[:k]
    return top[np.argsort(-scores[top])]


def _plain_dataset(vectors: np.ndarray) -> Any:
    """A FAISS index as documented by `datasets`, but with inner product (its default is L2)."""
    import faiss
    from datasets import Dataset

    dataset = Dataset.from_dict({"row": np.arange(len(vectors))})
    dataset.add_faiss_index_from_external_arrays(vectors, index_name="vectors", metric_type=faiss.METRIC_INNER_PRODUCT)
    return dataset


def _timed(
    name: str,
    run: Callable[[Any], Any],
    queries: Sequence[Any],
    exact: np.ndarray | None = None,
    build_s: float | None = None,
) -> dict[str, Any]:
    """Percentiles over `queries`, one call each, after a warm-up call; recall@10 where `exact` (q, K) is given."""
    run(queries[0])
    milliseconds, hits = [], 0
    for number, query in enumerate(queries):
        start = time.perf_counter()
        answer = run(query)
        milliseconds.append((time.perf_counter() - start) * 1000)
        if exact is not None:
            hits += len(np.intersect1d(answer, exact[number]))
    figures = {
        "name": name,
        "p50_ms": round(float(np.percentile(milliseconds, 50)), 4),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 4),
        "queries": len(milliseconds),
    }
    if exact is not None:
        figures["recall@10"] = round(hits / exact.size, 4)
    return figures if build_s is None else {**figures, "build_s": round(build_s, 3)}


def _print(title: str, engines: Sequence[dict[str, Any]]) -> None:
    print(title)
    for engine in engines:
        recall = f"  recall@10 {engine['recall@10']:.3f}" if "recall@10" in engine else ""
        build = f"  built in {engine['build_s']:.1f} s" if "build_s" in engine else ""
        print(f"  p50 {engine['p50_ms']:9.3f} ms  p95 {engine['p95_ms']:9.3f} ms  {engine['name']}{recall}{build}")
