"""Pixels of any kind to upright sRGB: EXIF orientation, palettes, colour profiles, CMYK, 16 bit, float, alpha over white.

A picture is converted strip by strip, and each strip is reduced at once: copies of all of a large picture would cost more
memory than the picture itself.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile

from artsim.images.color_profile import to_srgb
from artsim.images.geometry import Region, region_box

_STRIP = 1_000_000  # pixels, at most, unless one line of the result is more
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF orientation

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""
Strips = tuple[tuple[int, int], Iterator[Image.Image]]
"""The size of a picture, and its strips from the top down, RGB."""

log = logging.getLogger(__name__)


def to_rgb(image: Image.Image, *, region: Region | None = None, short_side: int | None = None) -> Image.Image:
    """Any PIL picture, or a region of it, as upright sRGB: see `rgb_strips`."""
    return joined(*rgb_strips(image, region=region, short_side=short_side))


def rgb_strips(image: Image.Image, *, region: Region | None = None, short_side: int | None = None) -> Strips:
    """The first frame of any PIL picture, or a region of it, as upright sRGB.

    With `short_side`, it is averaged over squares of whole pixels, to the smallest size whose short side is not below that.
    """
    image.load()
    orientation, size = _orientation(image), upright_size(image)
    left, top, right, bottom = region_box(size, region) if region else (0, 0, *size)
    width, height = right - left, bottom - top
    factor = max(1, min(width, height) // short_side) if short_side else 1
    levels = _levels(image)

    def strips() -> Iterator[Image.Image]:
        lines = max(1, _STRIP // (width * factor)) * factor
        for start in range(top, bottom, lines):
            box = (left, start, right, min(start + lines, bottom))
            strip = image.crop(_source_box(box, orientation, size))
            if orientation in _TURNS:
                strip = strip.transpose(_TURNS[orientation])
            strip = _converted(strip, levels)
            yield strip.reduce(factor) if factor > 1 else strip

    return (math.ceil(width / factor), math.ceil(height / factor)), strips()


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of the upright picture, from the header."""
    return image.size[::-1] if _orientation(image) >= 5 else image.size


def joined(size: tuple[int, int], strips: Iterable[Image.Image]) -> Image.Image:
    """The picture that strips make up."""
    whole, top = Image.new("RGB", size), 0
    for strip in strips:
        whole.paste(strip, (0, top))
        top += strip.height
    return whole


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, from 1 to 8; unreadable EXIF data are ignored."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception as error:  # SyntaxError, struct.error, ...
        log.debug("The EXIF data of a picture cannot be read.", exc_info=error)
        return 1
    return orientation if orientation in _TURNS else 1


def _source_box(box: Box, orientation: int, size: tuple[int, int]) -> Box:
    """The box in the picture as it is stored that becomes `box` of the upright picture of this size."""
    left, top, right, bottom = box
    width, height = size
    if orientation in (2, 3, 6, 7):
        left, right = width - right, width - left
    if orientation in (3, 4, 7, 8):
        top, bottom = height - bottom, height - top
    return (top, left, bottom, right) if orientation >= 5 else (left, top, right, bottom)


def _converted(image: Image.Image, levels: tuple[float, float] | None) -> Image.Image:
    """A strip as RGB; `levels`: of black and white, where they are not 0 and 255."""
    profile = image.info.pop("icc_profile", None)
    if levels is not None:
        image = Image.fromarray(_to_8_bit(np.asarray(image), *levels))
    # a transparent colour, or palette entries
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        image = image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    alpha = None
    if image.mode in ("LA", "PA", "RGBA", "RGBa"):
        image = image if image.mode == "LA" else image.convert("RGBA")
        alpha, image = image.getchannel("A"), image.convert(image.mode[:-1])
    if image.mode not in ("L", "RGB", "CMYK"):
        profile = None if image.mode in ("LAB", "HSV") else profile  # these colours depend on no device
        image = image.convert("L" if image.mode == "1" else "RGB")
    image = to_srgb(image, profile if isinstance(profile, bytes) else None)
    if alpha is None:
        return image
    opaque = Image.new("RGB", image.size, (255, 255, 255))
    opaque.paste(image, mask=alpha)
    return opaque


def _levels(image: Image.Image) -> tuple[float, float] | None:
    """The levels of black and white of a picture with more than 8 bits; None for others.

    White is defined by the format, else by the range of the levels.
    """
    if image.mode.startswith("I;16"):
        bits = image.tag_v2.get(BITSPERSAMPLE, (16,))[0] if isinstance(image, TiffImageFile) else 16
        return 0.0, float(2**bits - 1)  # scanners write TIFF files of 12 bits
    if image.mode == "I" and image.format in ("PNG", "PPM"):
        return 0.0, 65535.0
    return _range(image) if image.mode.startswith("I") or image.mode == "F" else None


def _range(image: Image.Image) -> tuple[float, float]:
    """The levels of black and white in a picture whose format defines none.

    Black is 0, and white the first of 1, 255 and 65535 that no level exceeds, else the highest level. In a picture with
    negative levels, black is the lowest and white the highest, or 1 if all are within -1..1. Infinite levels do not count.
    """
    lowest, highest = np.inf, -np.inf
    lines = max(1, _STRIP // image.width)
    for top in range(0, image.height, lines):
        strip = image.crop((0, top, image.width, min(top + lines, image.height)))
        levels = np.asarray(strip, np.float32)
        finite = np.isfinite(levels)
        lowest = min(lowest, float(levels.min(where=finite, initial=np.inf)))
        highest = max(highest, float(levels.max(where=finite, initial=-np.inf)))
    if lowest > highest:
        return 0.0, 1.0
    if lowest < 0:
        return lowest, max(highest, 1.0) if lowest >= -1 else highest
    return 0.0, next((top for top in (1.0, 255.0, 65535.0) if highest <= top), highest)


def _to_8_bit(values: np.ndarray, black: float, white: float) -> np.ndarray:
    """Grey levels (h, w) to uint8, between `black` and `white`; what is no number is black."""
    scale = 255.0 / (white - black) if white > black else 0.0
    scaled = np.nan_to_num(np.asarray(values, np.float32), nan=black, posinf=white, neginf=black)
    scaled *= np.float32(scale)
    scaled += np.float32(0.5 - black * scale)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
