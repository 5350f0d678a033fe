"""Synthetic reproductions and details of a picture: queries whose right answer is known (see `copies`).

Each maps an RGB picture and a seeded generator to another RGB picture. The same seed gives the same pixels under the same
versions of Pillow and numpy.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

Alter = Callable[[Image.Image, np.random.Generator], Image.Image]
Corners = np.ndarray
"""(4, 2) x and y of the upper left, upper right, lower right and lower left corner."""

_FRAMES = ((176, 141, 60), (61, 40, 27), (24, 24, 24), (236, 234, 228))  # gold, dark wood, black, white
_WALLS = ((214, 208, 196), (150, 152, 155), (92, 36, 34), (70, 84, 74), (240, 240, 238))
_DETAIL_ASPECT = 0.35  # its aspect ratio is the work's, or up to e^0.35 = 1.4 times as wide or as tall
_DETAIL_JITTER = 0.02  # largest shift of each corner, as a share of the work's sides


def generator(seed: int, *names: str) -> np.random.Generator:
    """Random generator for one picture and one distortion, independent of what else is measured and in which order."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A crop of 78..95 % of the width and of the height (61..90 % of the area), at a random position."""
    width, height = (rng.uniform(0.78, 0.95) * side for side in image.size)
    left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
    return image.crop((round(left), round(top), round(left + width), round(top + height)))


def framed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The frame included: a moulding of 5..14 % of the short side with a lighter lip, and up to 8 % of wall around it."""
    color = np.array(_FRAMES[rng.integers(len(_FRAMES))])
    moulding = round(min(image.size) * rng.uniform(0.05, 0.14))
    lip = max(1, moulding // 5)
    image = ImageOps.expand(image, lip, _color(color * 1.25))
    image = ImageOps.expand(image, moulding - lip, _color(color * rng.uniform(0.8, 1.1)))
    return ImageOps.expand(image, round(min(image.size) * rng.uniform(0, 0.08)), _wall(rng))


def jpeg_30(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A JPEG of quality 30."""
    return as_jpeg(image, 30)


def phone(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Phone photograph of a picture on a wall.

    Perspective (up to 10 %), light from one side, a colour cast, one or two glares, blur (0.3..0.8 % of the short side),
    noise (4..10 grey levels), JPEG 70.
    """
    image = _oblique(image, rng, max_shift=0.1)
    pixels = np.asarray(image, np.float32) * rng.uniform(0.85, 1.12, 3).astype(np.float32)
    y, x = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    pixels *= (1 + rng.uniform(0.1, 0.3) * (np.cos(angle) * x + np.sin(angle) * y))[..., None]
    for _ in range(rng.integers(1, 3)):
        across, down = rng.uniform(-0.7, 0.7, 2)
        wide, high = rng.uniform(0.12, 0.35, 2)
        spot = np.exp(-(((x - across) / wide) ** 2) - ((y - down) / high) ** 2)
        pixels += rng.uniform(100, 220) * spot[..., None]
    blurred = to_image(pixels).filter(ImageFilter.GaussianBlur(min(image.size) * rng.uniform(0.003, 0.008)))
    noise = rng.normal(0, rng.uniform(4, 10), (image.height, image.width, 3))
    return as_jpeg(to_image(np.asarray(blurred, np.float32) + noise), 70)


def combined(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A bad print: other colours, a crop or a frame, an oblique view (corners up to 12 % inwards), JPEG 30, in this order."""
    image = _toned(image, rng, cast=(0.75, 1.2), gamma=(0.7, 1.4), saturation=(0.4, 1.4))
    image = cropped(image, rng) if rng.random() < 0.5 else framed(image, rng)
    return jpeg_30(_oblique(image, rng, max_shift=0.12), rng)


def detail(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A detail of 20..40 % of the area at a random position, corners shifted by up to 2 %, slightly recoloured, JPEG 80."""
    return _detail(image, rng, area=(0.2, 0.4))


def small_detail(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The same with 5..15 % of the area."""
    return _detail(image, rng, area=(0.05, 0.15))


def _detail(image: Image.Image, rng: np.random.Generator, *, area: tuple[float, float]) -> Image.Image:
    share, stretch = rng.uniform(*area), np.exp(rng.uniform(-_DETAIL_ASPECT, _DETAIL_ASPECT))
    width = float(np.clip(np.sqrt(share * stretch), share, 1.0))
    height = share / width
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    corners = corners_of((width, height)) + np.array((left, top))
    corners = np.clip(corners + rng.uniform(-_DETAIL_JITTER, _DETAIL_JITTER, (4, 2)), 0, 1) * image.size
    size = max(16, round(width * image.width)), max(16, round(height * image.height))
    cut = image.transform(size, Image.Transform.PERSPECTIVE, mapping(corners_of(size), corners), _BICUBIC)
    toned = _toned(cut, rng, cast=(0.92, 1.08), gamma=(0.88, 1.14), saturation=(0.8, 1.2))
    return as_jpeg(toned, 80)


SAME_WORK: tuple[Alter, ...] = (cropped, framed, jpeg_30, phone, combined)
DETAILS: tuple[Alter, ...] = (detail, small_detail)

_BICUBIC = Image.Resampling.BICUBIC


def _toned(
    image: Image.Image,
    rng: np.random.Generator,
    *,
    cast: tuple[float, float],
    gamma: tuple[float, float],
    saturation: tuple[float, float],
) -> Image.Image:
    levels = np.clip(np.asarray(image, np.float32) / 255 * rng.uniform(*cast, 3), 0, 1) ** rng.uniform(*gamma)
    return ImageEnhance.Color(to_image(levels * 255)).enhance(rng.uniform(*saturation))


def _oblique(image: Image.Image, rng: np.random.Generator, *, max_shift: float) -> Image.Image:
    """The picture with its corners moved up to `max_shift` (of the sides) inwards, a wall around it; same size."""
    outer = corners_of(image.size)
    inwards = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    target = outer + inwards * rng.uniform(0, max_shift, (4, 2)) * image.size
    return image.transform(
        image.size, Image.Transform.PERSPECTIVE, mapping(target, outer), _BICUBIC, fillcolor=_wall(rng)
    )


def corners_of(size: tuple[float, float]) -> Corners:
    width, height = size
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], float)


def mapping(to: Corners, source: Corners) -> list[float]:
    """The eight coefficients for Pillow's PERSPECTIVE, which map points `to` in the result to points `source`."""
    rows = []
    for (x, y), (u, v) in zip(to, source, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
    return list(np.linalg.solve(np.array(rows), source.ravel()))


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    with Image.open(file) as saved:
        return saved.convert("RGB")


def to_image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _color(values: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = np.clip(values, 0, 255).astype(int).tolist()
    return red, green, blue


def _wall(rng: np.random.Generator) -> tuple[int, int, int]:
    return _WALLS[rng.integers(len(_WALLS))]
