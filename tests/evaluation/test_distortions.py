"""Altered pictures are reproducible by seed and differ from the original; details match their regions."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from artsim.evaluation import distortions
from artsim.evaluation.distortions import SAME_WORK, detail, generator
from artsim.images.decode import load_image
from artsim.images.geometry import crop_region


@pytest.fixture(scope="module")
def works(met_works: list[dict[str, Any]]) -> list[Image.Image]:
    """Four paintings, among them a hand-scroll."""
    return [load_image(met_works[row]["image"]["bytes"], short_side=160) for row in (0, 5, 19, 33)]


def correlation(first: Image.Image, second: Image.Image) -> float:
    """Correlation of two pictures in grey at 24 x 24 pixels."""
    grey = [np.asarray(image.convert("L").resize((24, 24), Image.Resampling.BOX), float) for image in (first, second)]
    return float(np.corrcoef(grey[0].ravel(), grey[1].ravel())[0, 1])


@pytest.mark.parametrize("alter", SAME_WORK, ids=lambda alter: alter.__name__)
def test_every_distortion_depends_on_the_seed_and_changes_a_copy_of_about_the_same_size(
    alter: Any, works: list[Image.Image]
) -> None:
    first, again, other = (np.asarray(alter(works[1], generator(seed, "a work", alter.__name__))) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    if alter is not distortions.jpeg_30:  # the only one without random numbers
        assert first.shape != other.shape or not np.array_equal(first, other)
    for number, image in enumerate(works):
        before = np.asarray(image).copy()
        altered = alter(image, generator(3, str(number)))
        assert np.array_equal(np.asarray(image), before)
        assert altered.mode == "RGB"
        assert min(altered.size) >= 0.75 * min(image.size)
        difference = np.abs(np.asarray(altered.resize(image.size), float) - before).mean()
        assert difference > (1.0 if alter is distortions.jpeg_30 else 4.0)


def test_a_detail_has_20_to_40_percent_of_the_area_and_matches_its_region(works: list[Image.Image]) -> None:
    areas, places = [], []
    for seed in range(30):
        for image in works:
            cut = detail(image, generator(seed))
            left, top, right, bottom = cut.region
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1
            areas.append((right - left) * (bottom - top))
            places.append((left, top))
            assert correlation(cut.image, crop_region(image, cut.region)) > 0.7
    assert min(areas) == pytest.approx(0.2, abs=0.03)
    assert max(areas) == pytest.approx(0.4, abs=0.03)
    assert np.ptp(places, axis=0).min() > 0.4, "details come from all over the picture"


def test_perspective_moves_the_corners_inwards_and_shows_the_wall() -> None:
    white = Image.new("RGB", (200, 100), (255, 0, 255))
    seen = np.asarray(distortions.perspective(white, generator(1)))
    share = (np.abs(seen.astype(int) - (255, 0, 255)).max(axis=2) < 8).mean()
    assert 0.6 < share < 0.99
    assert tuple(seen[50, 100]) == (255, 0, 255), "the middle still shows the picture"
