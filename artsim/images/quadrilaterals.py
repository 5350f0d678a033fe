"""Quadrilaterals in a photograph that may be the outline of a picture on a wall, and a picture straightened from one.

Contours come from edges of three widths, and from what differs from the colours along the border of the photograph; each is
simplified to four corners. The best are those whose sides lie on edges all along, and that are large.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

_SIDE = 400  # long side in pixels at which contours are looked for
_FEWEST = 48  # a short side of fewer pixels than that shows no picture with something around it
_SMALLEST, _LARGEST = 0.03, 0.97  # area of a quadrilateral, as shares of the photograph's
_MOST_SKEWED = 2.2  # ratio of opposite sides
_SAME = 0.03  # mean distance of corners, as a share of the diagonal, up to which two quadrilaterals are one
_BORDER = 0.02  # width of the strip whose colours are those of the wall
_CANNY = ((20, 60), (50, 130), (90, 220))


def find_quadrilaterals(image: Image.Image, most: int = 4) -> list[np.ndarray]:
    """At most `most` quadrilaterals, likeliest first: each (4, 2) float32, corners clockwise from the top left, in pixels.

    None where the picture is too small or too long to show another one. The outline of the whole picture is never among them.
    """
    import cv2

    scale = _SIDE / max(image.size)
    size = round(image.width * scale), round(image.height * scale)
    if min(*size, *image.size) < _FEWEST:
        return []
    pixels = np.asarray(image.resize(size, Image.Resampling.BOX, reducing_gap=2.0))
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2Lab)
    edges = [_edges(lab, low, high) for low, high in _CANNY]
    found: list[tuple[float, np.ndarray]] = []
    for mask in (*edges, *_unlike_border(lab)):
        for corners in _quadrilaterals_in(mask):
            found.append((_support(corners, edges[0]) * _area(corners) ** 0.25, corners))
    found.sort(key=lambda item: -item[0])
    kept: list[np.ndarray] = []
    for _, corners in found:
        nearest = min((np.linalg.norm(corners - other, axis=1).mean() for other in kept), default=np.inf)
        if nearest > _SAME * np.hypot(*size) and len(kept) < most:
            kept.append(corners)
    return [((corners + 0.5) / scale).astype(np.float32) for corners in kept]


def outline_support(image: Image.Image, corners: np.ndarray) -> float:
    """0..1: the share of an outline inside of a picture that lies on edges of it. `corners` (4, 2): as fractions."""
    import cv2

    scale = min(1.0, _SIDE / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    lab = cv2.cvtColor(np.asarray(image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)), cv2.COLOR_RGB2Lab)
    edges = _edges(lab, *_CANNY[1])
    steps = np.linspace(0, 1, 100)[:, None]
    points = np.concatenate([a + steps * (b - a) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)])
    margin = 3 / np.array(size)
    inside = points[((points > margin) & (points < 1 - margin)).all(axis=1)]
    if not len(inside):
        return 0.0
    x, y = (inside * size).astype(int).T
    return float((edges[y, x] > 0).mean())


def straighten(image: Image.Image, corners: np.ndarray) -> Image.Image:
    """What `image` shows inside `corners` (4, 2), clockwise from the top left, as an upright rectangle of about that size.

    What is outside of it is clear in an RGBA picture, and goes on as its border in others.
    """
    import cv2

    corners = np.asarray(corners, np.float32)
    lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)  # top, right, bottom, left
    longest = max(image.size)
    width, height = (int(np.clip(round((lengths[i] + lengths[i + 2]) / 2), 1, longest)) for i in (0, 1))
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    # the centre of a pixel is at its coordinates for OpenCV, half a pixel further for corners
    mapping = cv2.getPerspectiveTransform(corners - 0.5, target - 0.5)
    outside = cv2.BORDER_CONSTANT if image.mode == "RGBA" else cv2.BORDER_REPLICATE
    flat = cv2.warpPerspective(np.asarray(image), mapping, (width, height), borderMode=outside)
    return Image.fromarray(flat)


def _edges(lab: np.ndarray, low: int, high: int) -> np.ndarray:
    """(h, w) uint8: 255 on edges of lightness or colour, closed over gaps of a few pixels."""
    import cv2

    edges = np.zeros(lab.shape[:2], np.uint8)
    for channel in cv2.split(cv2.GaussianBlur(lab, (5, 5), 0)):
        edges |= cv2.Canny(channel, low, high)
    return cv2.dilate(edges, np.ones((3, 3), np.uint8))


def _unlike_border(lab: np.ndarray) -> Iterator[np.ndarray]:
    """Masks (h, w) uint8 of what differs from the colours along the border, for two thresholds."""
    import cv2

    smooth = cv2.GaussianBlur(lab, (7, 7), 0).astype(np.float32)
    strip = max(2, round(_BORDER * max(lab.shape[:2])))
    border = np.concatenate(
        [part.reshape(-1, 3) for part in (smooth[:strip], smooth[-strip:], smooth[:, :strip], smooth[:, -strip:])]
    )
    middle = np.median(border, axis=0)
    distance = np.linalg.norm(smooth - middle, axis=2)
    usual = float(np.percentile(np.linalg.norm(border - middle, axis=1), 80))
    levels = np.clip(distance, 0, 255).astype(np.uint8)
    otsu, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    for threshold in {round(float(otsu)), round(1.5 * usual + 6)}:
        mask = (levels > threshold).astype(np.uint8) * 255
        yield cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))


def _quadrilaterals_in(mask: np.ndarray) -> Iterator[np.ndarray]:
    """The contours of a mask that four corners describe: (4, 2) float64 each, clockwise from the top left."""
    import cv2

    whole = mask.shape[0] * mask.shape[1]
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        hull = cv2.convexHull(contour)
        if not _SMALLEST * whole <= cv2.contourArea(hull) <= _LARGEST * whole:
            continue
        corners = _four_corners(hull)
        if corners is not None and _area(corners) >= _SMALLEST * whole and _is_plausible(corners):
            yield corners


def _four_corners(hull: np.ndarray) -> np.ndarray | None:
    """The corners of a convex hull simplified to four; those of the smallest rectangle around it if that fits as well."""
    import cv2

    length = cv2.arcLength(hull, True)
    for tolerance in (0.02, 0.03, 0.045, 0.06, 0.08):
        simple = cv2.approxPolyDP(hull, tolerance * length, True)
        if len(simple) <= 4:
            break
    rectangle = cv2.boxPoints(cv2.minAreaRect(hull))
    corners = simple.reshape(-1, 2) if len(simple) == 4 else rectangle
    if cv2.contourArea(hull) < 0.8 * cv2.contourArea(corners.astype(np.float32)):
        return None
    return _clockwise(corners.astype(np.float64))


def _clockwise(corners: np.ndarray) -> np.ndarray:
    """Clockwise as one sees them, y downwards, from the corner nearest to the top left."""
    around = corners - corners.mean(axis=0)
    ordered = corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    return np.roll(ordered, -int(ordered.sum(axis=1).argmin()), axis=0)


def _is_plausible(corners: np.ndarray) -> bool:
    """Whether it may be a rectangle seen from somewhere: opposite sides of similar length, no corner nearly flat."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    ratios = [max(sides[i], sides[i + 2]) / max(min(sides[i], sides[i + 2]), 1e-6) for i in (0, 1)]
    return max(ratios) <= _MOST_SKEWED and sides.min() > 0.12 * sides.max()


def _area(corners: np.ndarray) -> float:
    x, y = corners.T
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def _support(corners: np.ndarray, edges: np.ndarray) -> float:
    """The share of the outline that lies on edges, or within two pixels of one; of the worst side, twice."""
    shares = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        steps = max(2, int(np.linalg.norm(end - start)) // 2)
        points = np.rint(start + np.linspace(0.05, 0.95, steps)[:, None] * (end - start)).astype(int)
        x, y = np.clip(points.T, 0, np.array(edges.shape[::-1])[:, None] - 1)
        shares.append(float((edges[y, x] > 0).mean()))
    return (sum(shares) + min(shares)) / 5 + 0.05
