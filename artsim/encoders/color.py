"""The `color` aspect, shared by all encoders: a soft Lab histogram of the whole picture.

Square roots of the bin shares make the inner product of two unit rows the Bhattacharyya coefficient of the two
palettes (1 = the same palette, 0 = no colour in common).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from artsim.encoders.protocol import unit_rows

# 8 x 9 x 9 bins, closer together near grey, where most paint is.
_LIGHTNESS = np.linspace(0, 100, 8)
_CHROMA = np.array([-50, -28, -15, -7, 0, 7, 15, 28, 50], float)
_CENTRES = (_LIGHTNESS, _CHROMA, _CHROMA)
DIMS = len(_LIGHTNESS) * len(_CHROMA) ** 2
_STEPS = (len(_CHROMA) ** 2, len(_CHROMA), 1)  # index steps between neighbouring bins in L, a and b
_SIDE = 64

_LEVELS = np.arange(256) / 255
_LINEAR = np.where(
    _LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4
)  # linear light of the 256 sRGB levels


def embed_colors(images: Sequence[Image.Image]) -> np.ndarray:
    """The `color` aspect of RGB pictures: (n, `DIMS`) float32 unit rows."""
    if not images:
        return np.zeros((0, DIMS), np.float32)
    return unit_rows(np.stack([np.sqrt(_histogram(image)) for image in images]))


def _histogram(image: Image.Image) -> np.ndarray:
    """(DIMS,) shares that sum to 1; each pixel is spread over its 8 nearest bins (trilinear)."""
    pixels = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0))
    lab = rgb_to_lab(pixels.reshape(-1, 3))
    lowest = np.zeros(len(lab), np.intp)  # index of each pixel's lowest bin
    shares = []  # per dimension: the shares of the lower and the higher bin
    for values, centres, step in zip(lab.T, _CENTRES, _STEPS, strict=True):
        position = np.interp(values, centres, np.arange(len(centres)))
        low = np.minimum(position.astype(np.intp), len(centres) - 2)
        lowest += low * step
        shares.append((1 - (position - low), position - low))
    corners = list(np.ndindex(2, 2, 2))
    bins = np.concatenate([lowest + np.dot(corner, _STEPS) for corner in corners])
    weights = np.concatenate([shares[0][i] * shares[1][j] * shares[2][k] for i, j, k in corners])
    return np.bincount(bins, weights, minlength=DIMS) / len(lab)


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """sRGB uint8 (n, 3) -> CIE L*a*b* (n, 3) (D65): L in 0..100, a and b about -128..127."""
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = _LINEAR[rgb] @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    cube = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * cube[:, 1] - 16, 500 * (cube[:, 0] - cube[:, 1]), 200 * (cube[:, 1] - cube[:, 2])], axis=1)


def mean_colors(rows: np.ndarray) -> np.ndarray:
    """Rows of `embed_colors` (n, `DIMS`) -> (n, 3) uint8 sRGB: the mean colour of each picture, from its histogram alone."""
    centres = np.stack(np.meshgrid(*_CENTRES, indexing="ij"), axis=-1).reshape(-1, 3)
    shares = rows**2
    lab = shares @ centres / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)
    height = (lab[:, 0] + 16) / 116
    cube = np.stack([height + lab[:, 1] / 500, height, height - lab[:, 2] / 200], axis=1)
    xyz = np.where(cube > 6 / 29, cube**3, (116 * cube - 16) / (24389 / 27)) * [0.95047, 1.0, 1.08883]
    from_xyz = np.array(
        [[3.2404542, -1.5371385, -0.4985314], [-0.969266, 1.8760108, 0.041556], [0.0556434, -0.2040259, 1.0572252]]
    )
    linear = np.clip(xyz @ from_xyz.T, 0, 1)
    return np.round(255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)).astype(
        np.uint8
    )
