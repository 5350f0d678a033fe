"""Small collections to publish: six pictures, embedded by the tiny CLIP of `tests/checkpoints.py`."""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic
from hub_server import HubServer
from PIL import Image

WORKS = 6
_WIDE = {"subject": 256, "style": 256, "color": 64, "layout": 256}  # as wide as compact vectors can be


@pytest.fixture(autouse=True)
def artsim_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate cache of artsim, in this process and in child processes."""
    cache = tmp_path / "artsim-cache"
    monkeypatch.setenv("ARTSIM_CACHE", str(cache))
    return cache


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries, artsim's and those of the Hub's client, without the usual pauses."""
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.02)))
    monkeypatch.setattr("artsim.web.retries.FIRST_WAIT_S", 0.01)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures of different colours and stripes, with titles, artists, years and addresses."""
    folder = tmp_path_factory.mktemp("pictures")
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "title", "artist", "year", "image_url"])
        for number in range(WORKS):
            rng = np.random.default_rng(number)
            stripes = np.repeat(rng.integers(0, 256, (8, 1, 3), dtype=np.uint8), 8, axis=0)
            Image.fromarray(np.repeat(stripes, 48, axis=1)).save(folder / f"{number}.jpg")
            address = f"https://example.org/{number}.jpg"
            table.writerow([f"{number}.jpg", f"Stripes {number}", f"Painter {number % 2}", 1900 + number, address])
    return folder


@pytest.fixture(scope="session")
def built_once(pictures: Path, clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from artsim import build_collection, open_source

    out = tmp_path_factory.mktemp("built") / "stripes"
    build_collection(open_source(f"folder:{pictures}"), clip, out, title="Stripes", license="cc0-1.0")
    return out


@pytest.fixture
def stripes(built_once: Path, tmp_path: Path) -> Path:
    """A saved collection whose encoder is a local folder; a separate copy for each test."""
    return Path(shutil.copytree(built_once, tmp_path / "stripes"))


@pytest.fixture
def hub_clip(hub: HubServer, checkpoint: Callable[[str], Path]) -> str:
    """The same encoder, as a model on the Hub."""
    hub.add_repo("artist/tiny-clip", "model", {path.name: path for path in checkpoint("clip").iterdir()})
    return "artist/tiny-clip"


@pytest.fixture
def hub_stripes(hub: HubServer, stripes: Path, hub_clip: str) -> Path:
    """The same collection as if it was built with `hub_clip`."""
    path = stripes / "artsim.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["spaces"][0] |= {"encoder": hub_clip, "revision": hub.commits(hub_clip, "model")[0].sha}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return stripes


@pytest.fixture(scope="session")
def compact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved compact collection of 480 works with regions: some were removed, and one of them added again at the end."""
    folder = tmp_path_factory.mktemp("compact") / "made-up"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "DIMS", _WIDE)
        collection = synthetic.make_collection(artists=61, works=8, regions=True)
    collection.save(folder)
    removed = collection.remove([f"work-{number}-3" for number in range(9)])
    collection.add(removed.only([4]))
    collection.save()
    return folder


@pytest.fixture
def fetched(hub: HubServer, tmp_path: Path) -> Callable[[str], Path]:
    """`fetched(repo)`: a folder with the files of a dataset on the Hub, as a mounted volume has them."""

    def write(repo: str) -> Path:
        folder = tmp_path / "fetched"
        for name, data in hub.files(repo, "dataset").items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return folder

    return write
