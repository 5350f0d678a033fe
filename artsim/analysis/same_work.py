"""Whether two pictures are of one work, and how they differ: by the places that agree with one view, as in recognition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from artsim.analysis.edge_alignment import edge_alignment
from artsim.analysis.perceptual_hash import distances, small_grey
from artsim.analysis.picture_features import PictureFeatures
from artsim.images.local_features import LocalFeatures, find_agreement
from artsim.images.quadrilaterals import outline_support
from artsim.search.recognition import ACCEPTED

Relation = Literal["same file", "same pixels", "same picture", "version", "detail"]
"""What a picture is to another one: the same file; another file with the same pixels; the same picture in another size or
quality; another photograph, reproduction or version of the same work; a detail of it."""
RELATIONS: tuple[Relation, ...] = ("same file", "same pixels", "same picture", "version", "detail")

_SAME_OUTLINES, _FURTHEST_HASH = 0.85, 14  # edge alignment, and bits, of pictures with too few local features
_SAME_EXTENT, _WHOLE = 0.93, 0.5  # shares of the pictures that they have in common
_ALIKE = 6.0  # mean difference of grey levels of re-saved pictures, at 32 x 32 pixels
_EQUAL = 1.0  # the same, up to which the pixels themselves are compared
_SAME_SHAPE = 0.03  # largest relative difference of the ratios of width to height
_ASKEW = 0.07  # of a side, by which the corners of a work in a photograph are off a rectangle
_SPARSE = 0.6  # density of features outside of it against inside, at most
_FRAMED = ((0.6, 0.3), (0.3, 0.1))  # least share of an outline on edges, and density of features outside against inside
_SMALL = 32
_STEPS = (np.arange(24) + 0.5) / 24


@dataclass(frozen=True)
class SameWork:
    """Two pictures, `first` and `second`, of one work."""

    relation: Relation
    places: int | None = None
    """Places that agree with one view; None where files, pixels or outlines decided."""
    worse: Literal["first", "second"] | None = None
    """The picture that shows less of the work than the other, or a wall or a frame around it."""


@dataclass(frozen=True)
class ComparedPicture:
    """A picture that is compared: its features, and functions that decode it (at `features.SIDE`, or as it is)."""

    features: PictureFeatures
    small: Callable[[], Image.Image]
    whole: Callable[[], Image.Image]


@dataclass(frozen=True)
class _View:
    """`mapping` (3, 3): from the first picture to the second, both as unit squares."""

    places: int
    mapping: np.ndarray


def same_work(first: ComparedPicture, second: ComparedPicture) -> SameWork | None:
    """How two pictures show one work; None if nothing says that they do. Raises `ImageError`."""
    if first.features.pixels == second.features.pixels and _same_pixels(first, second):
        return SameWork("same pixels")
    view = _view(first.features.local, second.features.local)
    if view is None:
        return _by_outlines(first, second)
    shown = _shown(view.mapping), _shown(np.linalg.inv(view.mapping))  # shares of the first and of the second
    if min(shown) >= _SAME_EXTENT:
        return SameWork(_same_extent(first, second), view.places)
    part, around = (first, second) if shown[0] >= shown[1] else (second, first)
    mapping = view.mapping if part is first else np.linalg.inv(view.mapping)
    surrounded = _is_surrounded(around, _mapped(mapping, _CORNERS))
    worse = around if surrounded else part
    relation: Relation = "version" if surrounded or min(shown) >= _WHOLE else "detail"
    return SameWork(relation, view.places, "first" if worse is first else "second")


def places_that_agree(first: LocalFeatures, second: LocalFeatures) -> int:
    """The places that agree with one view of either picture in the other; 0 below `ACCEPTED`."""
    view = _view(first, second)
    return 0 if view is None else view.places


_CORNERS = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
_GRID = np.stack(np.meshgrid(_STEPS, _STEPS), axis=-1).reshape(-1, 2)


def _view(first: LocalFeatures, second: LocalFeatures) -> _View | None:
    """The view of one of the pictures in the other that more places agree with."""
    import cv2

    found = find_agreement(first, second), find_agreement(second, first)
    places = [0 if agreement is None else agreement.places for agreement in found]
    better = int(places[1] > places[0])
    agreement = found[better]
    if agreement is None or agreement.places < ACCEPTED:
        return None
    mapping = cv2.getPerspectiveTransform(_CORNERS.astype(np.float32), agreement.corners.astype(np.float32))
    return _View(agreement.places, np.linalg.inv(mapping) if better else mapping)


def _mapped(mapping: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (n, 2) under a mapping; those behind the camera are nan."""
    seen = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ mapping.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(seen[:, 2:] * mapping[2, 2] > 0, seen[:, :2] / seen[:, 2:], np.nan)


def _shown(mapping: np.ndarray) -> float:
    """The share of a picture that the other one shows: counted on a grid."""
    seen = _mapped(mapping, _GRID)
    return float(((seen >= 0) & (seen <= 1)).all(axis=1).mean())


def _is_surrounded(around: ComparedPicture, corners: np.ndarray) -> bool:
    """Whether a picture shows more than another one because there is a frame or a wall around that, and not more of the work.

    Its outline, `corners` (4, 2), is then seen at an angle or lies on edges, with few features beyond it.
    """
    box = np.stack([corners.min(axis=0), corners.max(axis=0)])
    rectangle = np.stack([box[[0, 1, 1, 0], 0], box[[0, 0, 1, 1], 1]], axis=1)
    askew = float(np.abs((corners - rectangle) / (box[1] - box[0])).max())
    density = _density_outside(around.features.local, corners)
    if askew >= _ASKEW and density <= _SPARSE:
        return True
    support = outline_support(around.small(), corners)
    return any(support >= edges and density <= features for edges, features in _FRAMED)


def _density_outside(features: LocalFeatures, corners: np.ndarray) -> float:
    """How many features a picture has outside of an outline, relative to those inside, for equal areas."""
    import cv2

    outline = np.asarray(corners, np.float32)
    if not len(features) or not np.isfinite(outline).all():
        return 1.0
    points = features.points / np.array(features.size, np.float32)
    inside, area = (
        float(np.mean([cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in some]))
        for some in (points, _GRID)
    )
    return (1 - inside) / max(1 - area, 1e-3) / max(inside / max(area, 1e-3), 1e-3)


def _by_outlines(first: ComparedPicture, second: ComparedPicture) -> SameWork | None:
    """For pictures with few local features, such as small ones: their hashes and outlines agree. Blank ones have no hash."""
    if distances(first.features.hashes[None], second.features.hashes[None])[0] > _FURTHEST_HASH:
        return None
    if edge_alignment(small_grey(first.small()), small_grey(second.small())) < _SAME_OUTLINES:
        return None
    return SameWork(_same_extent(first, second))


def _same_extent(first: ComparedPicture, second: ComparedPicture) -> Relation:
    shapes = [width / height for width, height in (first.features.size, second.features.size)]
    if max(shapes) > (1 + _SAME_SHAPE) * min(shapes):
        return "version"
    small = [
        np.asarray(picture.small().resize((_SMALL, _SMALL), Image.Resampling.BOX), np.float32)
        for picture in (first, second)
    ]
    difference = float(np.abs(small[0] - small[1]).mean())
    if difference <= _EQUAL and _same_pixels(first, second):
        return "same pixels"
    return "same picture" if difference <= _ALIKE else "version"


def _same_pixels(first: ComparedPicture, second: ComparedPicture) -> bool:
    if first.features.size != second.features.size:
        return False
    return np.array_equal(np.asarray(first.whole()), np.asarray(second.whole()))
