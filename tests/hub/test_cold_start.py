"""Cold start of a Space: the files of the app and the caches exist, the process is new."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest
from app_process import running_app
from hub_server import HubServer

import artsim

REPO = "artist/met"
BOUND = 20.0  # seconds on two idle cores


@pytest.mark.slow
def test_the_app_starts_fast_on_a_collection_from_the_hub(hub: HubServer, tmp_path: Path) -> None:
    from artsim.encoders import load_encoder

    out = tmp_path / "met"
    artsim.build_collection(artsim.open_source("met"), load_encoder("embedded"), out, limit=24)
    artsim.publish(out, REPO)
    artsim.open_collection(REPO)  # fills the cache, as the build of a Space does
    cache = tmp_path / "cache"  # without leftovers of an earlier start

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    with running_app(cache, "--collection", REPO) as app:
        while "is ready (on " not in app.said():
            assert time.monotonic() - begun < 200, app.said()
            time.sleep(0.1)
        assert "Opening artist/met at" in app.said()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Wall time includes other load on this machine, processor time does not. A process that uses less than BOUND seconds
    # of processor time in all, encoder included, starts in less on an idle machine.
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert worked < BOUND
