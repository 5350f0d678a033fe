"""Where two pictures agree: heat maps over both, and the regions that go together.

A place of one picture is held against every place of the other by its patch features. What all places have in common is
taken away first; then two places go together as much as their surroundings do too (neighbourhood consensus, after Rocco et al.
2018, "Neighbourhood consensus networks", without the learning), and count as much as each is the other's best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from artsim.encoders.protocol import Encoder, unit_rows
from artsim.errors import QueryError

Region = tuple[float, float, float, float]
"""(left, top, right, bottom), fractions of the picture in 0..1"""

_TILES = 3  # a side, of a square picture: a patch of the whole sees half the picture around it, and is no place
_MARGIN = 0.25  # of a tile, on each side, so that no place is at the edge of what the encoder sees
_PLACES = 20  # along the short side
_MAX_ASPECT = 2.0
_REACH = 2  # places to each side that must correspond too
_RETURN = 0.06  # of the picture: how far off a partner's partner may be
_GROWTH = 0.3  # of the strength of a region's best place: what still belongs to it
_LEAST, _LEAST_PLACES = 0.18, 4  # weaker or smaller regions are chance


@dataclass(frozen=True)
class RegionPair:
    """A region of the first picture, and the region of the second that it agrees with."""

    first: Region
    second: Region
    agreement: float
    """Of its best place: 0..1."""


@dataclass(frozen=True)
class Correspondence:
    """How well each place of two pictures corresponds to some place of the other: (rows, columns) float32 in 0..1.

    A rule of thumb for the embedded encoder: below 0.2 is chance, two faces of different people come to about 0.3, one
    detail in two reproductions to more.
    """

    first: np.ndarray
    second: np.ndarray
    pairs: tuple[RegionPair, ...]
    """At most three, the best first; none when nothing agrees."""


def embed_places(encoder: Encoder, image: Image.Image) -> np.ndarray:
    """(rows, columns, d) float32: unit vectors of an even grid over one picture, its short side `_PLACES` long.

    From overlapping tiles, since most encoders' own patches are few and each sees nearly the whole picture. Tiles are
    squares, since many encoders see no more than the middle square of what they are given. At its edges the picture is
    continued by its mirror image.
    """
    image = _not_too_long(image)
    aspect = image.width / image.height
    rows, columns = round(_PLACES * max(1.0, 1 / aspect)), round(_PLACES * max(1.0, aspect))
    down, across = round(_TILES * max(1.0, 1 / aspect)), round(_TILES * max(1.0, aspect))
    height, width = image.height / down, image.width / across  # of what one tile is for; the rest of it is margin
    side = (1 + 2 * _MARGIN) * max(height, width)
    edge = math.ceil(side / 2)
    wide = Image.fromarray(np.pad(np.asarray(image), ((edge, edge), (edge, edge), (0, 0)), mode="reflect"))
    y, x = (np.arange(rows) + 0.5) / rows * down, (np.arange(columns) + 0.5) / columns * across  # in tiles
    strips = []
    for i in range(down):
        strip = []
        for j in range(across):
            left, top = edge + (j + 0.5) * width - side / 2, edge + (i + 0.5) * height - side / 2
            size = (encoder.short_side, encoder.short_side)
            box = (left, top, left + side, top + side)
            tile = wide.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
            inside_y = 0.5 + (y[np.floor(y) == i] - i - 0.5) * height / side
            inside_x = 0.5 + (x[np.floor(x) == j] - j - 0.5) * width / side
            strip.append(_sample(encoder.embed_patches(tile), inside_y, inside_x))
        strips.append(np.concatenate(strip, axis=1))
    return unit_rows(np.concatenate(strips))


def _not_too_long(image: Image.Image) -> Image.Image:
    """A hand-scroll of 1:40 squeezed to 1:2."""
    width, height = image.size
    if max(width, height) <= _MAX_ASPECT * min(width, height):
        return image
    long_side = round(_MAX_ASPECT * min(width, height))
    return image.resize((long_side, height) if width > height else (width, long_side), reducing_gap=2.0)


def _sample(patches: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Patches (rows, columns, d) at heights `y` and widths `x`, fractions of the tile, interpolated: (y, x, d)."""
    for axis, at in ((0, y), (1, x)):
        last = patches.shape[axis] - 1
        position = np.clip(at * (last + 1) - 0.5, 0, last)
        low = np.floor(position).astype(int)
        share = np.expand_dims(position - low, (1, 2) if axis == 0 else (0, 2))
        high = np.minimum(low + 1, last)
        patches = np.take(patches, low, axis) * (1 - share) + np.take(patches, high, axis) * share
    return patches


