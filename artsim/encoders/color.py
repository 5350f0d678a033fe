"""The `color` aspect, shared by all encoders: a soft Lab histogram of the whole picture.

Square roots of the bin shares make the inner product of two unit rows the Bhattacharyya coefficient of the two
palettes (1 = the same palette, 0 = no colour in common).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from artsim.encoders.base import unit_rows

LIGHTNESS_BINS, CHROMA_BINS = (
    6,
    8,
)  # 6 x 8 x 8 bins: fine enough to tell ochre from gold, coarse enough for 64 x 64 pixels
DIMS = LIGHTNESS_BINS * CHROMA_BINS * CHROMA_BINS
_SIDE = 64
_CHROMA_RANGE = 60.0  # |a|, |b| beyond this are rare in paint and share the last bin


def embed_colors(images: Sequence[Image.Image]) -> np.ndarray:
    """(n, `DIMS`) float32 unit rows."""
    if not images:
        return np.zeros((0, DIMS), np.float32)
    return unit_rows(np.stack([np.sqrt(_histogram(image)) for image in images]))


def _histogram(image: Image.Image) -> np.ndarray:
    """(DIMS,) shares that sum to 1; each pixel is spread over its 8 nearest bins (trilinear)."""
    pixels = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0))
    lab = rgb_to_lab(pixels.reshape(-1, 3))
    bins = (LIGHTNESS_BINS, CHROMA_BINS, CHROMA_BINS)
    position = np.stack(
        [
            lab[:, 0] / 100 * (LIGHTNESS_BINS - 1),
            (np.clip(lab[:, 1], -_CHROMA_RANGE, _CHROMA_RANGE) / _CHROMA_RANGE + 1) / 2 * (CHROMA_BINS - 1),
            (np.clip(lab[:, 2], -_CHROMA_RANGE, _CHROMA_RANGE) / _CHROMA_RANGE + 1) / 2 * (CHROMA_BINS - 1),
        ],
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
