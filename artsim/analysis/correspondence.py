"""Correspondence: where two pictures agree, as heat maps over both and pairs of corresponding regions.

Each place of one picture is compared with every place of the other by its patch features, after subtraction of their
common mean. A pair of places is supported by the pairs around it (neighbourhood consensus, after Rocco et al. 2018,
"Neighbourhood consensus networks", without the learning) and weighted by whether each is the other's best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from artsim.encoders.protocol import Encoder, unit_rows
from artsim.encoders.region_vectors import Region
from artsim.errors import QueryError

_TILES = 3  # per side of a square picture: a patch of the whole picture sees half of it, and is no place
_MARGIN = 0.25  # of a tile, on each side, so that no place is at the edge of the encoder's input
_PLACES = 20  # along the short side
_MAX_ASPECT = 2.0
_REACH = 2  # places to each side that take part in the consensus
_RETURN = 0.06  # of the picture: standard deviation of the distance to the partner's partner
_GROWTH = 0.3  # of the strength of its best place, which every place of a region reaches
_MIN_STRENGTH, _MIN_PLACES = 0.18, 4  # weaker or smaller regions are chance


@dataclass(frozen=True)
class RegionPair:
    """A region of the first picture, and the corresponding region of the second."""

    first: Region
    second: Region
    agreement: float
    """Strength of the best place, in 0..1."""


@dataclass(frozen=True)
class Correspondence:
    """How well each place of two pictures corresponds to some place of the other: (rows, columns) float32 in 0..1.

    Rule of thumb for the embedded encoder: below 0.2 is chance, faces of two people reach about 0.3, one detail in two
    reproductions reaches more.
    """

    first: np.ndarray
    second: np.ndarray
    pairs: tuple[RegionPair, ...]
    """At most three, best first; empty if nothing corresponds."""


def embed_places(encoder: Encoder, image: Image.Image) -> np.ndarray:
    """(rows, columns, d) float32: unit vectors of an even grid over one picture, with `_PLACES` along its short side.

    Embeds overlapping tiles, since most encoders have few patches, each of which sees nearly the whole picture. Tiles are
    squares, since many encoders see only the middle square of a picture. The picture is reflected at its edges.
    """
    image = _limit_aspect(image)
    aspect = image.width / image.height
    rows, columns = round(_PLACES * max(1.0, 1 / aspect)), round(_PLACES * max(1.0, aspect))
    down, across = round(_TILES * max(1.0, 1 / aspect)), round(_TILES * max(1.0, aspect))
    height, width = image.height / down, image.width / across  # of a tile without its margin
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


def _limit_aspect(image: Image.Image) -> Image.Image:
    """The picture, squeezed to `_MAX_ASPECT` if it is longer: a hand-scroll has 1:40."""
    width, height = image.size
    if max(width, height) <= _MAX_ASPECT * min(width, height):
        return image
    long_side = round(_MAX_ASPECT * min(width, height))
    return image.resize((long_side, height) if width > height else (width, long_side), reducing_gap=2.0)


def _sample(patches: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(y, x, d): patches (rows, columns, d) interpolated at heights `y` and widths `x`, fractions of the tile."""
    for axis, at in ((0, y), (1, x)):
        last = patches.shape[axis] - 1
        position = np.clip(at * (last + 1) - 0.5, 0, last)
        low = np.floor(position).astype(int)
        share = np.expand_dims(position - low, (1, 2) if axis == 0 else (0, 2))
        high = np.minimum(low + 1, last)
        patches = np.take(patches, low, axis) * (1 - share) + np.take(patches, high, axis) * share
    return patches


