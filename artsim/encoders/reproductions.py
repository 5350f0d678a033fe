"""Layout queries from pictures that may be other reproductions of a work: with a frame or a wall, blurred, askew.

How much of such a picture shows the work is unknown, so several crops are embedded and averaged. As the index compares by
inner products, this finds the works that are most similar to all crops together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from artsim.encoders.protocol import Encoder, unit_rows
from artsim.images.formats import MIN_SIDE
from artsim.images.geometry import crop_region

INSETS = (0.06, 0.12, 0.18)  # fractions of the width and height, cropped on every side


@runtime_checkable
class LayoutEncoder(Protocol):
    """An optional capability of an `Encoder`: `layout` at a scale at which flaws of a photograph matter least."""

    def embed_layouts(self, images: Sequence[Image.Image]) -> np.ndarray:
        """(n, dims["layout"]) float32 unit rows, comparable with the `layout` of `embed_images`."""
        ...


def embed_reproductions(encoder: Encoder, images: Sequence[Image.Image]) -> np.ndarray:
    """(n, dims["layout"]) float32 unit rows: the `layout` of a query for the same works."""
    layouts = [layouts_of(encoder, [inset(image, share) for image in images]) for share in INSETS]
    return unit_rows(np.sum(layouts, axis=0))


def layouts_of(encoder: Encoder, images: Sequence[Image.Image]) -> np.ndarray:
    """(n, dims["layout"]) float32 unit rows, at the encoder's scale for reproductions if it has one."""
    if isinstance(encoder, LayoutEncoder):
        return encoder.embed_layouts(images)
    return encoder.embed_images(images)["layout"]


def inset(image: Image.Image, share: float) -> Image.Image:
    """The picture cropped by `share` on every side; the whole picture if hardly anything would be left."""
    if min(image.size) * (1 - 2 * share) < 2 * MIN_SIDE:
        return image
    return crop_region(image, (share, share, 1 - share, 1 - share))
