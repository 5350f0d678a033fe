from __future__ import annotations

import pytest
from synthetic import make_collection

from artsim.collection import Collection


@pytest.fixture(scope="session")
def collection() -> Collection:
    return make_collection()
