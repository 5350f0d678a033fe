"""What the tests of artsim.sources.nga share: a museum on loopback, and no proxy in between."""

import os
from collections.abc import Iterator

import pytest
from museum import MuseumServer


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine goes through cannot reach a loopback address."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[MuseumServer]:
    with MuseumServer() as museum:
        yield museum
