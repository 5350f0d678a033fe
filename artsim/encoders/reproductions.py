"""The layout of a picture that may be another reproduction of a work: with a frame and a wall around it, blurred, askew.

How much of such a picture is the work is not known, so several cuts of it are looked at and averaged. As the index compares
by inner products, that is to ask for the works that are most like all cuts together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from artsim.encoders.protocol import Encoder, unit_rows
from artsim.images.decode import MIN_SIDE, crop_region

INSETS = (0.06, 0.12, 0.18)  # of the width and height, cut off on every side


@runtime_checkable
class LayoutEncoder(Protocol):
    """What an `Encoder` can do beyond its duties: `layout` at a scale at which the faults of a photograph do least harm."""

    def embed_layouts(self, images: Sequence[Image.Image]) -> np.ndarray:
        """(n, dims["layout"]) float32 unit rows, comparable with the `layout` of `embed_images`."""
        ...


def embed_reproductions(encoder: Encoder, images: Sequence[Image.Image]) -> np.ndarray:
    """(n, dims["layout"]) float32 unit rows: the `layout` to look for the same works with."""
    views = [layouts_of(encoder, [_inset(image, share) for image in images]) for share in INSETS]
    return unit_rows(np.sum(views, axis=0))


def layouts_of(encoder: Encoder, images: Sequence[Image.Image]) -> np.ndarray:
    """(n, dims["layout"]) float32 unit rows, at the encoder's own scale for reproductions if it has one."""
    if isinstance(encoder, LayoutEncoder):
        return encoder.embed_layouts(images)
    return encoder.embed_images(images)["layout"]


def _inset(image: Image.Image, share: float) -> Image.Image:
    """The picture without `share` of it on every side; the whole picture where hardly anything would be left."""
    if min(image.size) * (1 - 2 * share) < 2 * MIN_SIDE:
        return image
    return crop_region(image, (share, share, 1 - share, 1 - share))
