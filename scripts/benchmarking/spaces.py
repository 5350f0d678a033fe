"""The space of a search benchmark, built, saved and opened in processes of their own, so that their memory can be measured."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from artsim.embedding.vector_columns import vector_columns
from artsim.encoders.presets import PRESETS
from artsim.errors import ArtsimError
from artsim.index import CompactIndex, Rows
from artsim.search.ranking import candidates_for
from artsim.snapshot.space import Space, make_space, open_space
from artsim.snapshot.statistics_file import load_statistics, statistics_bytes
from benchmarking.blends import CHUNK, load_blends

NAME = "met"
_STATISTICS, _FIRST_PASS = "statistics.safetensors", "first-pass.faiss"
T = TypeVar("T")


def in_process(function: Callable[..., T], *arguments: Any) -> T:
    """The result of `function` in a fresh process, which ends with this one's wait. `ArtsimError` if it is killed."""
    others = multiprocessing.active_children()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise ArtsimError("A process of the benchmark was killed, most likely because memory was short.") from error
        except BaseException:
            for process in set(multiprocessing.active_children()) - set(others):
                process.terminate()
            raise


def build_space(folder: Path, works: int, seed: int) -> dict[str, float | None]:
    """Build the space of `works` blends and save it in `folder`: seconds, without those that blending took, and peak memory."""
    import faiss

    blends, segments = load_blends(folder, works, seed)
    path = _column(folder, vector_columns(NAME)["subject"])
    subject = np.lib.format.open_memmap(path, "w+", np.float16, (works, blends["subject"].dimension))
    started = time.perf_counter()
    for start, chunk in blends["subject"].chunks(CHUNK):
        subject[start : start + CHUNK] = chunk
    space = make_space(NAME, "embedded", "unknown", {**blends, "subject": Rows.of(subject)}, segments=segments)  # type: ignore[dict-item]
    seconds = time.perf_counter() - started - blends["subject"].stopwatch.seconds
    assert isinstance(space.index, CompactIndex)
    subject.flush()
    for name, rows in space.columns().items():
        if rows is not space.subject:
            np.save(_column(folder, name), rows.all())
    (folder / _STATISTICS).write_bytes(statistics_bytes(space.statistics))
    faiss.write_index(space.index.first_pass, str(folder / _FIRST_PASS))
    peak = _memory("VmHWM")
    return {"build_s": round(seconds, 1), "build_peak_gb": None if peak is None else round(peak / 1e9, 2)}


def load_space(folder: Path) -> Space:
    """The space that `build_space` has saved; its vectors are memory-mapped, as those of a collection are."""
    import faiss

    columns = {path.stem: Rows.of(np.asarray(np.load(path, mmap_mode="r"))) for path in folder.glob("*.npy")}
    first_pass = faiss.read_index(str(folder / _FIRST_PASS))
    return open_space(load_statistics(folder / _STATISTICS), "embedded", "unknown", columns, first_pass=first_pass)


def measure_bytes(folder: Path) -> float | None:
    """The memory a work that a search by work needs of this process, plain subject vectors apart.

    The space is opened twice, and the second time counts: the libraries' own memory is there already.
    """
    if _memory("VmRSS") is None:
        return None
    _open_and_search(folder)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # gives freed memory back, so that the second time cannot use it
    before = _memory("VmRSS")
    space = _open_and_search(folder)
    after = _memory("VmRSS")
    assert before is not None and after is not None
    return (after - before) / len(space)


def _open_and_search(folder: Path) -> Space:
    """The saved space, all of whose memory was read that a search may read."""
    space = load_space(folder)
    assert isinstance(space.index, CompactIndex)
    for rows in (space.index.codes, space.density):
        for part in rows.parts:
            part.max()
    shares = space.statistics.weigh(PRESETS["balanced"])
    query = space.statistics.query_vector(space.index.vectors(np.arange(1))[0], shares)
    space.index.search(query[None], candidates_for(10))
    space.statistics.sorted_pairs(shares)
    return space


def _column(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"


def _memory(name: str) -> float | None:
    """Bytes of memory of this process, as Linux counts them; None on other systems."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    return 1024.0 * int(status.read_text(encoding="utf-8").split(f"{name}:")[1].split()[0])


def resident_memory() -> float | None:
    """Bytes of memory that this process has now; None where nobody counts them."""
    return _memory("VmRSS")
