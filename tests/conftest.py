"""Fixtures for all tests: tiny real checkpoints, a folder of real paintings, and a collection made of both.

Expensive fixtures are made once per session and are read-only; a test that changes a collection works on a copy.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]  # python puts scripts/ first itself when it runs a script

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # OpenMP's threads spin while they wait for one that has no core: all takes twice as long
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

pytest_plugins = ["hub_server.fixtures"]

MakeFolder = Callable[[str], Path]


@pytest.hookimpl(tryfirst=True)  # before `-m` deselects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A sweep is slow. Files of long tests run first: pytest-xdist hands out file by file, so both workers end together.

    Only one of those in the browser is among the first: its app builds the collection that the apps of the others open.
    """
    for item in items:
        if item.get_closest_marker("sweep"):
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}
    later = set(sorted({item.path for item in items if item.get_closest_marker("browser")})[1:])
    items.sort(key=lambda item: (item.path not in slow, item.path in later))


@pytest.fixture(scope="session", autouse=True)
def quick_disk() -> Iterator[None]:
    """Writes are not awaited: a sync takes up to 0.1 s, a build makes a hundred, and no test pulls the plug. What is synced,
    and when, `faults.py` follows in `artsim.files.disk`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # still an error for what is no open file
        yield


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The cache folder of tests that have none of their own: models are converted once, for all workers."""
    base = tmp_path_factory.getbasetemp()
    os.environ["ARTSIM_CACHE"] = str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "own-cache")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> MakeFolder:
    """`checkpoint("clip")`: the folder of a tiny real checkpoint, made on first use. See checkpoints.py for the names."""
    import checkpoints

    folder = tmp_path_factory.mktemp("checkpoints")

    def make(name: str) -> Path:
        return folder / name if (folder / name).exists() else checkpoints.MAKERS[name](folder / name)

    return make


@pytest.fixture(scope="session")
def clip(checkpoint: MakeFolder) -> Any:
    """The encoder of a tiny real CLIP."""
    from artsim.encoders import load_encoder

    return load_encoder(str(checkpoint("clip")))


@pytest.fixture(scope="session")
def embedded() -> Any:
    """The embedded encoder with its real weights, for tests that need meaningful likeness."""
    from artsim.encoders import load_encoder

    return load_encoder("embedded")


@pytest.fixture(scope="session")
def met_works() -> list[dict[str, Any]]:
    """The 174 works of the embedded source."""
    from artsim.sources import open_source

    return list(open_source("met").works(0))


@pytest.fixture(scope="session")
def paintings(tmp_path_factory: pytest.TempPathFactory, met_works: list[dict[str, Any]]) -> Path:
    """A folder of 40 small real paintings with metadata.jsonl (title, artist, year, medium, tags); two lack a year."""
    from artsim.images.decode import load_image

    folder = tmp_path_factory.mktemp("paintings")
    lines = []
    for number, work in enumerate(met_works[:40]):
        image = load_image(work["image"]["bytes"], short_side=64)
        image.thumbnail((96, 96))
        image.save(folder / f"{number:02d}.jpg", quality=92)
        columns = {name: work[name] for name in ("title", "artist", "year", "medium", "tags")}
        if number in (3, 7):
            columns["year"] = None
        lines.append(json.dumps({"file_name": f"{number:02d}.jpg", **columns}))
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory, paintings: Path, clip: Any) -> Path:
    """Folder of a collection of `paintings`, built with the tiny CLIP. Read-only: change a `copy`."""
    from artsim import build_collection, open_source

    folder = tmp_path_factory.mktemp("collections") / "paintings"
    build_collection(open_source(f"folder:{paintings}"), clip, folder)
    return folder


@pytest.fixture(scope="session")
def collection(saved: Path) -> Any:
    """`saved`, opened. Read-only."""
    from artsim import open_collection

    return open_collection(saved)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One `python app.py` process over the embedded source, with a JSON log, for all tests that do not change it."""
    from app_process import running_app, shared_cache

    cache = shared_cache(tmp_path_factory)
    with ExitStack() as stack:
        with FileLock(f"{cache}.lock"):  # one app builds the collection, those of other workers open it
            framed = {"ARTSIM_FRAMED_BY": "https://huggingface.co"}  # as on a Space
            app = stack.enter_context(running_app(cache, "--log-format", "json", **framed))
        yield app


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    """A copy of `saved` that a test may change or damage."""
    return Path(shutil.copytree(saved, tmp_path / "copy"))


@pytest.fixture
def painting(met_works: list[dict[str, Any]]) -> bytes:
    """One real painting, as a JPEG file."""
    return met_works[0]["image"]["bytes"]
