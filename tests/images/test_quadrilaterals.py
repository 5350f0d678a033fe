"""Quadrilaterals: what hangs on a wall is found and straightened; odd pictures hold none."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from artsim.images.quadrilaterals import find_quadrilaterals, straighten

CORNERS = np.array([(200, 110), (620, 150), (600, 480), (180, 450)], np.float32)


@pytest.fixture
def wall() -> Image.Image:
    """A dark quadrilateral with a bright one inside, on a grey wall."""
    image = Image.new("RGB", (800, 600), (170, 170, 165))
    draw = ImageDraw.Draw(image)
    draw.polygon([(float(x), float(y)) for x, y in CORNERS], fill=(60, 40, 30))
    middle = CORNERS.mean(axis=0)
    draw.polygon([(float(x), float(y)) for x, y in middle + 0.8 * (CORNERS - middle)], fill=(230, 200, 90))
    return image


def test_a_frame_and_what_it_holds_are_found_clockwise_from_the_top_left(wall: Image.Image) -> None:
    found = find_quadrilaterals(wall)
    middle = CORNERS.mean(axis=0)
    for expected in (CORNERS, middle + 0.8 * (CORNERS - middle)):
        assert min(np.abs(corners - expected).max() for corners in found) < 6
    assert len(find_quadrilaterals(wall, most=1)) == 1


def test_what_is_straightened_is_upright_and_of_the_same_size(wall: Image.Image) -> None:
    flat = straighten(wall, CORNERS)
    assert flat.size == (421, 336)
    pixels = np.asarray(flat).reshape(-1, 3)
    assert (np.abs(pixels.astype(int) - (170, 170, 165)).max(axis=1) < 20).mean() < 0.02  # no wall
    beyond = np.asarray(straighten(wall.convert("RGBA"), CORNERS - (300, 0)))[
        :, :, 3
    ]  # its left half is not in the photograph
    assert 0.2 < (beyond == 0).mean() < 0.5


@pytest.mark.parametrize("size", [(9, 9), (800, 600), (20_000, 40), (12, 3_000), (47, 47)])
def test_a_blank_tiny_or_very_long_picture_holds_none(size: tuple[int, int]) -> None:
    assert find_quadrilaterals(Image.new("RGB", size, "white")) == []
