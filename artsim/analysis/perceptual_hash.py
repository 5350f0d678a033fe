"""Perceptual hashes: 64 bits per picture that survive scaling, JPEG, recolouring and, through windows, crops and borders.

Each hash is a DCT hash (Zauner 2010, "Implementation and benchmarking of perceptual image hash functions"): the picture in
grey at 32 x 32 pixels, the signs of 64 low frequencies relative to their median. The lowest row and column of
frequencies are left out: they hold what frames and vignettes have in common; without them, other pictures differ more.
"""

from __future__ import annotations

import itertools

import numpy as np
from PIL import Image

from artsim.images.decode import load_image

BITS = 64
_SIDE, _FINE_SIDE = 32, 128
_KEPT = 8
_SPANS = ((0.0, 1.0), (0.0, 0.92), (0.08, 1.0), (0.05, 0.95), (0.09, 0.91), (0.14, 0.86))
WINDOWS = tuple((left, top, right, bottom) for (top, bottom), (left, right) in itertools.product(_SPANS, _SPANS))
"""Windows of a picture that are hashed, the whole first: they match what a crop or a border leaves of it."""
_NEAREST = 8
_FAINT = 1.5  # grey levels: if the 64 frequencies together are weaker than this, their signs are noise
_FREQUENCIES = np.cos(np.pi * np.arange(1, _KEPT + 1)[:, None] * (2 * np.arange(_SIDE) + 1) / (2 * _SIDE)) / (_SIDE / 2)


def load_small(data: bytes, name: str) -> Image.Image:
    """A picture file, decoded at a size that suffices for hashes and outlines."""
    return load_image(data, short_side=_FINE_SIDE, name=name)


def small_grey(image: Image.Image) -> Image.Image:
    """The picture in grey at 128 x 128 pixels, from which hashes and outlines are computed."""
    return image.convert("L").resize((_FINE_SIDE, _FINE_SIDE), Image.Resampling.BOX, reducing_gap=2.0)


def perceptual_hash(image: Image.Image) -> np.ndarray:
    """(len(WINDOWS),) uint64: one hash per window, the whole picture first; 0 for a nearly blank window."""
    grey = small_grey(image)
    windows = []
    for left, top, right, bottom in WINDOWS:
        box = (left * _FINE_SIDE, top * _FINE_SIDE, right * _FINE_SIDE, bottom * _FINE_SIDE)
        windows.append(np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, box=box), np.float32))
    waves = np.einsum("ai,wij,bj->wab", _FREQUENCIES, np.stack(windows), _FREQUENCIES, optimize=True)
    waves = waves.reshape(len(WINDOWS), BITS)
    bits = waves > np.median(waves, axis=1, keepdims=True)
    hashes = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
    return np.where(np.sqrt((waves**2).sum(axis=1)) < _FAINT, np.uint64(0), hashes)


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(p,) differing bits of p pairs of perceptual hashes (p, windows); `BITS` + 1 if one of the two is nearly blank.

    The minimum over the whole of one picture against every window of the other.
    """
    blank = BITS + 1
    least = np.full(len(first), blank)
    for whole, windows in ((first[:, :1], second), (second[:, :1], first)):
        differing = np.bitwise_count(whole ^ windows).astype(int)
        least = np.minimum(least, np.where((whole == 0) | (windows == 0), blank, differing).min(axis=1))
    return least


def near_wholes(hashes: np.ndarray, within: int) -> np.ndarray:
    """(p, 2) row numbers, first < second, of hashes (n, windows) whose whole pictures differ in at most `within` bits.

    Of each picture the `_NEAREST` nearest at most: so many copies of one picture make few pairs.
    """
    import faiss

    rows = np.flatnonzero(hashes[:, 0])
    if len(rows) < 2:
        return np.zeros((0, 2), np.int64)
    codes = np.ascontiguousarray(hashes[rows, 0]).view(np.uint8).reshape(len(rows), -1)
    index = faiss.IndexBinaryFlat(BITS)
    index.add(codes)
    bits, found = index.search(codes, min(_NEAREST + 1, len(rows)))
    first = np.repeat(np.arange(len(rows)), found.shape[1])
    near = (bits.ravel() <= within) & (found.ravel() != first)
    return np.unique(np.sort(np.stack([rows[first], rows[found.ravel()]], axis=1)[near], axis=1), axis=0)
