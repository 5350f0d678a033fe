"""Blends: as many works as wanted, each between two random paintings of The Met, and none a copy of another.

They are generated in chunks whenever they are read, the same ones for one seed: a million of them have raw blocks of 29 GB.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from artsim.embedding.decoded_works import decode_side, decode_works
from artsim.embedding.embed_works import embed_works
from artsim.encoders import load_encoder
from artsim.encoders.protocol import ASPECTS, Aspect, Blocks
from artsim.sources import open_source

CHUNK = 2_000  # works; as many as `make_space` reads at once
SHARE = (0.3, 0.7)  # of the first of two works, uniform
_MET = "met.npz"
NOISE = 0.2  # standard deviation of the factor of each number, uniform around 1: signs and zeros stay


@dataclass
class Stopwatch:
    seconds: float = 0.0


@dataclass(frozen=True)
class Blends:
    """The raw blocks (`count`, d) of one aspect, read like `artsim.index.Rows`; `base` (m, d): those of real works."""

    base: np.ndarray
    count: int
    seed: int
    aspect: int
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    """How long generating took so far."""

    def __len__(self) -> int:
        return self.count

    @property
    def dimension(self) -> int:
        return self.base.shape[1]

    @property
    def parts(self) -> tuple[np.ndarray, ...]:
        return (self.base,)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows), d) float32; `rows` in ascending order. Rows from `count` on are works that are not in the collection."""
        numbers, starts = np.unique(rows // CHUNK, return_index=True)
        pieces = np.split(rows, starts[1:])
        taken = [self._chunk(int(number))[piece % CHUNK] for number, piece in zip(numbers, pieces, strict=True)]
        return np.concatenate(taken) if len(taken) > 1 else taken[0]

    def chunks(self, size: int) -> Iterator[tuple[int, np.ndarray]]:
        for start in range(0, self.count, size):
            yield start, self.take(np.arange(start, min(start + size, self.count)))

    def _chunk(self, number: int) -> np.ndarray:
        started = time.perf_counter()
        first, second, share = _pairs(len(self.base), self.seed, number)
        blend = self.base[first]
        blend *= share
        other = self.base[second]
        other *= 1 - share
        blend += other
        np.random.default_rng((self.seed, number, 1 + self.aspect)).random(out=other, dtype=np.float32)
        other *= NOISE * np.sqrt(12)  # uniform numbers spread by 1 / sqrt(12)
        other += 1 - NOISE * np.sqrt(3)
        blend *= other
        self.stopwatch.seconds += time.perf_counter() - started
        return blend


@lru_cache(maxsize=8)
def _pairs(works: int, seed: int, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two distinct works for each blend of a chunk, and the share (CHUNK, 1) of the first."""
    rng = np.random.default_rng((seed, number))
    first = rng.integers(0, works, CHUNK)
    second = (first + rng.integers(1, works, CHUNK)) % works
    return first, second, rng.uniform(*SHARE, (CHUNK, 1)).astype(np.float32)


def embed_met(works: int | None = None) -> tuple[Blocks, dict[Aspect, tuple[int, ...]]]:
    """The raw blocks of the paintings of The Met (at most `works`), and the lengths of their segments."""
    encoder = load_encoder("embedded")
    paintings = list(open_source("met").works(0))[:works]
    pictures = [{**work, "image": work["image"]["bytes"]} for work in paintings]
    decoded = decode_works(pictures, side=decode_side([encoder]))
    blocks = embed_works(decoded, {"met": encoder}).vectors["met"].blocks
    return blocks, {**encoder.segments, "color": (blocks["color"].shape[1],)}


def save_met(blocks: Blocks, segments: Mapping[Aspect, tuple[int, ...]], folder: Path) -> None:
    """Save what `embed_met` returns, for `load_blends` in any process."""
    lengths = {f"{aspect} segments": np.array(of_aspect) for aspect, of_aspect in segments.items()}
    np.savez(folder / _MET, **{str(aspect): block for aspect, block in blocks.items()}, **lengths)  # type: ignore[arg-type]


def load_blends(folder: Path, works: int, seed: int) -> tuple[dict[Aspect, Blends], dict[Aspect, tuple[int, ...]]]:
    """`works` blends of what `save_met` has saved, by aspect, and the lengths of their segments."""
    stopwatch = Stopwatch()
    with np.load(folder / _MET) as met:
        blends = {aspect: Blends(met[aspect], works, seed, number, stopwatch) for number, aspect in enumerate(ASPECTS)}
        return blends, {aspect: tuple(met[f"{aspect} segments"].tolist()) for aspect in ASPECTS}
