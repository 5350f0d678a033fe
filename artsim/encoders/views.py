"""Views: an encoder sees a long picture, such as a hand-scroll, whole and in overlapping pieces.

An encoder's input is a square or little longer than one: the whole picture is squeezed into it, which distorts it, and the
pieces show it as it is. Their vectors are combined here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from artsim.encoders.protocol import Aspect, joined
from artsim.images.geometry import Box, is_long, view_boxes

_COMBINED: tuple[Aspect, ...] = ("subject", "style")  # layout and regions say where something is in the whole picture


@dataclass(frozen=True)
class View:
    """A part of a picture, which an encoder sees as if it were a picture."""

    image: Image.Image
    box: Box

    @property
    def size(self) -> tuple[float, float]:
        left, top, right, bottom = self.box
        return right - left, bottom - top

    @property
    def is_of_long_picture(self) -> bool:
        return is_long(self.image.size)

    def resized(self, frame: tuple[int, int]) -> Image.Image:
        """Resized to `frame`, a (width, height), in little memory however large the picture is."""
        return self.image.resize(frame, Image.Resampling.BICUBIC, box=self.box, reducing_gap=2.0)


def whole_view(image: Image.Image) -> View:
    return View(image, view_boxes(image.size)[0])


def embed_views(
    embed: Callable[[Sequence[View]], dict[str, np.ndarray]],
    images: Sequence[Image.Image],
    segments: Mapping[Aspect, tuple[int, ...]],
) -> dict[str, np.ndarray]:
    """The vectors of pictures, from those of their views: `embed` gives an array with a row for each view by its name.

    The subject and each segment of the style of a long picture are the mean of the whole and the mean of the pieces;
    all else is that of the whole. `segments`: see `Encoder.segments`.
    """
    views = [[View(image, box) for box in view_boxes(image.size)] for image in images]
    of_views = embed([view for group in views for view in group])
    if all(len(group) == 1 for group in views):
        return of_views
    starts = np.cumsum([0, *map(len, views)])
    vectors = {name: rows[starts[:-1]] for name, rows in of_views.items()}
    for row, group in enumerate(views):
        if len(group) > 1:
            for aspect in _COMBINED:
                rows = of_views[aspect][starts[row] : starts[row + 1]]
                mean = (rows[:1] + rows[1:].mean(axis=0)) / 2
                vectors[aspect][row] = joined(np.split(mean, np.cumsum(segments[aspect])[:-1], axis=1))[0]
    return vectors
