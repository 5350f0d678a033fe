"""Augmented views of a painting that keep its style: mirrored, cropped, slightly rotated; same colours and sharpness."""

from __future__ import annotations

import math
import zlib

import numpy as np
from PIL import Image

LEAST_AREA = 0.7
"""Smallest share of the picture that a crop keeps."""
MOST_DEGREES = 5.0
_LONGEST_STRETCH = 0.1  # a crop's shape differs from the picture's by at most e^0.1


def altered_view(image: Image.Image, identity: str, number: int, *, seed: int) -> Image.Image:
    """View `number` of a work: 0 is the picture itself; the others are altered, depending on the seed only."""
    if number == 0:
        return image
    rng = np.random.default_rng([seed, number, zlib.crc32(identity.encode(errors="surrogateescape"))])
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return _cropped(image, math.radians(rng.uniform(-MOST_DEGREES, MOST_DEGREES)), rng)


def _cropped(image: Image.Image, angle: float, rng: np.random.Generator) -> Image.Image:
    """A crop rotated by `angle` where it stays within the picture, else not rotated."""
    area, stretch = rng.uniform(LEAST_AREA, 1.0), rng.uniform(-_LONGEST_STRETCH, _LONGEST_STRETCH)
    across = min(1.0, math.sqrt(area) * math.exp(stretch / 2))
    width, height = image.width * across, image.height * min(1.0, area / across)
    cos, sin = math.cos(angle), abs(math.sin(angle))
    if width * cos + height * sin > image.width or width * sin + height * cos > image.height:
        angle, cos, sin = 0.0, 1.0, 0.0
    free = image.width - (width * cos + height * sin), image.height - (width * sin + height * cos)
    x, y = image.width / 2 + rng.uniform(-0.5, 0.5) * free[0], image.height / 2 + rng.uniform(-0.5, 0.5) * free[1]
    size = max(1, round(width)), max(1, round(height))
    a, b = math.cos(angle), math.sin(angle)
    back = (a, b, x - a * size[0] / 2 - b * size[1] / 2, -b, a, y + b * size[0] / 2 - a * size[1] / 2)
    return image.transform(size, Image.Transform.AFFINE, back, Image.Resampling.BICUBIC)
