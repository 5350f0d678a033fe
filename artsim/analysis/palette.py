"""Palettes: the dominant colours of a picture, and those that two pictures share.

Colours are compared by CIEDE2000 (Sharma, Wu and Dalal 2005, "The CIEDE2000 color-difference formula"): about 1 is the
smallest visible difference, and 10 is clearly another colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from artsim.encoders.color import rgb_to_lab

_SHARED_WITHIN = 9.0  # CIEDE2000: a recoloured scan stays within it, blue and green do not
_SWATCHES = 6
_SIDE = 64
_BIN = 10.0  # Lab units: seeds are chosen among bins of this size, so that a single odd pixel is not one
_ROUNDS = 12


@dataclass(frozen=True)
class Swatch:
    """One colour of a picture, and the share of the picture that is nearest to it, in 0..1."""

    rgb: tuple[int, int, int]
    share: float

    @property
    def hex(self) -> str:
        """As in HTML: `#rrggbb`."""
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)


@dataclass(frozen=True)
class SharedColor:
    """Swatch number `first` of one palette and number `second` of another, `difference` (CIEDE2000) apart."""

    first: int
    second: int
    difference: float


def palette(image: Image.Image) -> tuple[Swatch, ...]:
    """At most `_SWATCHES` swatches of an RGB picture, largest share first; fewer when it has fewer colours.

    Deterministic k-means in CIE Lab on 64 x 64 pixels: the first seed is the most frequent colour, each further one the
    colour of the largest squared distance to the nearest seed times its frequency, so that accents are included.
    """
    pixels = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0)).reshape(-1, 3)
    lab = rgb_to_lab(pixels)
    centres = _seeds(lab)
    for _ in range(_ROUNDS):
        nearest = _squares(lab, centres).argmin(axis=1)
        filled = np.unique(nearest)
        centres = np.stack([lab[nearest == i].mean(axis=0) for i in filled])
    nearest = _squares(lab, centres).argmin(axis=1)
    swatches = []
    for i in np.unique(nearest):
        red, green, blue = pixels[nearest == i].mean(axis=0).round().astype(int).tolist()
        swatches.append(Swatch((red, green, blue), float((nearest == i).mean())))
    return tuple(sorted(swatches, key=lambda swatch: (-swatch.share, swatch.rgb)))


def _seeds(lab: np.ndarray) -> np.ndarray:
    """(at most `_SWATCHES`, 3): initial colours, out of the bin means of the pixels (n, 3)."""
    _, bins, frequency = np.unique(np.round(lab / _BIN), axis=0, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(bins.ravel(), lab[:, i]) for i in range(3)], axis=1)
    means = sums / frequency[:, None]
    seeds = [int(frequency.argmax())]
    while len(seeds) < min(_SWATCHES, len(means)):
        seeds.append(int((frequency * _squares(means, means[seeds]).min(axis=1)).argmax()))
    return means[seeds]


def _squares(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(n, c): squared distances."""
    return ((points[:, None] - centres[None]) ** 2).sum(axis=2)


def shared_colors(first: Sequence[Swatch], second: Sequence[Swatch]) -> tuple[SharedColor, ...]:
    """Pairs of swatches at most `_SHARED_WITHIN` apart, nearest first; each swatch is in one pair at most."""
    if not first or not second:
        return ()
    labs = [rgb_to_lab(np.array([swatch.rgb for swatch in swatches], np.uint8)) for swatches in (first, second)]
    differences = color_difference(labs[0][:, None], labs[1][None])
    shared: list[SharedColor] = []
    for i, j in zip(
        *np.unravel_index(np.argsort(differences, axis=None, kind="stable"), differences.shape), strict=True
    ):
        if differences[i, j] > _SHARED_WITHIN:
            break
        if all(i != pair.first and j != pair.second for pair in shared):
            shared.append(SharedColor(int(i), int(j), float(differences[i, j])))
    return tuple(shared)


def color_difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """CIEDE2000 between Lab colours (..., 3) and (..., 3), with broadcasting."""
    lightness = [lab[..., 0] for lab in (first, second)]
    mean_chroma = (np.hypot(first[..., 1], first[..., 2]) + np.hypot(second[..., 1], second[..., 2])) / 2
    stretch = 1 + (1 - np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25.0**7))) / 2
    chroma = [np.hypot(stretch * lab[..., 1], lab[..., 2]) for lab in (first, second)]
    hue = [np.degrees(np.arctan2(lab[..., 2], stretch * lab[..., 1])) % 360 for lab in (first, second)]
    coloured = chroma[0] * chroma[1] > 0
    turn = np.where(coloured, (hue[1] - hue[0] + 180) % 360 - 180, 0.0)
    hue_mean = np.where(coloured, hue[0] + turn / 2, hue[0] + hue[1])
    l_mean, c_mean = (lightness[0] + lightness[1]) / 2, (chroma[0] + chroma[1]) / 2

    def cosine(degrees: np.ndarray) -> np.ndarray:
        return np.cos(np.radians(degrees))

    t = 1 - 0.17 * cosine(hue_mean - 30) + 0.24 * cosine(2 * hue_mean)
    t += 0.32 * cosine(3 * hue_mean + 6) - 0.20 * cosine(4 * hue_mean - 63)
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * t
    rotation = 2 * np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7))
    rotation *= -np.sin(np.radians(60 * np.exp(-((((hue_mean % 360) - 275) / 25) ** 2))))
    d_l = (lightness[1] - lightness[0]) / s_l
    d_c = (chroma[1] - chroma[0]) / s_c
    d_h = 2 * np.sqrt(chroma[0] * chroma[1]) * np.sin(np.radians(turn / 2)) / s_h
    return np.sqrt(np.maximum(d_l**2 + d_c**2 + d_h**2 + rotation * d_c * d_h, 0))
