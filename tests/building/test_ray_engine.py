"""Builds on Ray: on a cluster of two workers on this machine, the same as by one process, whatever dies."""

import dataclasses
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artsim import CollectionError, SourceError, build_collection, open_source
from artsim.building import pipeline, preparation
from artsim.building.ray_cluster import connected
from artsim.building.ray_engine import RayEngine, open_engine
from artsim.building.spans import Span
from artsim.collection import Collection

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install -r requirements-scale.txt"),
]

Build = Callable[..., Collection]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two cores, so two workers, on the loopback interface; without the dashboard and its statistics."""
    with connected(None, cores=2) as running:
        yield running


@pytest.fixture
def build(cluster: Any, paintings: Path, clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """`build(name, **options)`: a collection of 40 paintings on Ray, in eight spans of five works."""
    monkeypatch.setattr(pipeline, "BATCH", 5)

    def run(name: str, *, source: Any = None, engine: Any = RayEngine(), **options: Any) -> Collection:
        source = source or open_source(f"folder:{paintings}")
        return build_collection(source, clip, tmp_path / name, engine=engine, **options)

    return run


def assert_equal(one: Collection, other: Collection) -> None:
    """The same works, pictures and metadata; vectors that are stored in single precision to 1e-5, all others to one step."""
    assert one.ids == other.ids
    assert len(set(one.ids)) == len(one.ids)
    assert one.state.table.to_pylist() == other.state.table.to_pylist()
    assert [one.picture(name) for name in one.ids] == [other.picture(name) for name in other.ids]
    blocks = other.state.spaces[0].raw_blocks()
    for aspect, block in one.state.spaces[0].raw_blocks().items():
        a, b = block.all(), blocks[aspect].all()
        np.testing.assert_allclose(
            a, b, atol=1e-5 if a.dtype == np.float32 else 0, rtol=0 if a.dtype == np.float32 else 2**-10
        )
    assert one.state.recognition is not None and other.state.recognition is not None
    for name, column in one.state.recognition.columns().items():
        a, b = (c.take(np.arange(len(one))).astype(int) for c in (column, other.state.recognition.columns()[name]))
        assert np.abs(a - b).max() <= 1


def test_two_workers_build_what_one_process_builds(build: Build) -> None:
    told: list[tuple[int, int | None]] = []
    on_ray = build("ray", progress=lambda done, total: told.append((done, total)))
    assert_equal(on_ray, build("alone", engine=None))
    assert told == [(done, 40) for done in range(0, 41, 5)]
    assert not (on_ray.folder / "building").exists() if hasattr(on_ray, "folder") else True
