"""Margins: the box of a picture inside a uniform mount or black borders.

Conservative, since a plain background is part of a picture: margins are strips of one and the same colour along two opposite
sides or all four, as even as their outermost pixels, and each ends at a straight edge. So a portrait on a dark ground and a
drawing on white paper stay whole.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

_RIM = 2  # outermost lines of pixels, which give the colour of a margin and its noise
_LEAST_NOISE, _MOST_NOISE = 3, 12  # levels of 255 by which the pixels of a margin may differ from its colour
_STRAY = 0.002  # share of the pixels of a line that may differ more
_EDGE = 0.6  # share of the pixels of the first line inside that differ more, at least
_SHARP = 4  # lines over which an edge may be spread
_REACH, _LEAST_REACH = 0.015, 18  # of the side, and pixels: how far before an edge the blocks of a JPEG file reach
_VARIED = 8.0  # levels of 255: least standard deviation of what is inside, so that a painted square stays whole
_KEPT = 0.3  # of the width and of the height, at least
_LEAST = 16  # pixels of each side, at least
_NESTED = 3  # a white mount inside a black border, and one more

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""


def without_margins(image: Image.Image) -> Image.Image:
    """The picture inside its margins; `image` itself if it has none."""
    box = content_box(image)
    return image if box == (0, 0, *image.size) else image.crop(box)


def content_box(image: Image.Image) -> Box:
    """The box inside the margins of an RGB picture; the whole picture if it has none."""
    whole = box = (0, 0, *image.size)
    if not _has_even_rims(image):
        return whole
    pixels = np.asarray(image)
    for _ in range(_NESTED):
        left, top, right, bottom = box
        inner = _inside(pixels[top:bottom, left:right])
        if inner is None:
            break
        box = (left + inner[0], top + inner[1], left + inner[2], top + inner[3])
    return box if box == whole or _is_picture(pixels, box) else whole


def _has_even_rims(image: Image.Image) -> bool:
    """Whether two opposite rims are of one colour. Few pictures have such, and this is quick."""
    width, height = image.size
    top, bottom = image.crop((0, 0, width, _RIM)), image.crop((0, height - _RIM, width, height))
    left, right = image.crop((0, 0, _RIM, height)), image.crop((width - _RIM, 0, width, height))
    return any(
        _color_of_rims(np.asarray(first), np.asarray(last)) is not None
        for first, last in ((top, bottom), (left, right))
    )


def _is_picture(pixels: np.ndarray, box: Box) -> bool:
    """Whether what is inside is large enough and varied enough to be a picture."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if min(width / pixels.shape[1], height / pixels.shape[0]) < _KEPT or min(width, height) < _LEAST:
        return False
    return bool(pixels[top:bottom, left:right].std(axis=(0, 1)).max() >= _VARIED)


def _inside(pixels: np.ndarray) -> Box | None:
    """The box inside the outermost margins of pixels (h, w, 3); None if there are none."""
    height, width = pixels.shape[:2]
    if min(height, width) < _LEAST:
        return None
    across = _color_of_rims(pixels[:_RIM], pixels[-_RIM:])
    down = _color_of_rims(pixels[:, :_RIM], pixels[:, -_RIM:])
    found = [rims for rims in (across, down) if rims is not None]
    if not found:
        return None
    color, noise = found[0][0], max(noise for _, noise in found)
    difference = np.abs(pixels.astype(np.int16) - color).max(axis=2)  # (h, w)
    differs = difference > noise
    rows, columns = _span(differs) if across else (0, height), _span(differs.T) if down else (0, width)
    if rows[0] >= rows[1] or columns[0] >= columns[1]:
        return None  # a picture of one colour
    inner_rows = _edges(difference[:, slice(*columns)], rows, noise) if across else rows
    inner_columns = _edges(difference[slice(*rows)].T, columns, noise) if down else columns
    if inner_rows is None or inner_columns is None:
        return None
    return inner_columns[0], inner_rows[0], inner_columns[1], inner_rows[1]


def _color_of_rims(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, float] | None:
    """The colour (3,) of two rims of pixels (..., 3), and its noise; None if they are not of one colour."""
    rims = np.concatenate([first, last]).reshape(-1, 3).astype(np.int16)
    color = np.median(rims, axis=0).astype(np.int16)
    noise = float(np.quantile(np.abs(rims - color).max(axis=1), 1 - _STRAY))
    return (color, max(noise, _LEAST_NOISE)) if noise <= _MOST_NOISE else None


def _span(differs: np.ndarray) -> tuple[int, int]:
    """The first line, and the one after the last, that are not even: (n, pixels) bool."""
    uneven = np.flatnonzero(differs.mean(axis=1) > _STRAY)
    return (int(uneven[0]), int(uneven[-1]) + 1) if len(uneven) else (0, 0)


def _edges(difference: np.ndarray, span: tuple[int, int], noise: float) -> tuple[int, int] | None:
    """The lines within `span` where a picture begins, and ends; None unless both are straight edges.

    `difference`: of the pixels (n, m) of lines from the colour of the margin.
    """
    (start, end), reach = span, max(_LEAST_REACH, round(_REACH * len(difference)))
    first = _edge(difference[max(0, start - 1) : start + reach], noise)
    last = _edge(difference[max(0, end - reach) : end + 1][::-1], noise)
    if first is None or last is None or start - 1 + first >= end + 1 - last:
        return None
    return start - 1 + first, end + 1 - last


def _edge(lines: np.ndarray, noise: float) -> int | None:
    """The number of the line, of a few from the margin on, where a picture begins; None if that is no straight edge.

    There the difference grows by half of the largest step from line to line, or more: blocks of JPEG files cause less.
    """
    steps = np.diff(lines.mean(axis=1))
    if not len(steps) or steps.max() <= 0:
        return None
    first = 1 + int(np.flatnonzero(steps >= steps.max() / 2)[0])
    straight = np.flatnonzero((lines[first : first + _SHARP] > noise).mean(axis=1) >= _EDGE)
    return first + int(straight[0]) if len(straight) else None
