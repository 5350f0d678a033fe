"""Cold start of a Space: the files of the app and the caches exist, the process is new."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from app_process import TIMEOUT, running_app
from hub_server import HubServer

import artsim

REPO = "artist/met"


@pytest.mark.slow
def test_the_app_starts_on_a_collection_from_the_hub(hub: HubServer, tmp_path: Path) -> None:
    from artsim.encoders import load_encoder

    out = tmp_path / "met"
    artsim.build_collection(artsim.open_source("met"), load_encoder("embedded"), out, limit=24)
    artsim.publish(out, REPO)
    artsim.open_collection(REPO)  # fills the cache, as the build of a Space does
    cache = tmp_path / "cache"  # without leftovers of an earlier start

    begun = time.monotonic()
    with running_app(cache, "--collection", REPO) as app:
        while "is ready (on " not in app.said():
            assert time.monotonic() - begun < TIMEOUT, app.said()
            time.sleep(0.1)
        assert "Opening artist/met at" in app.said()
