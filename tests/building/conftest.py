"""Twelve paintings, and builds of them in batches of five."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artsim import build_collection, open_source
from artsim.building import pipeline


@pytest.fixture
def pictures(paintings: Path, tmp_path: Path) -> Path:
    """A folder of twelve paintings that a test may change."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        shutil.copy(paintings / f"{number:02d}.jpg", folder)
    return folder


@pytest.fixture
def build(pictures: Path, clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`build(*encoders, **options)`: a collection of `pictures` in `out`, by default with the tiny CLIP.

    By one thread, so that it is known what an interruption leaves.
    """
    monkeypatch.setattr(pipeline, "BATCH", 5)  # twelve works are three part files

    def run(*encoders: Any, source: Any = None, **options: Any) -> Any:
        source = source or open_source(f"folder:{pictures}")
        return build_collection(source, encoders or clip, tmp_path / "out", **{"workers": 1, **options})

    return run
