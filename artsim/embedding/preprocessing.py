"""Preprocessing: from a picture file to what encoders see. Builds, added works, uploads and queries all use `decode_picture`.

The order: decode to upright sRGB (`artsim.images.decode`), cut out the region of a query, leave margins out
(`artsim.images.margins`). Views of long pictures (`artsim.encoders.views`) and the input size are the encoder's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

from artsim.images.decode import VISITOR_SECONDS, ImageLike, load_image
from artsim.images.margins import without_margins

VERSION = 1
"""Raise it with every change of what encoders see: vectors of different versions cannot be compared."""
_THIN = 16  # aspect ratio beyond which the long side is averaged: the views of such a picture have no use for it


@dataclass(frozen=True)
class Preprocessing:
    """How the pictures of a collection are prepared. `str` of it is what the manifest records."""

    keep_margins: bool = False
    """Whether uniform mounts and black borders are seen too."""

    def __str__(self) -> str:
        return f"{VERSION}, margins kept" if self.keep_margins else str(VERSION)


@dataclass(frozen=True)
class DecodedPicture:
    """A decoded picture: `image` is all of it, `seen` what encoders see, the same object if it has no margins."""

    image: Image.Image
    seen: Image.Image


def decode_picture(
    source: ImageLike,
    *,
    side: int,
    preprocessing: Preprocessing,
    region: tuple[float, float, float, float] | None = None,
    name: str | None = None,
    seconds: float = VISITOR_SECONDS,
) -> DecodedPicture:
    """Decode and prepare a picture, whose short side need not exceed `side` pixels, or a region of it.

    `ImageError`, in which it is called `name`, if it is unusable, or takes longer than `seconds`.
    """
    image = _not_thin(load_image(source, short_side=side, region=region, name=name, seconds=seconds))
    if preprocessing.keep_margins:
        return DecodedPicture(image, image)
    seen = without_margins(image)
    if min(seen.size) < side / 2 and seen is not image and not region:
        # a small picture in a large mount: once more, larger
        larger = math.ceil(side * min(image.size) / min(seen.size))
        seen = without_margins(_not_thin(load_image(source, short_side=larger, name=name, seconds=seconds)))
    return DecodedPicture(image, seen)


def recorded_preprocessing(recorded: str | None) -> Preprocessing | None:
    """The preprocessing that a manifest records; None if it is that of another artsim."""
    known = (Preprocessing(), Preprocessing(keep_margins=True))
    return next((one for one in known if str(one) == recorded), None)


def _not_thin(image: Image.Image) -> Image.Image:
    """A very long picture with its long side averaged, so that a batch of them fits into memory."""
    factor = max(image.size) // (_THIN * min(image.size))
    if factor < 2:
        return image
    return image.reduce((factor, 1) if image.width > image.height else (1, factor))
