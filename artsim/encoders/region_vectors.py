"""Feature maps averaged over parts of a picture: over a grid for the layout, over regions so that a detail finds its work.

As in R-MAC (Tolias, Sicre & Jégou 2016, "Particular object retrieval with integral max-pooling of CNN activations"), regions
are not embedded one by one: the feature map of the whole picture is averaged over each of them, at almost no cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from artsim.encoders.protocol import Blocks, Encoder, unit_rows

Region = tuple[float, float, float, float]
"""(left, top, right, bottom) as fractions of the width and height of a picture."""


def _grid(side: float, count: int) -> tuple[Region, ...]:
    """`count` x `count` overlapping regions of `side` x `side`, row by row."""
    starts = [(1 - side) * k / (count - 1) for k in range(count)]
    return tuple((left, top, left + side, top + side) for top in starts for left in starts)


LAYOUT_GRID = 3  # cells per side
REGIONS: tuple[Region, ...] = ((0.0, 0.0, 1.0, 1.0), *_grid(0.62, 3), *_grid(0.4, 5))
"""The whole picture, then overlapping crops of 38 % and of 16 % of its area."""


@runtime_checkable
class RegionEncoder(Protocol):
    """An optional capability of an `Encoder`: region vectors from the same forward pass as the other vectors."""

    @property
    def region_dim(self) -> int:
        """Length of a region vector."""
        ...

    def embed_with_regions(self, images: Sequence[Image.Image]) -> tuple[Blocks, np.ndarray]:
        """The result of `embed_images`, and region vectors (n, len(REGIONS), `region_dim`) float32, unit rows."""
        ...

    def embed_details(self, images: Sequence[Image.Image]) -> np.ndarray:
        """(n, `region_dim`) float32 unit rows for pictures that are details, comparable with region vectors of works."""
        ...


def region_dim(encoder: Encoder) -> int:
    """Length of a region vector."""
    if isinstance(encoder, RegionEncoder):
        return encoder.region_dim
    return encoder.embed_patches(Image.new("RGB", (64, 64), (128, 128, 128))).shape[2]


def embed_with_regions(encoder: Encoder, images: Sequence[Image.Image]) -> tuple[Blocks, np.ndarray]:
    """`subject`, `style` and `layout` of pictures, and their region vectors (n, len(REGIONS), d) float32, unit rows.

    An encoder that is no `RegionEncoder` embeds every picture a second time, for its patches.
    """
    if isinstance(encoder, RegionEncoder):
        return encoder.embed_with_regions(images)
    return encoder.embed_images(images), np.concatenate([_regions_of_patches(encoder, image) for image in images])


def embed_details(encoder: Encoder, images: Sequence[Image.Image]) -> np.ndarray:
    """(n, d) float32 unit rows for pictures that are details, comparable with region vectors of works."""
    if isinstance(encoder, RegionEncoder):
        return encoder.embed_details(images)
    return np.concatenate([_regions_of_patches(encoder, image)[:, 0] for image in images])


def _regions_of_patches(encoder: Encoder, image: Image.Image) -> np.ndarray:
    """(1, len(REGIONS), d)"""
    return averaged_over_regions(encoder.embed_patches(image).transpose(2, 0, 1)[None])


def rounded(vectors: np.ndarray) -> np.ndarray:
    """float32 rounded to the precision of float16, which suffices for regions and lets files compress."""
    return np.asarray(vectors, np.float16).astype(np.float32)


def averaged_over_regions(maps: np.ndarray) -> np.ndarray:
    """Feature maps (n, c, h, w) -> (n, len(REGIONS), c) float32 unit rows; a cell partly inside a region counts in part."""
    n, channels, height, width = maps.shape
    cells = maps.reshape(n, channels, height * width).astype(np.float32, copy=False)
    return unit_rows(_shares(height, width) @ cells.transpose(0, 2, 1))


def averaged_over_grid(maps: np.ndarray) -> np.ndarray:
    """Feature maps (n, c, h, w) -> (n, c, 9): means over a 3 x 3 grid, whose cells overlap if a side is no multiple of 3."""
    height, width = (
        [slice(side * k // LAYOUT_GRID, -(-side * (k + 1) // LAYOUT_GRID)) for k in range(LAYOUT_GRID)]
        for side in maps.shape[2:]
    )
    return np.stack([maps[:, :, down, across].mean(axis=(2, 3)) for down in height for across in width], axis=2)


@cache
def _shares(height: int, width: int) -> np.ndarray:
    """(len(REGIONS), height * width): the weight of each cell of a map in the mean of each region."""
    regions = np.array(REGIONS)
    down = _inside(regions[:, 1], regions[:, 3], height)
    across = _inside(regions[:, 0], regions[:, 2], width)
    shares = (down[:, :, None] * across[:, None, :]).reshape(len(regions), -1)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def _inside(starts: np.ndarray, ends: np.ndarray, count: int) -> np.ndarray:
    """(regions, count): the share of each of `count` equal cells that lies between start and end, given as fractions."""
    positions = np.arange(count)
    inside = np.minimum(positions + 1, ends[:, None] * count) - np.maximum(positions, starts[:, None] * count)
    return np.clip(inside, 0, 1)
