"""Altered pictures are reproducible by seed and differ from the original."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from artsim.evaluation import distortions
from artsim.evaluation.distortions import SAME_WORK, generator
from artsim.images.decode import load_image


@pytest.fixture(scope="module")
def works(met_works: list[dict[str, Any]]) -> list[Image.Image]:
    """Four paintings, among them a hand-scroll."""
    return [load_image(met_works[row]["image"]["bytes"], short_side=160) for row in (0, 5, 19, 33)]


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
