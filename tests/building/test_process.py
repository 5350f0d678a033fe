"""A build in a process of its own: what it tells, and what becomes of it when the caller stops, dies, or it is ended itself."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_process import ROOT
from PIL import Image

from artsim import open_source
from artsim.building.pipeline import BATCH
from artsim.building.process import build_in_process
from artsim.errors import ArtsimError, CollectionError, EncoderError, SourceError
from artsim.files.lock import HOLDER, collection_lock

WORKS = BATCH + 2
BUILD = """
import sys
from pathlib import Path
from artsim.building.process import build_in_process
source, out = sys.argv[1:]
show = lambda done, total: print(done, flush=True)
build_in_process(source, "embedded", Path(out), precision="float32", regions=False, progress=show)
"""


class Stop(Exception):
    """What a caller stops for, such as Ctrl-C."""


@pytest.fixture
def source(tmp_path: Path) -> str:
    """One batch of pictures, and two more; one of the two is damaged."""
    folder, random = tmp_path / "pictures", np.random.default_rng(0)
    folder.mkdir()
    for number in range(WORKS):
        Image.fromarray(random.integers(0, 256, (24, 24, 3), np.uint8)).save(folder / f"{number:03d}.png")
    (folder / f"{BATCH:03d}.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return f"folder:{folder}"


def build(source: str, out: Path, progress: Any = lambda *_: None, *, encoder: str = "embedded") -> Any:
    return build_in_process(source, encoder, out, precision="float32", regions=True, progress=progress)


@contextmanager
def freed(out: Path) -> Iterator[None]:
    """After the block, nothing builds into `out` any more."""
    yield
    with collection_lock(out, "looking", wait=20):
        pass


@pytest.mark.slow
def test_a_build_that_is_stopped_goes_on_where_it_was(
    source: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def stop(done: int, total: int | None) -> None:
        if done:
            raise Stop

    reports: list[tuple[int, int | None]] = []
    with freed(tmp_path / "out"), pytest.raises(Stop):
        build(source, tmp_path / "out", stop)
    with caplog.at_level("INFO"):
        collection = build(source, tmp_path / "out", lambda *report: reports.append(report))
    assert reports == [(BATCH, WORKS), (WORKS, WORKS)]
    assert len(collection) == WORKS - 1
    assert collection.state.spaces[0].regions is not None
    assert f"1 of {WORKS} pictures cannot be used" in caplog.text


@pytest.mark.slow
def test_it_ends_when_its_caller_is_killed(source: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    caller = subprocess.Popen([sys.executable, "-c", BUILD, source, str(out)], cwd=ROOT, stdout=subprocess.PIPE)
    assert caller.stdout is not None
    assert caller.stdout.readline() == b"0\n"
    with freed(out):
        caller.kill()
        caller.communicate()


@pytest.mark.slow
def test_a_build_that_something_else_ends_says_so(source: str, tmp_path: Path) -> None:
    def end(done: int, total: int | None) -> None:
        os.kill(json.loads((tmp_path / "out" / HOLDER).read_text())["pid"], signal.SIGKILL)

    with pytest.raises(CollectionError, match=rf"{tmp_path / 'out'} has ended early \(exit code -9\).* goes on"):
        build(source, tmp_path / "out", end)


@pytest.mark.slow
def test_its_errors_are_those_of_a_build_here(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = f"folder:{tmp_path / 'no {such} folder'}"
    with pytest.raises(SourceError) as here:
        open_source(nowhere)
    with pytest.raises(SourceError) as there:
        build(nowhere, tmp_path / "out")
    assert str(there.value) == str(here.value)
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EncoderError, match=f"in {tmp_path / 'model'}"):  # a path from here, not from where artsim is
        build(nowhere, tmp_path / "out", encoder="./model")
    with collection_lock(tmp_path / "out", "editing it"), pytest.raises(ArtsimError, match="has been editing it"):
        build(source, tmp_path / "out")