def find_correspondence(first: np.ndarray, second: np.ndarray) -> Correspondence:
    """Compare the places (rows, columns, d) of two pictures, unit vectors of one encoder. `QueryError` if `d` differs."""
    if first.ndim != 3 or second.ndim != 3 or first.shape[2] != second.shape[2]:
        raise QueryError("The patches of two pictures can be compared only if the same encoder embedded both.")
    common = (first.mean(axis=(0, 1)) + second.mean(axis=(0, 1))) / 2
    cosines = np.einsum("abd,ijd->abij", unit_rows(first - common), unit_rows(second - common), optimize=True)
    support = np.minimum(_consensus(np.maximum(cosines, 0)), cosines)
    first_size, second_size = support.shape[:2], support.shape[2:]
    flat = support.reshape(first_size[0] * first_size[1], -1)
    partner, back = flat.argmax(axis=1), flat.argmax(axis=0)
    first_heat = (flat.max(axis=1) * _mutual(partner, back, first_size)).reshape(first_size)
    second_heat = (flat.max(axis=0) * _mutual(back, partner, second_size)).reshape(second_size)
    pairs = _region_pairs(first_heat, partner.reshape(first_size), second_size)
    return Correspondence(first_heat.clip(0, 1).astype(np.float32), second_heat.clip(0, 1).astype(np.float32), pairs)


def _consensus(cosines: np.ndarray) -> np.ndarray:
    """(rows, columns, rows', columns'): the mean over the neighbours of a pair at the same offset in both pictures.

    Neighbours beyond an edge count as 0, so a pair at an edge has less support.
    """
    sizes = cosines.shape
    padded = np.pad(cosines, _REACH)
    total = np.zeros_like(cosines)
    for dy in range(2 * _REACH + 1):
        for dx in range(2 * _REACH + 1):
            starts = (dy, dx, dy, dx)
            total += padded[tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))]
    return total / (2 * _REACH + 1) ** 2


def _mutual(partner: np.ndarray, back: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(places,): 1 where the partner of a place's partner is the place itself, falling to 0 with the distance."""
    places = np.arange(len(partner))
    y, x = (
        (places // size[1] - back[partner] // size[1]) / size[0],
        (places % size[1] - back[partner] % size[1]) / size[1],
    )
    return np.exp(-(x**2 + y**2) / (2 * _RETURN**2))


def _region_pairs(
    strength: np.ndarray, partner: np.ndarray, second_size: tuple[int, ...], *, most: int = 3
) -> tuple[RegionPair, ...]:
    """Regions grown around the strongest places: neighbours whose partners are neighbours too."""
    remaining = strength.copy()
    pairs: list[RegionPair] = []
    while len(pairs) < most and remaining.max() >= _MIN_STRENGTH:
        seed = np.unravel_index(int(remaining.argmax()), remaining.shape)
        region = _grown(remaining, partner, second_size, (int(seed[0]), int(seed[1])))
        places = np.array(region)
        partners = np.stack(np.unravel_index(partner[places[:, 0], places[:, 1]], second_size), axis=1)
        if len(region) >= _MIN_PLACES:
            pairs.append(RegionPair(_box(places, remaining.shape), _box(partners, second_size), float(strength[seed])))
        (top, first), (bottom, last) = places.min(axis=0), places.max(axis=0)
        remaining[top : bottom + 1, first : last + 1] = 0
    return tuple(pairs)


def _grown(
    strength: np.ndarray, partner: np.ndarray, second_size: tuple[int, ...], seed: tuple[int, int]
) -> list[tuple[int, int]]:
    """The places that are connected with the seed in both pictures, and at least `_GROWTH` as strong."""
    region, edge = {seed}, [seed]
    while edge:
        y, x = edge.pop()
        at = divmod(int(partner[y, x]), second_size[1])
        for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if (ny, nx) in region or not (0 <= ny < strength.shape[0] and 0 <= nx < strength.shape[1]):
                continue
            there = divmod(int(partner[ny, nx]), second_size[1])
            if strength[ny, nx] >= _GROWTH * strength[seed] and max(abs(at[0] - there[0]), abs(at[1] - there[1])) <= 2:
                region.add((ny, nx))
                edge.append((ny, nx))
    return sorted(region)


def _box(places: np.ndarray, size: tuple[int, ...]) -> Region:
    (top, left), (bottom, right) = places.min(axis=0).tolist(), (places.max(axis=0) + 1).tolist()
    return left / size[1], top / size[0], right / size[1], bottom / size[0]
