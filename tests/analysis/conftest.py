from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from artsim.images.decode import load_image


@pytest.fixture(scope="session")
def met(met_works: list[dict[str, Any]]) -> Callable[[str], Image.Image]:
    """`met("437881")`: a painting of The Met by its number."""
    pictures = {work["id"]: work["image"]["bytes"] for work in met_works}
    return lambda number: load_image(pictures[f"met-{number}"])
