"""Local features: whether a photograph shows a picture, and where in it.

ORB (Rublee et al. 2011, "ORB: an efficient alternative to SIFT or SURF") finds distinct places of both; those that look alike
are pairs, and MAGSAC++ (Barath et al. 2020) finds the perspective view of the picture that most pairs agree with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

PICTURE_SIDE, PICTURE_FEATURES = 320, 400  # short side at which a picture is read, and features of it at most
PHOTOGRAPH_SIDE, PHOTOGRAPH_FEATURES = 900, 1_500  # the same of a photograph and its surroundings; long side
WORK_SIDE, WORK_FEATURES = 640, 500  # the same of works that are compared with one another; long side
_LONGEST = 1_280  # long side of a picture at most
_SMALLEST_SIDE = 32  # ORB describes a place by 31 pixels around it
_PATCH, _BORDER, _CONTRAST, _LEVELS, _FACTOR = 31, 15, 10, 8, 1.2
_RATIO = 0.8  # of the distances to the most and the second most similar feature, up to which a pair counts
_TOLERANCE = 6.0  # pixels of the photograph
_CELL = 4.0  # pixels: pairs within a cell are one place
_FEWEST_PAIRS = 6
_SPAN = 0.02  # of the picture's area, which the places that agree enclose at least: dark portraits agree in one corner
_MOST_SKEWED = 2.2  # ratio of opposite sides of a picture as it is seen
_SMALLEST = 0.02  # area of the picture as it is seen, as a share of the photograph
_HEADER, _PLACE, _DESCRIPTOR = 3, 2, 32  # numbers of 16 bits in front and of a place; bytes of a descriptor
PACKED = 2 * _HEADER + PICTURE_FEATURES * (2 * _PLACE + _DESCRIPTOR)
"""Bytes of the packed features of a picture: 14,406."""


@dataclass(frozen=True)
class LocalFeatures:
    """`points` (n, 2) float32 in pixels of a picture of `size`, `descriptors` (n, 32) uint8, compared bit by bit."""

    points: np.ndarray
    descriptors: np.ndarray
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class Agreement:
    """A view of a picture that its pairs with a photograph agree on."""

    places: int
    """Distinct places whose pairs fit the view."""
    span: float
    """Area that these places enclose, as a share of the part of the picture that the photograph shows."""
    corners: np.ndarray
    """(4, 2): the corners of the picture in the photograph, clockwise from its top left, as fractions of width and height.

    They lie outside of the photograph where it shows only part of the picture."""


def features_of_picture(image: Image.Image) -> LocalFeatures:
    """The features of a picture that is looked for."""
    scale = min(PICTURE_SIDE / min(image.size), _LONGEST / max(image.size))
    return _features(image, scale, PICTURE_FEATURES)


def features_of_photograph(image: Image.Image) -> LocalFeatures:
    """The features of a photograph that is looked at."""
    return _features(image, PHOTOGRAPH_SIDE / max(image.size), PHOTOGRAPH_FEATURES)


def features_of_work(image: Image.Image) -> LocalFeatures:
    """The features of a work that is compared with others, each of which may show the other or a part of it."""
    return _features(image, WORK_SIDE / max(image.size), WORK_FEATURES)


def packed(features: LocalFeatures) -> np.ndarray:
    """(`PACKED`,) uint8: the features of a picture as they are stored."""
    count = len(features)
    header = np.array([count, *features.size], "<u2")
    places, descriptors = (
        np.zeros((PICTURE_FEATURES, width), kind) for width, kind in ((_PLACE, "<u2"), (_DESCRIPTOR, "u1"))
    )
    places[:count] = np.rint(features.points / features.size * 65535)
    descriptors[:count] = features.descriptors
    return np.concatenate([part.reshape(-1).view(np.uint8) for part in (header, places, descriptors)])


def unpacked(stored: np.ndarray) -> LocalFeatures:
    """The features that `packed` stored (`PACKED`,) uint8. Whatever the bytes are, the result is bounded."""
    stored = np.ascontiguousarray(stored)
    header = stored[: 2 * _HEADER].view("<u2").astype(int)
    count, size = min(int(header[0]), PICTURE_FEATURES), (max(1, int(header[1])), max(1, int(header[2])))
    middle = 2 * _HEADER + 2 * _PLACE * PICTURE_FEATURES
    places = stored[2 * _HEADER : middle].view("<u2").reshape(-1, _PLACE)[:count]
    points = (places.astype(np.float32) / 65535 * size).astype(np.float32)
    return LocalFeatures(points, stored[middle:].reshape(-1, _DESCRIPTOR)[:count], size)


def find_agreement(picture: LocalFeatures, photograph: LocalFeatures) -> Agreement | None:
    """The view of `picture` in `photograph` that most pairs agree with; None if none of them can be one."""
    import cv2

    pairs = _pairs(picture.descriptors, photograph.descriptors)
    if len(pairs) < _FEWEST_PAIRS:
        return None
    here, there = picture.points[pairs[:, 0]], photograph.points[pairs[:, 1]]
    view, fits = cv2.findHomography(here, there, cv2.USAC_MAGSAC, _TOLERANCE, maxIters=2_000, confidence=0.999)
    if view is None or fits is None:
        return None
    here, there = (points[fits.ravel().astype(bool)] for points in (here, there))
    corners = _seen_corners(view, picture.size, photograph.size)
    if corners is None or len(here) < 4:
        return None
    enclosed, whole = cv2.contourArea(cv2.convexHull(here)), picture.size[0] * picture.size[1]
    if enclosed < _SPAN * whole:
        return None
    span = enclosed / max(_seen_area(view, picture.size, photograph.size), enclosed)
    return Agreement(min(_distinct(here), _distinct(there)), span, corners / photograph.size)


def _features(image: Image.Image, scale: float, most: int) -> LocalFeatures:
    import cv2

    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    none = LocalFeatures(np.zeros((0, 2), np.float32), np.zeros((0, _DESCRIPTOR), np.uint8), size)
    if min(size) < _SMALLEST_SIDE:
        return none
    grey = np.asarray(image.convert("L").resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0))
    detector = cv2.ORB.create(most, _FACTOR, _LEVELS, _BORDER, 0, 2, cv2.ORB_HARRIS_SCORE, _PATCH, _CONTRAST)
    points, descriptors = detector.detectAndCompute(grey, None)
    if descriptors is None:
        return none
    return LocalFeatures(np.array([point.pt for point in points], np.float32)[:most], descriptors[:most], size)


def _pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(p, 2): numbers of features of which the second is far more similar to the first than all others are (Lowe's ratio)."""
    import cv2

    if len(first) == 0 or len(second) < 2:
        return np.zeros((0, 2), np.int64)
    two_best = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(first, second, k=2)
    good = [(best.queryIdx, best.trainIdx) for best, other in two_best if best.distance < _RATIO * other.distance]
    return np.array(good, np.int64).reshape(-1, 2)


