"""Search over blends of real works: memory, milliseconds a query, and recall against the exact vectors."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from artsim.collection import Collection
from artsim.encoders.protocol import Aspect, Blocks, unit_rows
from artsim.errors import QueryError
from artsim.search.calibration import scores_of
from artsim.search.match import matches_in
from artsim.search.ranking import SpaceQuery, candidates_for, rank
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import COMPACT_FROM, SpaceStatistics
from artsim.snapshot.state import State
from artsim.storage.manifest import Manifest
from artsim.storage.pictures import AbsentPictures, Pictures
from benchmarking.blends import CHUNK, Blends, embed_met, load_blends, save_met
from benchmarking.exact import BALANCED, WEIGHTINGS, K, Nearest, milliseconds, raw_blocks, recall, weighted
from benchmarking.spaces import build_space, in_process, load_space, measure_bytes

FILTERS = {"50 %": 0.5, "1 %": 0.01, "0.1 %": 0.001}  # share of the works that is left
_NUMPY_BYTES, _NUMPY_WORKS = 8e9, 81_444  # a larger matrix is timed on so many works, and the time scaled
_MANY = 1_000  # queries of one `search_many`


def measure_searches(sizes: Sequence[int], *, queries: int, seed: int) -> list[dict[str, Any]]:
    """The figures of a collection of each size."""
    if min(sizes, default=0) < COMPACT_FROM or queries < 1:
        raise QueryError(f"At least {COMPACT_FROM} works and one query are needed.")
    results = []
    with tempfile.TemporaryDirectory(prefix="artsim-benchmark-") as folder:
        save_met(*embed_met(), Path(folder))
        for works in sizes:
            results.append(_measure(works, Path(folder), queries=queries, seed=seed))
            _print(results[-1])
    return results


def _measure(works: int, folder: Path, *, queries: int, seed: int) -> dict[str, Any]:
    built = in_process(build_space, folder, works, seed)
    bytes_per_work = in_process(measure_bytes, folder)
    space = load_space(folder)
    blends, _ = load_blends(folder, works, seed, more=queries)
    shares = np.random.default_rng(seed).random(works).astype(np.float32)
    asked = raw_blocks(blends, np.arange(works, works + queries))  # of works that are not in the collection
    exact = _exact(space, blends, asked, shares)
    index, statistics = space.index, space.statistics
    vectors = statistics.index_vectors(asked)

    def candidates(query: np.ndarray, allowed: np.ndarray | None = None) -> np.ndarray:
        return index.search(query[None], candidates_for(K), allowed=allowed)[1][0]

    recalls = {}
    for name, weights in WEIGHTINGS.items():
        found = [candidates(query) for query in weighted(statistics, vectors, weights)]
        recalls[name] = recall(found, exact.best[name])
    balanced = weighted(statistics, vectors, BALANCED)
    collection = _collection(space, shares)
    rows = np.random.default_rng(seed).integers(0, works, queries)
    ids = [collection.ids[row] for row in rows]
    filters = {}
    for name, share in FILTERS.items():
        allowed = shares <= share
        found = [candidates(query, allowed) for query in balanced]
        filters[name] = {
            "p50_ms": _p50(lambda query, allowed=allowed: candidates(query, allowed), balanced),
            "p50_tuned_ms": _p50(
                lambda work, share=share: collection.search(work=work, where={"share": (None, share)}), ids
            ),
            "recall@10": recall(found, exact.best[name]),
        }
    plain = asked["subject"]
    nearest = [space.nearest_plain(vector, K)[1] for vector in plain]
    many = [collection.ids[row] for row in np.random.default_rng(seed).integers(0, works, _MANY)]
    started = time.perf_counter()
    collection.search_many(works=many, k=K)
    per_second = _MANY / (time.perf_counter() - started)
    numpy_ms = _p50(lambda query: exact.wide @ query, list(exact.wide_queries))
    scaled = len(exact.wide) < works
    return {
        "works": works,
        "seed": seed,
        "queries": queries,
        "bytes_per_work": bytes_per_work and round(bytes_per_work, 1),
        **built,
        "p50_ms": _p50(candidates, balanced),
        "p50_tuned_ms": _p50(lambda work: collection.search(work=work), ids),
        "recall@10": recalls["balanced"],
        "recall@10_worst": min(recalls.values()),
        "recall@10_by_weights": recalls,
        "numpy_p50_ms": round(numpy_ms * works / len(exact.wide), 2) if scaled else numpy_ms,
        "numpy_scaled": scaled,
        "filters": filters,
        "cosine_p50_ms": _p50(lambda work: collection.search(work=work, ranking="cosine"), ids),
        "cosine_recall@10": recall(nearest, exact.best["cosine"]),
        "text_p50_ms": _p50(lambda vector: _search_text(collection.state, vector), list(plain)),
        "search_many_per_s": round(per_second, 1),
    }


@dataclass(frozen=True)
class _Exact:
    """`best` (q, K): the nearest rows by the vectors that are not rounded; `wide`: the vectors that are not projected."""

    best: Mapping[str, np.ndarray]
    wide: np.ndarray
    wide_queries: np.ndarray


def _exact(space: Space, blends: Mapping[Aspect, Blends], asked: Blocks, shares: np.ndarray) -> _Exact:
    """The nearest works by every weighting, balanced under every filter, and by plain subject vectors."""
    statistics, works, queries = space.statistics, len(space), len(asked["subject"])
    unprojected = replace(statistics, bases=None)
    vectors = statistics.index_vectors(asked)
    asking = np.concatenate([weighted(statistics, vectors, weights) for weights in WEIGHTINGS.values()])
    plain = asked["subject"]
    names = [*WEIGHTINGS, *FILTERS, "cosine"]
    nearest = Nearest(len(names) * queries)
    fits = 4 * works * unprojected.dimension <= _NUMPY_BYTES
    wide = np.zeros((works if fits else _NUMPY_WORKS, unprojected.dimension), np.float32)
    for start in range(0, works, CHUNK):
        rows = np.arange(start, min(start + CHUNK, works))
        blocks = raw_blocks(blends, rows)
        chunk = unprojected.index_vectors(blocks)
        wide[start : start + CHUNK] = chunk[: max(0, len(wide) - start)]
        here = asking @ _projected(statistics, unprojected.split(chunk)).T
        balanced = here[:queries]
        filtered = [np.where(shares[rows] <= share, balanced, -np.inf) for share in FILTERS.values()]
        nearest.add(np.concatenate([here, *filtered, plain @ blocks["subject"].T]), rows)
    of_asked = unprojected.index_vectors(asked)
    return _Exact(
        dict(zip(names, np.split(nearest.best(), len(names)), strict=True)),
        wide,
        weighted(unprojected, of_asked, BALANCED),
    )


def _projected(statistics: SpaceStatistics, blocks: Blocks) -> np.ndarray:
    """(n, dimension) float32: the index vectors of transformed blocks, not rounded to 8 bits."""
    assert statistics.bases is not None
    return np.concatenate([unit_rows(block @ statistics.bases[aspect]) for aspect, block in blocks.items()], axis=1)


def _collection(space: Space, shares: np.ndarray) -> Collection:
    """A collection of one space, with metadata made up; `share` is what filters ask for."""
    numbers = np.arange(len(space))
    table = pa.table(
        {
            "id": [f"work-{number}" for number in numbers],
            "title": [f"Study {number}" for number in numbers],
            "artist": [f"Artist {number % 1000}" for number in numbers],
            "year": pa.array(1400 + numbers % 500, pa.int32()),
            "share": shares,
        }
    )
    state = State(table, (space,), {}, Pictures.of(AbsentPictures(len(space))))
    return Collection(state=state, manifest=Manifest(title="Blends", license="cc0-1.0", source={}), folder=None)


def _search_text(state: State, vector: np.ndarray) -> Any:
    """The whole search for a text, once it is embedded: the embedded encoder has no texts."""
    space = state.spaces[0]
    query = SpaceQuery(space, space.statistics.weigh(BALANCED), words=vector, word_weight=1.0)
    numbers, rows = rank(query, "tuned", K, None)
    return matches_in(state, query, scores_of([query], numbers, ranking="tuned"), rows)


def _p50(run: Callable[[Any], Any], queries: Sequence[Any]) -> float:
    return round(float(np.median(milliseconds(run, queries))), 3)


def _print(figures: Mapping[str, Any]) -> None:
    """One line for each figure."""
    print(f"{figures['works']:,} works (seed {figures['seed']}, {figures['queries']} queries):")
    for name, value in figures.items():
        for key, figure in value.items() if isinstance(value, dict) else [("", value)]:
            if isinstance(figure, dict):
                figure = "  ".join(f"{inner} {number:g}" for inner, number in figure.items())
            print(f"  {f'{name} {key}'.strip():34} {figure}")
