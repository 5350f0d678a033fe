"""The space of a rehearsal: built in bounded memory, its compact vectors in a file, and the exact answers in the same pass."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from artsim.embedding.vector_columns import compact_column, density_column, vector_columns
from artsim.encoders.protocol import Aspect
from artsim.index import Rows, build_first_pass, read_first_pass
from artsim.snapshot.density import density_of, reference_rows
from artsim.snapshot.space import Space, open_space
from artsim.snapshot.space_statistics import SpaceStatistics, fit_statistics
from artsim.snapshot.statistics_file import load_statistics, statistics_bytes
from benchmarking.blends import CHUNK, Blends, load_blends
from benchmarking.exact import WEIGHTINGS, Nearest, raw_blocks
from benchmarking.memory import PeakMemory

NAME = "met"
FILTERS = {"1 %": 0.01, "0.01 %": 0.0001}  # share of the works that is left
_STATISTICS, _CODES, _DENSITY, _FIRST_PASS = "statistics.safetensors", "compact.npy", "density.npy", "first-pass.faiss"
FILES = (_STATISTICS, _CODES, _DENSITY, _FIRST_PASS)
_ANSWERS = "answers.npz"
_DENSITY_UP_TO = 500_000  # works whose density is computed; the time is scaled, and no figure depends on the others
_EVERY = 1_000_000  # works between two lines of progress, at most


def shares_of(works: int, seed: int) -> np.ndarray:
    """(works,) float32, 0 to 1: what the filters of a rehearsal ask for."""
    return np.random.default_rng(seed).random(works, np.float32)


def build_rehearsal(folder: Path, works: int, queries: int, seed: int) -> dict[str, Any]:
    """Build the space of `works` blends in `folder`, with the exact answers of `queries` works that are not in it.

    Seconds by stage, without those that blending and the answers took, and the peak of memory.
    """
    import faiss

    blends, segments = load_blends(folder, works, seed, more=queries)
    with PeakMemory() as memory:
        started = time.perf_counter()
        statistics = fit_statistics(NAME, blends, segments, compact=True)  # type: ignore[arg-type]
        fitted = time.perf_counter() - started - blends["subject"].stopwatch.seconds
        (folder / _STATISTICS).write_bytes(statistics_bytes(statistics))
        encoding = _Encoding(folder, statistics, blends, works, queries, seed)
        spent = encoding.run()
        del encoding
        codes = Rows.of(np.load(folder / _CODES, mmap_mode="r"))
        bits = statistics.bits
        assert bits is not None
        print("first pass ...", flush=True)
        indexing = time.perf_counter()
        first_pass = build_first_pass(codes, bits)
        indexed = time.perf_counter()
        measured = _write_density(folder / _DENSITY, statistics, codes)
        finished = time.perf_counter()
        faiss.write_index(first_pass, str(folder / _FIRST_PASS))
        seconds = {
            "fit_s": fitted,
            "encode_s": spent["encode"],
            "first_pass_s": indexed - indexing,
            "density_s": (finished - indexed) * works / measured,
            "write_s": time.perf_counter() - finished,
        }
    return {
        "build_s": round(sum(seconds.values()), 1),
        **{name: round(value, 1) for name, value in seconds.items()},
        "density_scaled": measured < works,
        "blending_s": round(spent["blend"], 1),
        "exact_answers_s": round(spent["answers"], 1),
        "build_peak_gb": memory.anonymous_gb,
    }


def open_rehearsal(folder: Path) -> Space:
    """The space that `build_rehearsal` has saved, opened as a collection's is: the compact vectors memory-mapped."""
    statistics = load_statistics(folder / _STATISTICS)
    codes = Rows.of(np.load(folder / _CODES, mmap_mode="r"))
    first_pass = read_first_pass(folder / _FIRST_PASS, len(codes), codes.dimension)
    density = Rows.of(np.load(folder / _DENSITY, mmap_mode="r"))
    return open_space(statistics, "embedded", "unknown", _columns(statistics, codes, density), first_pass=first_pass)


def exact_answers(folder: Path) -> dict[str, np.ndarray]:
    """(q, K) rows by weighting and filter; those of comparing all 8-bit vectors have "8 bits: " before the weighting."""
    with np.load(folder / _ANSWERS) as answers:
        return dict(answers)


def _columns(statistics: SpaceStatistics, codes: Rows, density: Rows | None) -> dict[str, Rows]:
    """Plain subject vectors are not kept: zeros that take no memory are in their place."""
    width = statistics.raw_dims["subject"]
    columns = {
        vector_columns(NAME)["subject"]: Rows.of(np.broadcast_to(np.float16(0), (len(codes), width))),
        compact_column(NAME): codes,
    }
    return columns if density is None else {**columns, density_column(NAME): density}


