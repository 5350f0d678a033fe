"""Blends: as many works as wanted, each between two random paintings of The Met, and none a copy of another.

They are generated whenever they are read, the same ones for one seed: the raw blocks of a million are 29 GB.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from artsim.embedding.decoded_works import decode_side, decode_works
from artsim.embedding.embed_works import embed_works
from artsim.encoders import load_encoder
from artsim.encoders.protocol import ASPECTS, Aspect, Blocks
from artsim.sources import open_source

SHARE = (0.3, 0.7)  # of the first of two works, uniform
NOISE = 0.2  # standard deviation of the factor of each number, uniform around 1: signs and zeros stay
CHUNK = 2_000  # works that are in memory at once; as many as `make_space` reads
_CACHED = 50  # works that are generated at once, so that their numbers stay in the processor's cache
_NOISE_STORE = 2**22  # random factors; those of a work are a stretch of them that begins anywhere
_MET = "met.npz"


@dataclass
class Stopwatch:
    seconds: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """Of which two works each work is a blend, the share of the first, and where its noise begins. All (n,)."""

    first: np.ndarray
    second: np.ndarray
    share: np.ndarray
    noise: np.ndarray

    @classmethod
    def draw(cls, count: int, works: int, seed: int) -> Recipe:
        """For `count` blends of `works` works. The first ones are the same whatever `count` is."""
        drawn = np.random.default_rng(seed).random((count, 4)).T
        first = (drawn[0] * works).astype(np.int64)
        second = (first + 1 + (drawn[1] * (works - 1)).astype(np.int64)) % works
        share = (SHARE[0] + drawn[2] * (SHARE[1] - SHARE[0])).astype(np.float32)
        return cls(first, second, share, (drawn[3] * _NOISE_STORE).astype(np.int64))


@dataclass(frozen=True)
class Blends:
    """The raw blocks (`count`, d) of one aspect, read like `artsim.index.Rows`; `base` (m, d): those of real works."""

    base: np.ndarray
    count: int
    recipe: Recipe
    seed: int
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
        """(len(rows), d) float32 unit rows. Rows from `count` on are works that are not in the collection."""
        started = time.perf_counter()
        taken = np.empty((len(rows), self.dimension), np.float32)
        for start in range(0, len(rows), _CACHED):
            here = rows[start : start + _CACHED]
            share = self.recipe.share[here, None]
            blend = self.base[self.recipe.first[here]] * share
            blend += self.base[self.recipe.second[here]] * (1 - share)
            blend *= self._factors[self.recipe.noise[here]]
            np.divide(blend, np.linalg.norm(blend, axis=1, keepdims=True), out=taken[start : start + _CACHED])
        self.stopwatch.seconds += time.perf_counter() - started
        return taken

    def chunks(self, size: int) -> Iterator[tuple[int, np.ndarray]]:
        for start in range(0, self.count, size):
            yield start, self.take(np.arange(start, min(start + size, self.count)))

    @cached_property
    def _factors(self) -> np.ndarray:
        """(_NOISE_STORE, d): the noise that begins at each place."""
        spread = NOISE * np.sqrt(3)
        rng = np.random.default_rng(self.seed)
        store = rng.uniform(1 - spread, 1 + spread, _NOISE_STORE + self.dimension - 1).astype(np.float32)
        return np.lib.stride_tricks.sliding_window_view(store, self.dimension)


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


def load_blends(
    folder: Path, works: int, seed: int, *, more: int = 0
) -> tuple[dict[Aspect, Blends], dict[Aspect, tuple[int, ...]]]:
    """`works` blends of what `save_met` has saved, by aspect, and the lengths of their segments.

    `more` works that are not among them can be taken too.
    """
    with np.load(folder / _MET) as met:
        base: Blocks = {aspect: met[aspect] for aspect in ASPECTS}
        segments = {aspect: tuple(met[f"{aspect} segments"].tolist()) for aspect in ASPECTS}
    recipe, stopwatch = Recipe.draw(works + more, len(base["subject"]), seed), Stopwatch()
    return {
        aspect: Blends(block, works, recipe, seed + number, stopwatch)
        for number, (aspect, block) in enumerate(base.items())
    }, segments
