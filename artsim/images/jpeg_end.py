"""JPEG files that lost their end: every viewer opens them, Pillow does not.

A file that lacks only its end marker, or the last few lines, gets a marker. One that lacks more stays as it is, and is an
error: a picture whose lower half is grey would be compared as if it looked so.
"""

from __future__ import annotations

import io
import random

import numpy as np
from PIL import Image, JpegImagePlugin

from artsim.images.formats import MAX_PIXELS
from artsim.images.metadata_limits import START_OF_SCAN, jpeg_segments

_END = b"\xff\xd9"
_NOISE = random.Random(0).randbytes(4096).replace(b"\xff", b"")  # where pixels are missing, they come from it
_MISSING_LINES, _MISSING_SHARE = 16, 20  # at most: a row of blocks, or a twentieth


def with_end(data: bytes) -> bytes:
    """A JPEG file with an end marker, if that makes it whole; the same object otherwise, and if it is no JPEG file.

    Raises what Pillow raises for a header that it cannot read.
    """
    if not data.startswith(b"\xff\xd8\xff"):
        return data
    scan = next((end for marker, _, end in jpeg_segments(data) if marker == START_OF_SCAN), None)
    if scan is None or data.find(_END, scan) >= 0:
        return data
    cut = data.removesuffix(b"\xff")  # half a marker
    plain, noisy = _grey(cut + _END), _grey(cut + _NOISE + _END)
    if plain is None or noisy is None:
        return data
    different = np.flatnonzero((plain != noisy).any(axis=1))
    lines = len(plain)
    most = max(_MISSING_LINES // 2 + 1, lines // _MISSING_SHARE)  # of half the size; the last one is interpolated
    return cut + _END if not len(different) or different[0] >= lines - most else data


def _grey(data: bytes) -> np.ndarray | None:
    """The grey levels (h, w) uint8 of a JPEG file at half its size; None if it is too large or not decodable."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.width * image.height > MAX_PIXELS:
            return None
        image.draft("L", (image.width // 2, image.height // 2))
        try:
            return np.asarray(image.convert("L"))
        except OSError:
            return None
