"""Fixtures of the NGA tests: a museum server on loopback, and no proxy."""

import os
from collections.abc import Iterator

import pytest
from museum import MuseumServer


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine could not reach a loopback address."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[MuseumServer]:
    with MuseumServer() as museum:
        yield museum