def find_correspondence(first: np.ndarray, second: np.ndarray) -> Correspondence:
    """Compare the places (rows, columns, d) of two pictures, unit vectors of one encoder."""
    if first.ndim != 3 or second.ndim != 3 or first.shape[2] != second.shape[2]:
        raise QueryError("The places of two pictures can be compared only when one encoder made both.")
    common = (first.mean(axis=(0, 1)) + second.mean(axis=(0, 1))) / 2
    cosines = np.einsum("abd,ijd->abij", unit_rows(first - common), unit_rows(second - common), optimize=True)
    support = np.minimum(_consensus(np.maximum(cosines, 0)), cosines)
    size, other = support.shape[:2], support.shape[2:]
    flat = support.reshape(size[0] * size[1], -1)
    partner, back = flat.argmax(axis=1), flat.argmax(axis=0)
    there = (flat.max(axis=1) * _returning(partner, back, size)).reshape(size)
    here = (flat.max(axis=0) * _returning(back, partner, other)).reshape(other)
    pairs = _region_pairs(there, partner.reshape(size), other)
    return Correspondence(there.clip(0, 1).astype(np.float32), here.clip(0, 1).astype(np.float32), pairs)


def _consensus(cosines: np.ndarray) -> np.ndarray:
    """(rows, columns, rows', columns'): the mean over neighbours of a pair that lie alike on both sides.

    Neighbours beyond an edge count as 0: there, fewer speak for a pair.
    """
    sizes = cosines.shape
    padded = np.pad(cosines, _REACH)
    total = np.zeros_like(cosines)
    for dy in range(2 * _REACH + 1):
        for dx in range(2 * _REACH + 1):
            starts = (dy, dx, dy, dx)
            total += padded[tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))]
    return total / (2 * _REACH + 1) ** 2


def _returning(partner: np.ndarray, back: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(places,): 1 where the partner of a place's partner is the place itself, falling to 0 with the distance."""
    places = np.arange(len(partner))
    y, x = (
        (places // size[1] - back[partner] // size[1]) / size[0],
        (places % size[1] - back[partner] % size[1]) / size[1],
    )
    return np.exp(-(x**2 + y**2) / (2 * _RETURN**2))


def _region_pairs(
    strength: np.ndarray, partner: np.ndarray, other: tuple[int, ...], *, most: int = 3
) -> tuple[RegionPair, ...]:
    """Regions grown around the strongest places: neighbours whose partners are neighbours too."""
    left = strength.copy()
    pairs: list[RegionPair] = []
    while len(pairs) < most and left.max() >= _LEAST:
        seed = np.unravel_index(int(left.argmax()), left.shape)
        region = _grown(left, partner, other, (int(seed[0]), int(seed[1])))
        here = np.array(region)
        there = np.stack(np.unravel_index(partner[here[:, 0], here[:, 1]], other), axis=1)
        if len(region) >= _LEAST_PLACES:
            pairs.append(RegionPair(_box(here, left.shape), _box(there, other), float(strength[seed])))
        (top, first), (bottom, last) = here.min(axis=0), here.max(axis=0)
        left[top : bottom + 1, first : last + 1] = 0
    return tuple(pairs)


def _grown(
    strength: np.ndarray, partner: np.ndarray, other: tuple[int, ...], seed: tuple[int, int]
) -> list[tuple[int, int]]:
    """The places that hang together with the seed, on both sides, and are at least `_GROWTH` as strong."""
    region, edge = {seed}, [seed]
    while edge:
        y, x = edge.pop()
        at = divmod(int(partner[y, x]), other[1])
        for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if (ny, nx) in region or not (0 <= ny < strength.shape[0] and 0 <= nx < strength.shape[1]):
                continue
            there = divmod(int(partner[ny, nx]), other[1])
            if strength[ny, nx] >= _GROWTH * strength[seed] and max(abs(at[0] - there[0]), abs(at[1] - there[1])) <= 2:
                region.add((ny, nx))
                edge.append((ny, nx))
    return sorted(region)


def _box(places: np.ndarray, size: tuple[int, ...]) -> Region:
    (top, left), (bottom, right) = places.min(axis=0).tolist(), (places.max(axis=0) + 1).tolist()
    return left / size[1], top / size[0], right / size[1], bottom / size[0]
