"""What of a picture is compared to tell whether it is another one again: local features, a perceptual hash, its pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from artsim.analysis.perceptual_hash import perceptual_hash
from artsim.images.decode import load_image, picture_size
from artsim.images.local_features import LocalFeatures, features_of_work

SIDE = 480  # short side in pixels, at which a picture is decoded


@dataclass(frozen=True)
class PictureFeatures:
    """`size`: width and height of the file in pixels; `pixels`: hash of the decoded picture; `hashes` (windows,) uint64."""

    size: tuple[int, int]
    pixels: bytes
    hashes: np.ndarray
    local: LocalFeatures

    @property
    def area(self) -> int:
        return self.size[0] * self.size[1]


def read_features(data: bytes, name: str) -> PictureFeatures:
    """The features of a picture file. Raises `ImageError`."""
    return features_of(load_image(data, short_side=SIDE, name=name), picture_size(data, name=name))


def features_of(image: Image.Image, size: tuple[int, int]) -> PictureFeatures:
    """The features of a decoded picture, whose short side has `SIDE` pixels or more, if it is so large. `size`: of its file."""
    pixels = hashlib.blake2b(repr(image.size).encode() + image.tobytes(), digest_size=16).digest()
    return PictureFeatures(size, pixels, perceptual_hash(image), features_of_work(image))
