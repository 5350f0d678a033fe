"""Layout of the timeline page: year across, score up, thumbnails that do not overlap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from artsim.analysis.influence import Influence, TimedMatch
from artsim.search.match import WORDS, Word
from artsim.snapshot.robust_range import robust_range

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""left, top, right, bottom, in pixels"""
Size = tuple[int, int]
"""width, height, in pixels"""

WIDTH, HEIGHT = 1000, 580
_LEFT, _TOP, _RIGHT, _BOTTOM = 72, 80, 20, 84  # margins
_THUMBNAIL, _OWN = 84, 112  # pixels of the longer side
_GAP, _DOT = 6, 9


@dataclass(frozen=True)
class Placed:
    """One match: the position of its dot, and the box of its thumbnail (None if there is no room)."""

    item: TimedMatch
    dot: Point
    box: Box | None
    outside: bool
    """Whether its year is beyond the axis: then it stands at the end of it."""


@dataclass(frozen=True)
class Layout:
    """Positions in pixels of a plot of `WIDTH` x `HEIGHT`."""

    years: Sequence[tuple[float, float]]
    levels: Sequence[tuple[float, Word]]
    """Where each word begins."""
    background: Sequence[Point]
    matches: Sequence[Placed]
    own_x: float
    own: Box | None


def lay_out(influence: Influence, size_of: Callable[[str], Size]) -> Layout:
    """Compute the scales, and place each thumbnail at the free spot nearest to its dot, best match first.

    `size_of`: the size of the picture of a work, by its id.
    """
    first, last = _axis(np.array([influence.year, *(item.year for item in influence.matches)]))
    heights = [item.score for item in influence.matches]
    floor, ceiling = max(0.0, min(heights) - 0.05), max(heights) + 0.1
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def x(year: float) -> float:
        return _LEFT + (min(max(year, first), last) - first) / (last - first) * (right - _LEFT)

    def y(height: float) -> float:
        return bottom - (height - floor) / (ceiling - floor) * (bottom - _TOP)

    def place(identity: str, near: Point, side: int) -> Box | None:
        size = _scaled(size_of(identity), side)
        box = _free_place(near, size, [*taken, *dots]) or _free_place(near, size, taken)
        taken.extend([box] if box else [])
        return box

    at = [(x(item.year), y(height)) for item, height in zip(influence.matches, heights, strict=True)]
    dots = [(left - _DOT, top - _DOT, left + _DOT, top + _DOT) for left, top in at]
    taken: list[Box] = []
    own_x, own = x(influence.year), None
    if influence.work is not None:
        own = place(influence.work["id"], (own_x, _TOP + _OWN / 2), _OWN)
    matches = [
        Placed(item, dot, place(item.match.id, dot, _THUMBNAIL), not first <= item.year <= last)
        for item, dot in zip(influence.matches, at, strict=True)
    ]
    shown = [item for item in influence.others if first <= item.year <= last and item.score >= floor]
    return Layout(
        years=[(x(year), year) for year in _year_ticks(first, last)],
        levels=[(y(least), word) for word, least in WORDS.items() if floor < least <= ceiling],
        background=[(x(item.year), y(item.score)) for item in shown],
        matches=matches,
        own_x=own_x,
        own=own,
    )


def _axis(years: np.ndarray) -> tuple[float, float]:
    """The first and the last year of the axis: wild ones are outside."""
    low, high = robust_range(years) or (0.0, 0.0)
    pad = max(1.0, (high - low) * 0.06)
    return low - pad, high + pad


def _scaled(size: Size, side: int) -> Size:
    """`size` with its longer side reduced to `side`."""
    factor = min(1.0, side / max(size))
    return max(1, round(factor * size[0])), max(1, round(factor * size[1]))


def _year_ticks(first: float, last: float) -> list[float]:
    """About 7 round years for the axis."""
    rough = (last - first) / 7
    size = 10.0 ** math.floor(math.log10(rough))
    step = max(1.0, next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough))
    start = math.ceil(first / step)
    return [step * i for i in range(start, math.floor(last / step) + 1)]


def _free_place(near: Point, size: tuple[int, int], taken: Sequence[Box]) -> Box | None:
    """The box of `size` nearest to a point that lies in the plot and overlaps no taken box; None if the plot is full."""
    for ring in range(46):
        for turn in range(1 if ring == 0 else 16):
            angle = math.tau * turn / 16
            left = near[0] + 9 * ring * math.cos(angle) - size[0] / 2
            top = near[1] + 9 * ring * math.sin(angle) - size[1] / 2
            box = (left, top, left + size[0], top + size[1])
            inside = left >= _LEFT and top >= _TOP and box[2] <= WIDTH - _RIGHT and box[3] <= HEIGHT - _BOTTOM
            if inside and not any(_meet(box, other) for other in taken):
                return box
    return None


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] + _GAP and b[0] < a[2] + _GAP and a[1] < b[3] + _GAP and b[1] < a[3] + _GAP
