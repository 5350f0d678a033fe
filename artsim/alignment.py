"""How well one picture lies on another: their outlines, after the best crop of either has been found.

A perceptual hash is near for two portraits of one composition too; outlines at 32 x 32 pixels are not.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from artsim.fingerprints import WINDOWS, small_grey

Window = tuple[float, float, float, float]

_SIDE = 32
_STEPS = (0.04, 0.02, 0.01)  # of the picture, by which the edges of the crop move
_LEAST = 0.6  # of the width and height: a smaller crop is a detail, not the work


def alignment(first: Image.Image, second: Image.Image) -> float:
    """-1..1: the correlation of the outlines of two pictures at the best crop of one of them against the whole other."""
    greys = small_grey(first), small_grey(second)
    return max(_best_crop(greys[0], _outlines(greys[1])), _best_crop(greys[1], _outlines(greys[0])))


def _best_crop(grey: Image.Image, target: np.ndarray) -> float:
    """Climbs from the best of `WINDOWS`, moving one edge at a time for as long as that helps."""
    window: Window = max(WINDOWS, key=lambda crop: float(_outlines(grey, crop) @ target))
    best = float(_outlines(grey, window) @ target)
    for step in _STEPS:
        found = True
        while found:
            found = False
            for moved in _moved(window, step):
                score = float(_outlines(grey, moved) @ target)
                if score > best + 1e-4:
                    best, window, found = score, moved, True
    return best


def _moved(window: Window, step: float) -> list[Window]:
    """The windows that differ from this one in one edge, by `step`."""
    windows = []
    for edge in range(4):
        for change in (-step, step):
            edges = list(window)
            edges[edge] = min(1.0, max(0.0, edges[edge] + change))
            left, top, right, bottom = edges
            if min(right - left, bottom - top) >= _LEAST:
                windows.append((left, top, right, bottom))
    return windows


def _outlines(grey: Image.Image, window: Window = (0.0, 0.0, 1.0, 1.0)) -> np.ndarray:
    """(2 * 32 * 32,) of unit length: how grey changes downwards and across, inside a window."""
    left, top, right, bottom = window
    box = (left * grey.width, top * grey.height, right * grey.width, bottom * grey.height)
    small = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, box=box), np.float32)
    change = np.concatenate([part.ravel() for part in np.gradient(small)])
    return change / max(float(np.linalg.norm(change)), 1e-6)
