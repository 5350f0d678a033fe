"""Preprocessing: from a picture file to what encoders see. Builds, added works, uploads and queries all use `decode_picture`.

The order: decode to upright sRGB (`artsim.images.decode`), cut out the region of a query, leave margins out
(`artsim.images.margins`). Views of long pictures (`artsim.encoders.views`) and the input size are the encoder's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from artsim.errors import CollectionError
from artsim.images.decode import ImageLike, load_image
from artsim.images.geometry import crop_region
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
) -> DecodedPicture:
    """Decode and prepare a picture, whose short side need not exceed `side` pixels, or a region of it.

    `ImageError`, in which it is called `name`, if it is unusable.
    """
    image = load_image(source, short_side=None if region else side, name=name)
    image = _not_thin(crop_region(image, region) if region else image)
    return DecodedPicture(image, image if preprocessing.keep_margins else without_margins(image))


def recorded_preprocessing(recorded: str | None, name: str) -> Preprocessing:
    """The preprocessing that a manifest records. `CollectionError`, with the `name` of the manifest, for another version."""
    known = {str(one): one for one in (Preprocessing(), Preprocessing(keep_margins=True))}
    if recorded not in known:
        raise CollectionError(
            "{name} was made by an artsim that prepares pictures differently; build it again.", name=name
        )
    return known[recorded]


def _not_thin(image: Image.Image) -> Image.Image:
    """A very long picture with its long side averaged, so that a batch of them fits into memory."""
    factor = max(image.size) // (_THIN * min(image.size))
    if factor < 2:
        return image
    return image.reduce((factor, 1) if image.width > image.height else (1, factor))
