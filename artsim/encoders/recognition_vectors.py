"""Vectors that find the work in a photograph: what is where in a picture, in 256 bytes, the same for every collection.

They come from the `layout` of the embedded encoder, whatever else a collection is embedded by: of works at either of its scales,
of views at that for reproductions.
A projection on random signs (Achlioptas 2003, "Database-friendly random projections") keeps their cosines; unlike principal
components it depends on no collection, so nothing is fitted, and a vector stays valid wherever its work goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image

from artsim.encoders.protocol import unit_rows
from artsim.encoders.reproductions import INSETS, LayoutEncoder, inset
from artsim.images.quadrilaterals import find_quadrilaterals, straighten

ENCODER = "embedded"
REVISION = "efficientnet-lite0-57934424-layout-signs256-2"
"""Changes with every change of the vectors: others are not compared."""
DIMENSION = 256
QUADRILATERALS = 4
_CUTS = (0.0, 0.10, 0.16)  # of a quadrilateral, on every side: it may be the outside of a frame
_RANGE = 0.32  # five standard deviations of a number; larger ones are cut off
_SEED = 0


def codes_of(layouts: np.ndarray) -> np.ndarray:
    """(n, `DIMENSION`) uint8: what is stored of works, from their `layout` (n, d) by the embedded encoder."""
    codes = np.rint(127.5 * (1 + _projected(layouts) / _RANGE))
    return np.clip(codes, 0, 255, out=codes).astype(np.uint8)


def embed_views(encoder: LayoutEncoder, views: Sequence[Image.Image]) -> np.ndarray:
    """(views, `DIMENSION`) float32 unit rows, to be compared with stored ones by `likeness`."""
    return _projected(encoder.embed_layouts(views))


def views_of(photograph: Image.Image) -> list[Image.Image]:
    """The photograph without its edges, and each quadrilateral in it, straightened, whole and without its edges."""
    corners = find_quadrilaterals(photograph, most=QUADRILATERALS)
    flat = [straighten(photograph, four) for four in corners]
    return [inset(photograph, share) for share in INSETS] + [inset(view, share) for view in flat for share in _CUTS]


def likeness(codes: np.ndarray, views: np.ndarray) -> np.ndarray:
    """(views, n) float32: the cosines of stored vectors (n, `DIMENSION`) uint8 with those of views."""
    step = np.float32(_RANGE / 127.5)
    return step * (views @ codes.astype(np.float32).T) - np.float32(_RANGE) * views.sum(axis=1, keepdims=True)


def restored(codes: np.ndarray) -> np.ndarray:
    """(n, `DIMENSION`) float32 unit rows: the vectors that stored ones (n, `DIMENSION`) uint8 stand for."""
    return unit_rows(codes.astype(np.float32) / 127.5 - 1)


def _projected(layouts: np.ndarray) -> np.ndarray:
    return unit_rows(layouts @ _signs(layouts.shape[1]))


@cache
def _signs(length: int) -> np.ndarray:
    """(length, `DIMENSION`) float32: 1 or -1 by the bits of a generator whose numbers never change."""
    numbers = np.random.PCG64(_SEED).random_raw(length * DIMENSION // 64).astype("<u8")
    return np.unpackbits(numbers.view(np.uint8)).reshape(length, DIMENSION).astype(np.float32) * 2 - 1
