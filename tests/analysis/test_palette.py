"""Palettes: the colours that a person would name; shared colours are those that look alike."""

from typing import Any

import numpy as np
import pytest
from odd_pictures import encode
from PIL import Image

from artsim.analysis.palette import color_difference, palette, shared_colors
from artsim.images.decode import load_image

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 140, 60), (40, 60, 180), (250, 250, 250)


def striped(*stripes: tuple[tuple[int, int, int], int]) -> Image.Image:
    """A picture of vertical stripes: colours with their widths."""
    image = Image.new("RGB", (sum(width for _, width in stripes), 120))
    left = 0
    for color, width in stripes:
        image.paste(color, (left, 0, left + width, 120))
        left += width
    return image


def nearest(color: tuple[int, int, int]) -> tuple[int, int, int]:
    """The one of the four colours that is within a few levels of `color`."""
    return next(known for known in (RED, GREEN, BLUE, WHITE) if max(np.abs(np.subtract(known, color))) <= 8)


# From the table of test data of Sharma, Wu and Dalal (2005).
@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_of_colours_is_the_published_one(first: Any, second: Any, difference: float) -> None:
    labs = np.array([first, second], float)
    assert color_difference(labs[0], labs[1]) == pytest.approx(difference, abs=5e-5)
    assert color_difference(labs[1], labs[0]) == pytest.approx(difference, abs=5e-5)


def test_stripes_come_back_with_their_colours_and_shares_largest_first() -> None:
    found = palette(striped((GREEN, 60), (RED, 180), (BLUE, 120)))
    assert [nearest(swatch.rgb) for swatch in found[:3]] == [RED, BLUE, GREEN]
    assert [swatch.share for swatch in found[:3]] == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=0.02)
    assert sum(swatch.share for swatch in found) == pytest.approx(1)


def test_a_picture_of_one_colour_has_one_swatch_and_a_small_accent_its_own() -> None:
    (only,) = palette(Image.new("RGB", (50, 30), RED))
    assert (only.rgb, only.share, only.hex) == (RED, 1.0, "#c81e1e")
    noise = np.random.default_rng(0).integers(100, 140, (120, 200, 1)).repeat(3, axis=2).astype(np.uint8)
    image = Image.fromarray(noise)
    image.paste(RED, (0, 0, 30, 30))  # 4 % of it
    assert any(max(np.abs(np.subtract(swatch.rgb, RED))) < 25 for swatch in palette(image))


def test_a_jpeg_of_low_quality_shares_its_colours_with_the_original(painting: bytes) -> None:
    image = load_image(painting)
    first, second = palette(image), palette(load_image(encode(image, "JPEG", quality=30)))
    assert first == palette(image)
    assert 2 <= len(first) <= 6
    shared = shared_colors(first, second)
    assert sum(first[pair.first].share for pair in shared) > 0.9
    assert len({pair.first for pair in shared}) == len({pair.second for pair in shared}) == len(shared)
    assert [pair.difference for pair in shared] == sorted(pair.difference for pair in shared)


def test_other_colours_are_not_shared() -> None:
    first, second = palette(striped((RED, 50), (WHITE, 50))), palette(striped((BLUE, 50), (GREEN, 50)))
    assert shared_colors(first, second) == ()
    (pair,) = shared_colors(first, palette(striped((BLUE, 70), ((196, 34, 34), 30))))
    assert nearest(first[pair.first].rgb) == RED
    assert shared_colors((), first) == ()
