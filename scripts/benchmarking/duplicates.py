"""Seconds and memory that it takes to look for duplicates among many pictures: reading them, and finding candidates."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np

from artsim.analysis.picture_features import read_features
from artsim.analysis.shared_features import DESCRIPTOR, pairs_by_shared_features
from artsim.errors import ArtsimError
from benchmarking.page import met_collection
from benchmarking.spaces import in_process

_FEATURES = 500  # of each made-up picture
_PLANTED = 200  # pairs of pictures that share half of their features
_COMPARED = 0.12  # score from which on artsim compares a pair
_CHUNK = 1_000  # pictures


def measure_duplicates(works: int) -> dict[str, Any]:
    """Read the paintings of The Met, one after the other, and find candidates among `works` pictures of such features."""
    if works < 2 * _PLANTED:
        raise ArtsimError(f"--works must be at least {2 * _PLANTED}; it is {works}.")
    collection = met_collection()
    started = time.process_time()
    pictures = [read_features(collection.picture(identity), identity) for identity in collection.ids]
    read_ms = 1000 * (time.process_time() - started) / len(pictures)
    real = np.concatenate([picture.local.descriptors for picture in pictures])
    result = {"works": works, "read_ms": round(read_ms, 1), **in_process(_find, real, works)}
    print(f"{works:,} works: {read_ms:.0f} ms of one processor to read a picture and its features; candidates:")
    memory = f"{result['peak_mb']:.0f} MB at most, {result['feature_mb']:.0f} MB of them the features"
    print(f"  {result['candidates_s']:.0f} s, {memory}")
    print(f"  {result['found']} of {_PLANTED} copies found, {result['others']} other pairs to compare")
    return result


def _find(real: np.ndarray, works: int) -> dict[str, Any]:
    """Features of a made-up picture are real ones with a quarter of their bits changed; of a copy, an eighth."""
    rng = np.random.default_rng(0)
    descriptors = np.empty((works * _FEATURES, DESCRIPTOR), np.uint8)
    for start in range(0, len(descriptors), _CHUNK * _FEATURES):
        chunk = descriptors[start : start + _CHUNK * _FEATURES]
        chunk[:] = real[rng.integers(0, len(real), len(chunk))] ^ _changes(rng, len(chunk), 2)
    half = _FEATURES // 2
    for first in range(0, 2 * _PLANTED, 2):
        original, copy = (descriptors[number * _FEATURES :][:half] for number in (first, first + 1))
        copy[:] = original ^ _changes(rng, half, 3)
    started = time.perf_counter()
    pairs, scores = pairs_by_shared_features(descriptors, np.full(works, _FEATURES), most=8)
    seconds = time.perf_counter() - started
    compared = pairs[scores >= _COMPARED]
    found = int(
        ((compared[:, 0] % 2 == 0) & (compared[:, 1] == compared[:, 0] + 1) & (compared[:, 1] < 2 * _PLANTED)).sum()
    )
    return {
        "candidates_s": round(seconds, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "feature_mb": round(descriptors.nbytes / 2**20),
        "found": found,
        "others": len(compared) - found,
    }


def _changes(rng: np.random.Generator, rows: int, power: int) -> np.ndarray:
    """(rows, 32) uint8 in which 1 bit of 2^power is set."""
    changes = np.full((rows, DESCRIPTOR), 255, np.uint8)
    for _ in range(power):
        changes &= rng.integers(0, 256, changes.shape, np.uint8)
    return changes
