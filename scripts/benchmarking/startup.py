"""Startup time: seconds from the start of the process to the page, and for `import artsim` and `--help`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artsim.errors import ArtsimError
from benchmarking.running import ROOT, running_app

_REPEATS = 5


def measure_startup(app: Path, *, limit: float) -> dict[str, Any]:
    """Start `app` twice, first with an empty cache; then time the short commands. `ArtsimError` when it does not start."""
    if not app.is_file():
        raise ArtsimError(f"There is no {app} to start.")
    with tempfile.TemporaryDirectory() as cache:
        first = _seconds_to_page(app, Path(cache), limit)
        second = _seconds_to_page(app, Path(cache), limit)
    commands = {
        "python": ["-c", "pass"],
        "import_artsim": ["-c", "import artsim"],
        "app_help": [str(app), "--help"],
        "build_help": [str(ROOT / "scripts" / "build_collection.py"), "--help"],
        "evaluate_help": [str(ROOT / "scripts" / "evaluate.py"), "--help"],
    }
    seconds = {name: _seconds_of(arguments) for name, arguments in commands.items()}
    print(f"Page after {first:.1f} s at the first start, {second:.1f} s at the second.")
    for name, taken in seconds.items():
        print(f"  {taken:6.3f} s  {name}")
    return {
        "first_start_s": round(first, 3),
        "second_start_s": round(second, 3),
        "seconds": {name: round(taken, 4) for name, taken in seconds.items()},
        "repeats": _REPEATS,
    }


def _seconds_to_page(app: Path, cache: Path, limit: float) -> float:
    """Start the app, wait for its page, stop it; the seconds until the page answered. With the Hub, where there is one."""
    offline = os.environ.get("HF_HUB_OFFLINE", "0")
    with running_app(cache, script=app, limit=limit, HF_HUB_OFFLINE=offline) as running:
        return running.seconds


def _seconds_of(arguments: Sequence[str]) -> float:
    """Median seconds of a few runs of the interpreter with `arguments`."""
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - start)
        if done.returncode:
            raise ArtsimError(f"python {' '.join(arguments)} ended with code {done.returncode}: {done.stderr[-300:]}")
    return statistics.median(seconds)
