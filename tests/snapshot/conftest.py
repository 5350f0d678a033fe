"""A small collection on disk."""

from pathlib import Path

import pytest
from collections_on_disk import compact_from
from synthetic import make_collection


@pytest.fixture(params=["exact", "compact"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A collection of 45 works in two spaces, kept whole or compact."""
    if request.param == "compact":
        compact_from(20, monkeypatch)
    make_collection(spaces=2).save(tmp_path / "collection")
    return tmp_path / "collection"
