"""Builds on Ray: on a cluster of two workers on this machine, the same as by one process, whatever dies."""

import dataclasses
import ipaddress
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from artsim import CollectionError, SourceError, build_collection, open_source
from artsim.building import pipeline
from artsim.building.pipeline import report_path
from artsim.building.ray_cluster import connected
from artsim.building.ray_engine import RayEngine
from artsim.collection import Collection

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install -r requirements-scale.txt"),
]

ROOT = Path(__file__).resolve().parents[2]
ON_RAY = RayEngine()

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

    def run(name: str, *, source: Any = None, engine: Any = ON_RAY, **options: Any) -> Collection:
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


@pytest.fixture(scope="module")
def alone(paintings: Path, clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """The collection of the same paintings that one process builds."""
    return build_collection(open_source(f"folder:{paintings}"), clip, tmp_path_factory.mktemp("alone") / "collection")


def processes(title: str = "") -> list[psutil.Process]:
    """The processes of the cluster whose titles contain `title`."""
    return [child for child in psutil.Process().children(recursive=True) if title in " ".join(child.cmdline())]


def test_two_workers_build_what_one_process_builds_and_nothing_leaves_this_machine(
    build: Build, alone: Collection, tmp_path: Path
) -> None:
    told: list[tuple[int, int | None]] = []
    addresses: set[str] = set()

    def progress(done: int, total: int | None) -> None:
        told.append((done, total))
        connections = [found for process in processes() for found in process.net_connections("inet")]
        addresses.update(end.ip for found in connections for end in (found.laddr, found.raddr) if end)

    assert_equal(build("ray", progress=progress), alone)
    assert told == [(done, 40) for done in range(0, 41, 5)]
    assert addresses
    assert [text for text in addresses if not ipaddress.ip_address(text.removeprefix("::ffff:")).is_loopback] == []
    assert not (tmp_path / "ray" / "building").exists()


def test_a_worker_that_is_killed_is_replaced(build: Build, alone: Collection, caplog: pytest.LogCaptureFixture) -> None:
    killed: list[int] = []

    def kill_once(done: int, total: int | None) -> None:
        if done >= 5 and not killed:
            worker = (processes("ShardWorker.embed") or processes("ShardWorker"))[0]
            worker.send_signal(signal.SIGKILL)
            killed.append(worker.pid)

    with caplog.at_level(logging.WARNING):
        assert_equal(build("out", progress=kill_once), alone)
    assert killed
    assert caplog.text.count("A worker has died; another one embeds works ") == 1


_DRIVER = """
import os, signal, sys
from artsim import build_collection, open_source
from artsim.building import pipeline
from artsim.building.ray_engine import RayEngine
from artsim.encoders import load_encoder

pipeline.BATCH = 5

def progress(done, total):
    if done >= 15:
        os.kill(os.getpid(), signal.SIGKILL)

source, encoder, out, address = sys.argv[1:]
build_collection(open_source(source), load_encoder(encoder), out, engine=RayEngine(address), progress=progress)
"""


def test_a_driver_that_is_killed_goes_on_after_the_shards_that_are_done(
    build: Build, alone: Collection, cluster: Any, paintings: Path, clip: Any, tmp_path: Path
) -> None:
    """The first one through the address of the cluster; the second one ends there, and a third one has nothing to do."""
    address = cluster.get_runtime_context().gcs_address
    command = [sys.executable, "-c", _DRIVER, f"folder:{paintings}", clip.id, str(tmp_path / "out"), address]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL
    told: list[int] = []
    finished = {shard.name: shard.stat().st_ino for shard in (tmp_path / "out" / "building" / "shards").glob("0*")}
    assert len(finished) >= 3

    def progress(done: int, total: int | None) -> None:
        told.append(done)
        for shard in (tmp_path / "out" / "building" / "shards").glob("0*"):
            assert finished.get(shard.name, shard.stat().st_ino) == shard.stat().st_ino  # none is embedded again

    assert_equal(build("out", progress=progress), alone)
    assert told == list(range(15, 41, 5))
    told.clear()
    assert_equal(build("out", progress=progress), alone)
    assert told == []


@pytest.mark.parametrize("readers", ["workers", "one"])
def test_broken_pictures_are_reported_as_by_one_process(
    readers: str, build: Build, pictures: Path, tmp_path: Path
) -> None:
    """Up to a limit, whether each worker reads its own part of the source or one process reads it all."""
    (pictures / "03b empty.jpg").touch()
    (pictures / "05b page.png").write_text("<html>404</html>", encoding="utf-8")
    source = open_source(f"folder:{pictures}")
    assert source.reopen is not None
    given = source if readers == "workers" else dataclasses.replace(source, reopen=None)
    on_ray = build("ray", source=given, limit=12)
    assert_equal(on_ray, build("alone", source=source, limit=12, engine=None))
    reports = [json.loads(report_path(tmp_path / name).read_text(encoding="utf-8")) for name in ("ray", "alone")]
    assert reports[0] == reports[1]
    assert (reports[0]["read"], len(reports[0]["failed"])) == (12, 2)


def test_a_source_with_no_works_or_with_one_id_twice_is_refused(build: Build, pictures: Path) -> None:
    source = open_source(f"folder:{pictures}")
    empty = dataclasses.replace(source, works=lambda start: iter(()), reopen=None)
    with pytest.raises(SourceError, match="holds no works"):
        build("empty", source=empty)
    again = dataclasses.replace(
        source, works=lambda start: iter([*source.works(0), *source.works(0)][start:]), reopen=None
    )
    with pytest.raises(SourceError, match=r"has two works with the id '\d\d\.jpg'; ids must be unique"):
        build("again", source=again)


def test_a_build_that_one_process_began_goes_on_on_ray(build: Build, alone: Collection) -> None:
    def interrupt(done: int, total: int | None) -> None:
        if done >= 15:
            raise KeyboardInterrupt

    told: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        build("out", engine=None, progress=interrupt)
    assert_equal(build("out", progress=lambda done, _: told.append(done)), alone)
    assert told[0] == 15


def test_a_span_that_kills_every_worker_ends_the_build_with_a_sentence(
    build: Build, cluster: Any, monkeypatch: pytest.MonkeyPatch, pictures: Path
) -> None:
    class Dies:
        def __init__(self, job: Any) -> None: ...

        def embed(self, span: Any, works: Any) -> int:
            os._exit(1)

    monkeypatch.setattr("artsim.building.ray_engine.ShardWorker", Dies)
    with pytest.raises(
        CollectionError, match=r"3 workers have died while they embedded works \d+ to \d+ of folder:"
    ) as error:
        build("out", source=open_source(f"folder:{pictures}"))
    assert "\n" not in str(error.value)
