"""Geometry of pictures: frames, views of long pictures, and regions."""

from __future__ import annotations

import math

from PIL import Image

from artsim.errors import ImageError
from artsim.images.formats import MIN_SIDE

LONG = 2.0
"""A picture of a higher aspect ratio is seen in several views."""
_MAX_PIECES = 7
_STEP = 0.75  # of the length of a piece: its neighbour begins there

Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels."""
Region = tuple[float, float, float, float]
"""(left, top, right, bottom), each a fraction of the width or height, in 0..1."""


def fit_frame(
    size: tuple[float, float], *, short_side: int, max_aspect: float = LONG, multiple: int = 32
) -> tuple[int, int]:
    """The (width, height) of a picture or a part of it as input of a convolutional encoder.

    The aspect ratio is kept up to `max_aspect` (beyond it, the picture is squeezed, not cropped), the short side is
    `short_side`, and both sides are multiples of `multiple` so that pictures of similar shape share a batch.
    """
    width, height = size
    aspect = min(max(width / height, 1 / max_aspect), max_aspect)
    long_side = short_side * max(aspect, 1 / aspect)
    long_side = max(short_side, round(long_side / multiple) * multiple)
    return (long_side, short_side) if aspect >= 1 else (short_side, long_side)


def is_long(size: tuple[int, int]) -> bool:
    """Whether a picture of this size is seen in several views."""
    return max(size) > LONG * min(size)


def view_boxes(size: tuple[int, int]) -> list[Box]:
    """The parts of a picture that an encoder sees one by one: the whole and, of a long picture, pieces along its long side.

    Pieces are squares, up to an aspect ratio of 5.5; of a longer picture they are `_MAX_PIECES`, longer than squares.
    Neighbours overlap by a quarter or more.
    """
    width, height = size
    boxes: list[Box] = [(0.0, 0.0, float(width), float(height))]
    if is_long(size):
        long, short = max(size), min(size)
        count = min(_MAX_PIECES, math.ceil((long / short - 1) / _STEP) + 1)
        length = max(short, long / (1 + _STEP * (count - 1)))
        starts = [(long - length) * number / (count - 1) for number in range(count)]
        if width > height:
            boxes += [(start, 0.0, start + length, float(height)) for start in starts]
        else:
            boxes += [(0.0, start, float(width), start + length) for start in starts]
    return boxes


def crop_region(image: Image.Image, region: Region) -> Image.Image:
    """The part of `image` inside `region`. Raises `ImageError` if it has too few pixels, or is none."""
    return image.crop(region_box(image.size, region))


def region_box(size: tuple[int, int], region: Region) -> tuple[int, int, int, int]:
    """The box of `region` in whole pixels of a picture of this size. Raises `ImageError` as `crop_region` does."""
    if len(region) != 4 or not (0 <= region[0] < region[2] <= 1 and 0 <= region[1] < region[3] <= 1):  # false for NaN
        raise ImageError(
            "The region {region} is empty or outside the picture; give (left, top, right, bottom) in 0..1.",
            region=str(tuple(region)),
        )
    width, height = size
    left, top, right, bottom = region
    box = round(left * width), round(top * height), round(right * width), round(bottom * height)
    if box[2] - box[0] < MIN_SIDE or box[3] - box[1] < MIN_SIDE:
        raise ImageError(
            "The region {region} is only {width} x {height} pixels of this picture.",
            region=str(tuple(region)),
            width=box[2] - box[0],
            height=box[3] - box[1],
        )
    return box