def _write_density(path: Path, statistics: SpaceStatistics, codes: Rows) -> int:
    """Write the density of the first works; the number of these. That of all ten million would take half an hour."""
    n, measured, bits = len(codes), min(len(codes), _DENSITY_UP_TO), statistics.bits
    assert bits is not None
    reference = bits.decode(codes.take(reference_rows(n)))
    progress = Progress("density", measured)

    def chunks() -> Iterator[np.ndarray]:
        for start in range(0, measured, CHUNK):
            yield bits.decode(codes.take(np.arange(start, min(start + CHUNK, measured))))
            progress.reached(start)

    density = np.lib.format.open_memmap(path, "w+", np.float32, (n, len(statistics.aspects)))
    density[:measured] = density_of(chunks(), reference, statistics.block_dims)
    density.flush()
    return measured


class _Encoding:
    """The pass over the raw blocks, in a thread for each core: each chunk is blended, projected, encoded and compared."""

    def __init__(
        self,
        folder: Path,
        statistics: SpaceStatistics,
        blends: Mapping[Aspect, Blends],
        works: int,
        queries: int,
        seed: int,
    ) -> None:
        self.folder, self.statistics, self.blends, self.works = folder, statistics, blends, works
        self.shares = shares_of(works, seed)
        self.weights = np.stack([statistics.weigh(weights) for weights in WEIGHTINGS.values()])
        asked = statistics.index_vectors(raw_blocks(blends, np.arange(works, works + queries)))
        self.asked = statistics.split(asked)
        self.exact = Nearest((len(WEIGHTINGS) + len(FILTERS)) * queries)
        self.rounded = Nearest(len(WEIGHTINGS) * queries)
        self.lock = threading.Lock()
        self.spent = {"blend": 0.0, "encode": 0.0, "answers": 0.0}

    def run(self) -> dict[str, float]:
        """Write the codes and the answers; the seconds of each part, of all that passed."""
        path, shape = self.folder / _CODES, (self.works, self.statistics.dimension)
        header = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
        self.offset = int(header.offset)
        del header
        progress = Progress("encoding", self.works)
        started = time.perf_counter()
        with path.open("r+b") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)  # a full disk is an error now, not later
            self.file = file
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                try:
                    for start in pool.map(self._encode, range(0, self.works, CHUNK)):
                        progress.reached(start)
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
            os.fsync(file.fileno())
        elapsed, all_spent = time.perf_counter() - started, sum(self.spent.values())
        self._save_answers()
        return {part: elapsed * seconds / all_spent for part, seconds in self.spent.items()}

    def _encode(self, start: int) -> int:
        rows = np.arange(start, min(start + CHUNK, self.works))
        times = [time.perf_counter()]
        raw = raw_blocks(self.blends, rows)
        times.append(time.perf_counter())
        bits = self.statistics.bits
        assert bits is not None
        vectors = self.statistics.index_vectors(raw)
        codes = bits.encode(vectors)
        with self.lock:
            self.file.seek(self.offset + start * codes.shape[1])
            self.file.write(codes.data)
        times.append(time.perf_counter())
        exact, rounded = self._scores(vectors), self._scores(bits.decode(codes))
        balanced = exact[list(WEIGHTINGS).index("balanced")]
        filtered = [np.where(self.shares[rows] <= share, balanced, -np.inf) for share in FILTERS.values()]
        exact = np.concatenate([exact, filtered])
        with self.lock:
            self.exact.add(exact.reshape(-1, len(rows)), rows)
            self.rounded.add(rounded.reshape(-1, len(rows)), rows)
            times.append(time.perf_counter())
            for part, seconds in zip(self.spent, np.diff(times).tolist(), strict=True):
                self.spent[part] += seconds
        return int(rows[-1]) + 1

    def _scores(self, vectors: np.ndarray) -> np.ndarray:
        """(weightings, q, n) float32: the weighted cosines of the queries and index vectors (n, d)."""
        blocks = self.statistics.split(vectors)
        products = np.stack([self.asked[aspect] @ block.T for aspect, block in blocks.items()])
        return (self.weights @ products.reshape(len(products), -1)).reshape(-1, *products.shape[1:])

    def _save_answers(self) -> None:
        names = [*WEIGHTINGS, *FILTERS]
        answers = dict(zip(names, np.split(self.exact.best(), len(names)), strict=True))
        rounded = np.split(self.rounded.best(), len(WEIGHTINGS))
        answers |= {f"8 bits: {name}": best for name, best in zip(WEIGHTINGS, rounded, strict=True)}
        asked = np.concatenate(list(self.asked.values()), axis=1)
        np.savez(self.folder / _ANSWERS, asked=asked, **answers)  # type: ignore[arg-type]


class Progress:
    """A line per million works, or tenth of fewer, with the minutes that are left."""

    def __init__(self, name: str, works: int) -> None:
        self._name, self._works = name, works
        self._started, self._step = time.perf_counter(), max(1, min(_EVERY, works // 10))
        self._next = self._step

    def reached(self, works: int) -> None:
        if works < self._next:
            return
        self._next = works + self._step
        left = (time.perf_counter() - self._started) * (self._works - works) / works
        print(f"{self._name}: {works:,} of {self._works:,} works, {left / 60:.1f} minutes left", flush=True)
