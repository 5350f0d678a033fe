"""A rehearsal of a very large collection: its compact vectors are built, opened in a fresh process, and searched."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from artsim.errors import QueryError
from artsim.search.ranking import candidates_for
from artsim.snapshot.space_statistics import COMPACT_FROM, WIDTHS
from artsim.snapshot.statistics_file import load_statistics
from benchmarking.blends import CHUNK, embed_met, load_blends, save_met
from benchmarking.exact import BALANCED, WEIGHTINGS, milliseconds, raw_blocks, recall, weighted
from benchmarking.memory import memory_by_kind
from benchmarking.rehearsal_space import FILES, FILTERS, build_rehearsal, exact_answers, open_rehearsal, shares_of
from benchmarking.spaces import in_process

_BYTES = sum(WIDTHS.values()) * 9 // 8 + 16  # of a work on disk, at most: the vector, its first pass, its density
_MEMORY, _MEMORY_PER_WORK = 3.0e9, 300  # that the build needs: for fitting, and for each work
_NUMPY_WORKS = 81_444  # `matrix @ query` is timed on so many works, and the time scaled
_BATCH = 64  # queries at once


def rehearse(works: int, *, queries: int, seed: int, folder: Path | None) -> dict[str, Any]:
    """The figures of a space of `works` blends, built in a folder of its own in `folder`, which is removed in any case."""
    if works < COMPACT_FROM or queries < 1:
        raise QueryError(f"At least {COMPACT_FROM} works and one query are needed.")
    parent = folder or Path(tempfile.gettempdir())
    check_room(works, parent)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="artsim-rehearsal-", dir=parent) as name:
            own = Path(name)
            print(f"Rehearsal of {works:,} works in {own}", flush=True)
            save_met(*embed_met(), own)
            built = in_process(build_rehearsal, own, works, queries, seed)
            sizes = {file: (own / file).stat().st_size for file in FILES}
            searched = in_process(_search, own, works, queries, seed)
            numpy_ms, timed = in_process(_time_numpy, own, works, queries, seed)
    finally:
        signal.signal(signal.SIGTERM, before)
    figures = {
        "works": works, "seed": seed, "queries": queries,
        "bytes_on_disk": sum(sizes.values()), "bytes_by_file": sizes,
        **built, **searched,
        "numpy_p50_ms": round(numpy_ms * works / timed, 1), "numpy_scaled": timed < works,
    }  # fmt: skip
    for key, value in figures.items():
        print(f"  {key:34} {value}")
    return figures


def check_room(works: int, folder: Path) -> None:
    """`QueryError` where `folder` is none, its disk too small, or the memory that is free."""
    if not folder.is_dir():
        raise QueryError(f"There is no folder {folder}; make it first, on a disk with room.")
    _check("disk", f"in {folder}", _BYTES * works * 1.05 + 1e8, shutil.disk_usage(folder).free)
    available = _available_memory()
    if available is not None:
        _check("memory", "on this machine", _MEMORY + _MEMORY_PER_WORK * works, available)


def _check(what: str, where: str, needed: float, available: float) -> None:
    if needed > available:
        raise QueryError(
            f"The rehearsal needs {needed / 1e9:.1f} GB of {what}; {available / 1e9:.1f} GB are free {where}. "
            "Give fewer --works" + (", or another --folder." if what == "disk" else ".")
        )


def _available_memory() -> float | None:
    """Bytes of memory that processes may still take; None on other systems than Linux."""
    path = Path("/proc/meminfo")
    if not path.is_file():
        return None
    return 1024.0 * int(path.read_text(encoding="utf-8").split("MemAvailable:")[1].split()[0])


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt  # so that the folder is removed, and what runs is ended


def _search(folder: Path, works: int, queries: int, seed: int) -> dict[str, Any]:
    """Open the saved space and search it: in a process that has no other memory."""
    answers, before = exact_answers(folder), memory_by_kind()
    is_cold = _forget(folder)
    started = time.perf_counter()
    space = open_rehearsal(folder)
    opened = time.perf_counter() - started
    index, statistics = space.index, space.statistics
    asked = {name: weighted(statistics, answers["asked"], weights) for name, weights in WEIGHTINGS.items()}
    balanced, count = asked["balanced"], candidates_for(10)

    def candidates(query: np.ndarray, allowed: np.ndarray | None = None) -> np.ndarray:
        return index.search(query[None], count, allowed=allowed)[1][0]

    started = time.perf_counter()
    candidates(balanced[0])
    first = time.perf_counter() - started
    found = {name: [candidates(query) for query in vectors] for name, vectors in asked.items()}
    memory = memory_by_kind()
    _read_through(folder)
    taken = milliseconds(candidates, balanced)
    recalls = {name: recall(rows, answers[name]) for name, rows in found.items()}
    shares, filters = shares_of(works, seed), {}
    for name, share in FILTERS.items():
        allowed = shares <= share
        filters[name] = {
            "p50_ms": _p50(milliseconds(lambda query, allowed=allowed: candidates(query, allowed), balanced)),
            "recall@10": recall([candidates(query, allowed) for query in balanced], answers[name]),
        }
    batch = np.resize(balanced, (_BATCH, balanced.shape[1]))
    started = time.perf_counter()
    index.search(batch, count)
    per_second = _BATCH / (time.perf_counter() - started)
    return {
        "open_s": round(opened, 4),
        "first_query_ms": round(1000 * first, 1),
        "opened_cold": is_cold,
        "memory_mb": _megabytes(memory, before, "anonymous"),
        "mapped_mb": _megabytes(memory, before, "mapped"),
        "p50_ms": _p50(taken),
        "p95_ms": round(float(np.percentile(taken, 95)), 2),
        "batch_queries_per_s": round(per_second, 1),
        "recall@10": recalls["balanced"],
        "recall@10_worst": min(recalls.values()),
        "recall@10_by_weights": recalls,
        "eight_bits_recall@10_by_weights": {
            name: recall(list(answers[f"8 bits: {name}"]), answers[name]) for name in WEIGHTINGS
        },
        "filters": filters,
    }


def _time_numpy(folder: Path, works: int, queries: int, seed: int) -> tuple[float, int]:
    """Milliseconds of `matrix @ query` over vectors in full width, and the number of works in the matrix."""
    statistics = replace(load_statistics(folder / FILES[0]), bases=None)
    blends, _ = load_blends(folder, works, seed, more=queries)
    count = min(works, _NUMPY_WORKS)
    wide = np.empty((count, statistics.dimension), np.float32)
    for start in range(0, count, CHUNK):
        rows = np.arange(start, min(start + CHUNK, count))
        wide[rows] = statistics.index_vectors(raw_blocks(blends, rows))
    asked = statistics.index_vectors(raw_blocks(blends, np.arange(works, works + min(queries, 20))))
    return _p50(milliseconds(lambda query: wide @ query, list(weighted(statistics, asked, BALANCED)))), count


def _forget(folder: Path) -> bool:
    """Take the files out of the system's cache; whether this system can."""
    if not hasattr(os, "posix_fadvise"):
        return False
    for name in FILES:
        with (folder / name).open("r+b") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def _read_through(folder: Path) -> None:
    """Read the vectors into the system's cache, without mapping them."""
    buffer = bytearray(2**24)
    with (folder / FILES[1]).open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def _megabytes(after: Mapping[str, float], before: Mapping[str, float], kind: str) -> int | None:
    return round(1000 * (after[kind] - before[kind])) if after else None


def _p50(taken: np.ndarray) -> float:
    return round(float(np.median(taken)), 2)
