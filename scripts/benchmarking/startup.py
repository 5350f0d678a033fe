"""Startup time: seconds from the start of the process to the page, and for `import artsim` and `--help`."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artsim.errors import ArtsimError

_REPEATS = 5


def measure_startup(root: Path, app: Path, *, limit: float) -> dict[str, Any]:
    """Start `app` twice, first with an empty cache; then time the short commands. `ArtsimError` when it does not start."""
    if not app.is_file():
        raise ArtsimError(f"There is no {app} to start.")
    with tempfile.TemporaryDirectory() as cache:
        first = _seconds_to_page(root, app, Path(cache), limit)
        second = _seconds_to_page(root, app, Path(cache), limit)
    commands = {
        "python": ["-c", "pass"],
        "import_artsim": ["-c", "import artsim"],
        "app_help": [str(app), "--help"],
        "build_help": [str(root / "scripts" / "build_collection.py"), "--help"],
        "evaluate_help": [str(root / "scripts" / "evaluate.py"), "--help"],
    }
    seconds = {name: _seconds_of(root, arguments) for name, arguments in commands.items()}
    print(f"Page after {first:.1f} s at the first start, {second:.1f} s at the second.")
    for name, taken in seconds.items():
        print(f"  {taken:6.3f} s  {name}")
    return {
        "first_start_s": round(first, 3),
        "second_start_s": round(second, 3),
        "seconds": {name: round(taken, 4) for name, taken in seconds.items()},
        "repeats": _REPEATS,
    }


def _seconds_to_page(root: Path, app: Path, cache: Path, limit: float) -> float:
    """Start the app, wait until `GET /` answers with 200, stop it; return the seconds until the answer."""
    port = _free_port()
    environment = {**os.environ, "ARTSIM_CACHE": str(cache), "GRADIO_SERVER_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    environment |= {"GRADIO_ANALYTICS_ENABLED": "False"}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(app)], cwd=root, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while not _answers(port):
                if process.poll() is not None or time.perf_counter() - start > limit:
                    state = f"ended with code {process.returncode}" if process.poll() is not None else "did not answer"
                    output.seek(0)
                    last_line = output.read().decode("utf-8", errors="replace").strip().splitlines()[-1:]
                    raise ArtsimError(
                        f"{app.name} {state} after {time.perf_counter() - start:.0f} s"
                        + (f"; its last output: {last_line[0]}" if last_line else ".")
                    )
                time.sleep(0.05)
            return time.perf_counter() - start
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _seconds_of(root: Path, arguments: Sequence[str]) -> float:
    """Median seconds of a few runs of the interpreter with `arguments`."""
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, *arguments], cwd=root, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - start)
        if done.returncode:
            raise ArtsimError(f"python {' '.join(arguments)} ended with code {done.returncode}: {done.stderr[-300:]}")
    return statistics.median(seconds)