def _seen_area(view: np.ndarray, size: tuple[int, int], photograph: tuple[int, int]) -> float:
    """The area, in the picture's pixels, of the part of it that the photograph shows: counted on a grid."""
    x, y = np.meshgrid((np.arange(24) + 0.5) / 24 * size[0], (np.arange(24) + 0.5) / 24 * size[1])
    seen = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1) @ view.T
    inside = ((seen[:, :2] >= 0) & (seen[:, :2] <= np.array(photograph) * seen[:, 2:])).all(axis=1)
    return float(inside.mean()) * size[0] * size[1]


def _distinct(points: np.ndarray) -> int:
    """Number of cells of `_CELL` pixels that hold a point."""
    return len(np.unique(np.floor(points / _CELL), axis=0))


def _seen_corners(view: np.ndarray, size: tuple[int, int], photograph: tuple[int, int]) -> np.ndarray | None:
    """(4, 2): where the corners of a picture of `size` are in the photograph; None if no camera sees it so."""
    width, height = size
    corners = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)], float) @ view.T
    if not np.isfinite(corners).all() or corners[:, 2].min() <= 1e-6 * abs(corners[:, 2]).max():  # behind the camera
        return None
    seen = corners[:, :2] / corners[:, 2:]
    sides = np.roll(seen, -1, axis=0) - seen  # top, right, bottom, left
    following = np.roll(sides, -1, axis=0)
    convex = bool((sides[:, 0] * following[:, 1] > sides[:, 1] * following[:, 0]).all())  # and not mirrored
    lengths = np.linalg.norm(sides, axis=1)
    skew = max(max(lengths[i], lengths[i + 2]) / max(min(lengths[i], lengths[i + 2]), 1e-9) for i in (0, 1))
    x, y = seen.T
    area = 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))
    large = area > _SMALLEST * photograph[0] * photograph[1]
    return seen if convex and skew <= _MOST_SKEWED and large else None
