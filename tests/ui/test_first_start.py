"""A first start: the process that serves builds nothing itself, and its page shows how far the build is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from app_process import ROOT, app_environment, free_port
from test_page_weight import NEVER

from artsim.files.lock import collection_lock

SCRIPT = f"""
import json, sys
from urllib.request import urlopen
sys.path[:0] = ["tests", "scripts"]
from served import settings_of
from artsim.ui import startup

class Bar(startup.ProgressBar):
    def __call__(self, done, total):
        page = urlopen("http://127.0.0.1:" + sys.argv[1] + "/starting").read()
        found = [name for name in {[*NEVER, "openvino"]} if name in sys.modules]
        print(json.dumps({{"page": json.loads(page), "found": found}}))
        raise KeyboardInterrupt

startup.ProgressBar = Bar
startup.open_or_build(settings_of("--encoder", "embedded", "--port", sys.argv[1], ARTSIM_CACHE=sys.argv[2]))
"""


@pytest.mark.slow
def test_another_process_builds_and_ends_with_the_start(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(free_port()), str(tmp_path)],
        cwd=ROOT, env=app_environment(tmp_path), capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert "KeyboardInterrupt" in run.stderr, run.stderr
    assert json.loads(run.stdout) == {"page": {"done": 0, "total": 174}, "found": []}
    with collection_lock(tmp_path / "collections" / "met-embedded", "looking", wait=20):
        pass
