"""Geometry of pictures: frames and regions."""

from __future__ import annotations

from PIL import Image

from artsim.errors import ImageError
from artsim.images.decode import MIN_SIDE


def fit_frame(
    size: tuple[int, int], *, short_side: int, max_aspect: float = 2.0, multiple: int = 32
) -> tuple[int, int]:
    """The (width, height) of a whole picture as input of a convolutional encoder.

    The aspect ratio is kept up to `max_aspect` (a hand-scroll of 1:40 is squeezed, not cropped), the short side is
    `short_side`, and both sides are multiples of `multiple` so that pictures of similar shape share a batch.
    """
    width, height = size
    aspect = min(max(width / height, 1 / max_aspect), max_aspect)
    long_side = short_side * max(aspect, 1 / aspect)
    long_side = max(short_side, round(long_side / multiple) * multiple)
    return (long_side, short_side) if aspect >= 1 else (short_side, long_side)


def crop_region(image: Image.Image, region: tuple[float, float, float, float]) -> Image.Image:
    """The part of `image` inside (left, top, right, bottom), each a fraction of the width or height in 0..1."""
    if len(region) != 4 or not (0 <= region[0] < region[2] <= 1 and 0 <= region[1] < region[3] <= 1):  # false for NaN
        raise ImageError(
            "The region {region} is empty or outside the picture; give (left, top, right, bottom) in 0..1.",
            region=str(region),
        )
    left, top, right, bottom = region
    box = (
        round(left * image.width),
        round(top * image.height),
        round(right * image.width),
        round(bottom * image.height),
    )
    if box[2] - box[0] < MIN_SIDE or box[3] - box[1] < MIN_SIDE:
        raise ImageError(
            "The region {region} is only {width} x {height} pixels of this picture.",
            region=str(region),
            width=box[2] - box[0],
            height=box[3] - box[1],
        )
    return image.crop(box)
