"""Edge alignment: the correlation of the outlines of two pictures, for the best crop of either.

Perceptual hashes of two portraits of one composition are near, too; their outlines at 32 x 32 pixels are not.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from artsim.analysis.perceptual_hash import WINDOWS, small_grey
from artsim.encoders.region_vectors import Region

_SIDE = 32
_STEPS = (0.04, 0.02, 0.01)  # of the picture, by which the edges of the crop move
_MIN_CROP = 0.6  # of the width and height: a smaller crop is a detail, not the work
_MARGIN = 0.2  # of the width and height on every side: where frames and walls are
_MIDDLES_AGREE = 0.25  # framed pictures of different works reach at most 0.11, of one work at least 0.3 in 98 of 100


def edge_alignment(first: Image.Image, second: Image.Image) -> float:
    """-1..1: the correlation of the outlines of two pictures, for the best crop of one of them against the whole other.

    If their middles hardly correlate, it is the correlation of the middles: similar frames do not make one work.
    """
    greys = small_grey(first), small_grey(second)
    crops = [(*_best_crop(grey, _outlines(whole)), grey, whole) for grey, whole in (greys, greys[::-1])]
    best, window, grey, whole = max(crops, key=lambda crop: crop[0])
    middles = float(_outlines(grey, _middle(window)) @ _outlines(whole, _middle((0.0, 0.0, 1.0, 1.0))))
    return best if middles >= _MIDDLES_AGREE else min(best, middles)


def _middle(window: Region) -> Region:
    left, top, right, bottom = window
    across, down = _MARGIN * (right - left), _MARGIN * (bottom - top)
    return left + across, top + down, right - across, bottom - down


def _best_crop(grey: Image.Image, target: np.ndarray) -> tuple[float, Region]:
    """The best correlation and its crop: hill climbing from the best of `WINDOWS`, one edge at a time."""
    window: Region = max(WINDOWS, key=lambda crop: float(_outlines(grey, crop) @ target))
    best = float(_outlines(grey, window) @ target)
    for step in _STEPS:
        improved = True
        while improved:
            improved = False
            for moved in _moved(window, step):
                score = float(_outlines(grey, moved) @ target)
                if score > best + 1e-4:
                    best, window, improved = score, moved, True
    return best, window


def _moved(window: Region, step: float) -> list[Region]:
    """The windows that differ from this one in one edge, by `step`."""
    windows = []
    for edge in range(4):
        for change in (-step, step):
            edges = list(window)
            edges[edge] = min(1.0, max(0.0, edges[edge] + change))
            left, top, right, bottom = edges
            if min(right - left, bottom - top) >= _MIN_CROP:
                windows.append((left, top, right, bottom))
    return windows


def _outlines(grey: Image.Image, window: Region = (0.0, 0.0, 1.0, 1.0)) -> np.ndarray:
    """(2 * 32 * 32,) of unit length: the vertical and horizontal gradients of grey inside a window."""
    left, top, right, bottom = window
    box = (left * grey.width, top * grey.height, right * grey.width, bottom * grey.height)
    small = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, box=box), np.float32)
    change = np.concatenate([part.ravel() for part in np.gradient(small)])
    return change / max(float(np.linalg.norm(change)), 1e-6)
