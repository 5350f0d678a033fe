"""The `color` aspect, shared by all encoders: a soft Lab histogram of the whole picture.

Square roots of the bin shares make the inner product of two unit rows the Bhattacharyya coefficient of the two
palettes (1 = the same palette, 0 = no colour in common).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from artsim.encoders.base import unit_rows

# Closer together near grey, where most paint is; 8 x 9 x 9 bins.
_LIGHTNESS = np.linspace(0, 100, 8)
_CHROMA = np.array([-50, -28, -15, -7, 0, 7, 15, 28, 50], float)
DIMS = len(_LIGHTNESS) * len(_CHROMA) ** 2
_SIDE = 64


def embed_colors(images: Sequence[Image.Image]) -> np.ndarray:
    """(n, `DIMS`) float32 unit rows."""
    if not images:
        return np.zeros((0, DIMS), np.float32)
    return unit_rows(np.stack([np.sqrt(_histogram(image)) for image in images]))


def _histogram(image: Image.Image) -> np.ndarray:
    """(DIMS,) shares that sum to 1; each pixel is spread over its 8 nearest bins (trilinear)."""
    pixels = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0))
    lab = rgb_to_lab(pixels.reshape(-1, 3))
    centres = (_LIGHTNESS, _CHROMA, _CHROMA)
    bins = tuple(len(levels) for levels in centres)
    position = np.stack(
        [np.interp(values, levels, np.arange(len(levels))) for values, levels in zip(lab.T, centres, strict=True)],
        axis=1,
    )
    low = np.minimum(np.floor(position).astype(int), np.array(bins) - 2)
    share = position - low
    histogram = np.zeros(DIMS)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, share, 1 - share), axis=1)
        flat = np.ravel_multi_index(tuple((low + corner).T), bins)
        histogram += np.bincount(flat, weight, minlength=DIMS)
    return histogram / len(lab)


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """sRGB uint8 (n, 3) to CIE L*a*b* (D65): L in 0..100, a and b about -128..127."""
    linear = rgb.astype(np.float64) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    cube = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * cube[:, 1] - 16, 500 * (cube[:, 0] - cube[:, 1]), 200 * (cube[:, 1] - cube[:, 2])], axis=1)
