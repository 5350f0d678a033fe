from __future__ import annotations

from pathlib import Path

import pytest
from synthetic import make_collection

from artsim.collection import Collection


@pytest.fixture(scope="session")
def collection() -> Collection:
    return make_collection()


@pytest.fixture(scope="session")
def saved(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection saved in a folder, with two spaces."""
    return make_collection(spaces=2).save(tmp_path_factory.mktemp("evaluation") / "saved")
