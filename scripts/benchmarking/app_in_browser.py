"""The app as a process, and where a Chromium is: for scripts that look at its pages."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from artsim.errors import ArtsimError

ROOT = Path(__file__).resolve().parents[2]

CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_PATIENCE = 300  # seconds
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@dataclass(frozen=True)
class RunningApp:
    address: str
    """Ends with a slash."""
    cache: Path
    """Its cache folder: empty at the start, removed in the end."""
    page_s: float
    """Seconds from the start of the process until the page answered."""
    encoder_s: float
    """Seconds from the start of the process until the encoder was ready."""


def find_chromium() -> str | None:
    """The path of a Chromium: CHROMIUM says it, or it is where programs are."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, _NAMES)]
    return next((path for path in candidates if path and Path(path).exists()), None)


@contextmanager
def running_app(*arguments: str) -> Iterator[RunningApp]:
    """The app while it answers, with a cache of its own; without `arguments` on the embedded paintings.

    `ArtsimError` when it ends, or takes too long.
    """
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ARTSIM_", "GRADIO_"))}
    with tempfile.TemporaryDirectory() as cache:
        environment = {**kept, "ARTSIM_CACHE": cache, "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "app.py", "--port", str(port), *arguments]
        address, started = f"http://127.0.0.1:{port}/", time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            page_s = _wait(process, started, lambda: bool(_answer(f"{address}healthz")))
            encoder_s = _wait(process, started, lambda: b"ready" in _answer(f"{address}encoder"))
            yield RunningApp(address, Path(cache), page_s, encoder_s)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], started: float, is_there: Callable[[], bool]) -> float:
    """Seconds since `started` when it was there."""
    while (passed := time.monotonic() - started) < _PATIENCE and process.poll() is None:
        if is_there():
            return time.monotonic() - started
        time.sleep(0.2)
    state = "did not answer" if process.poll() is None else f"ended with code {process.returncode}"
    raise ArtsimError(f"The app {state} after {passed:.0f} s; see above.")


def _answer(address: str) -> bytes:
    """What is there; nothing when nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return b""
