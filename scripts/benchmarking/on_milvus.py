"""Search on Milvus Lite beside FAISS: seconds to fill it, bytes on disk and in memory, milliseconds a query, and agreement."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artsim.encoders.presets import PRESETS
from artsim.errors import QueryError
from artsim.index import CompactIndex, MilvusIndex
from artsim.index.milvus_collection import Entities, MilvusCollection, ScalarField
from artsim.index.milvus_server import MilvusServer
from artsim.search.ranking import candidates_for
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import COMPACT_FROM
from benchmarking.blends import embed_met, load_blends, save_met
from benchmarking.spaces import build_space, in_process, load_space, resident_memory

K = 10
_CENTURIES = 10  # values of the field that is filtered by


def measure_milvus(sizes: Sequence[int], *, queries: int, seed: int) -> list[dict[str, Any]]:
    """The figures of a collection of each size."""
    if min(sizes, default=0) < COMPACT_FROM or queries < 1:
        raise QueryError(f"At least {COMPACT_FROM} works and one query are needed.")
    results = []
    with tempfile.TemporaryDirectory(prefix="artsim-benchmark-") as folder:
        save_met(*embed_met(), Path(folder))
        for works in sizes:
            in_process(build_space, Path(folder), works, seed)
            filled = in_process(_fill, Path(folder), works)
            results.append({"works": works, **filled, **in_process(_search, Path(folder), works, queries, seed)})
            print(results[-1], flush=True)
    return results


def _remote(folder: Path, works: int, dimension: int) -> MilvusCollection:
    return MilvusCollection(MilvusServer(str(folder / f"{works}.db")), "benchmark", dimension)


def _fill(folder: Path, works: int) -> dict[str, Any]:
    """Seconds, and bytes on disk, of writing all works."""
    index = load_space(folder).index
    remote = _remote(folder, works, index.dimension)
    started = time.perf_counter()
    remote.create([ScalarField("c_century", "whole number")], works)
    for start in range(0, works, remote.batch):
        rows = np.arange(start, min(start + remote.batch, works))
        remote.write(Entities(rows, index.vectors(rows), {"c_century": (rows % _CENTURIES).tolist()}))
    remote.flush()
    seconds = time.perf_counter() - started
    size = sum(path.stat().st_size for path in (folder / f"{works}.db").rglob("*") if path.is_file())
    return {"fill_s": round(seconds, 1), "disk_mb": round(size / 1e6)}


def _search(folder: Path, works: int, queries: int, seed: int) -> dict[str, Any]:
    """Of a process that opens what `_fill` has written."""
    space = load_space(folder)
    before = resident_memory()
    remote = _remote(folder, works, space.index.dimension)
    started = time.perf_counter()
    remote.open(works)
    opened = time.perf_counter() - started
    local = space.index
    assert isinstance(local, CompactIndex)
    index = MilvusIndex(
        CompactIndex(local.codes, local.bits, local.widths, None), remote, None, {"c_century": "century"}
    )
    asked = _queries(space, folder, works, queries, seed)
    centuries = np.arange(works) % _CENTURIES
    allowed = np.isin(centuries, [3, 4, 5, 6, 7])
    count = candidates_for(K)
    expression = "c_century in [3, 4, 5, 6, 7]"
    timed: dict[str, list[float]] = {"faiss": [], "milvus": [], "faiss_filtered": [], "milvus_filtered": []}
    shared = []
    for query in asked:
        found = {}
        for name, one, options in (
            ("faiss", local, {}),
            ("milvus", index, {}),
            ("faiss_filtered", local, {"allowed": allowed}),
            ("milvus_filtered", index, {"allowed": allowed, "expression": expression}),
        ):
            started = time.perf_counter()
            found[name] = one.search(query[None], count, **options)[1][0]
            timed[name].append(time.perf_counter() - started)
        exact = index.local.search(query[None], K)[1][0]
        shared.append([len(np.intersect1d(found[name][:K], exact)) / K for name in ("faiss", "milvus")])
    after = resident_memory()
    return {
        "open_s": round(opened, 1),
        "memory_mb": None if before is None or after is None else round((after - before) / 1e6),
        **{f"{name}_p50_ms": round(1e3 * float(np.median(times)), 1) for name, times in timed.items()},
        **dict(zip(("faiss_recall@10", "milvus_recall@10"), np.mean(shared, axis=0).round(3).tolist(), strict=True)),
    }


def _queries(space: Space, folder: Path, works: int, queries: int, seed: int) -> np.ndarray:
    """(queries, dimension): works that are not in the collection, at balanced weights."""
    blends, _ = load_blends(folder, works, seed, more=queries)
    rows = np.arange(works, works + queries)
    vectors = space.statistics.index_vectors({aspect: block.take(rows) for aspect, block in blends.items()})
    shares = space.statistics.weigh(PRESETS["balanced"])
    return np.stack([space.statistics.query_vector(vector, shares) for vector in vectors])
