"""Run the app as a process and find a Chromium: for scripts that open its pages."""

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
_TIMEOUT = 300  # seconds
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@dataclass(frozen=True)
class RunningApp:
    """A running app and its startup times."""

    address: str
    """Base URL, with a trailing slash."""
    cache: Path
    """Cache folder: empty at the start, removed at the end."""
    page_s: float
    """Seconds from the start of the process until the page answered."""
    encoder_s: float
    """Seconds from the start of the process until the encoder was ready."""


def find_chromium() -> str | None:
    """Path of a Chromium: the variable CHROMIUM, else a program on the PATH; None when there is none."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, _CHROMIUM_NAMES)]
    return next((path for path in candidates if path and Path(path).exists()), None)


@contextmanager
def running_app(*arguments: str) -> Iterator[RunningApp]:
    """Run the app with a cache of its own until the block ends; without `arguments`, on the embedded paintings.

    `ArtsimError` when it ends, or does not answer in time.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("ARTSIM_", "GRADIO_"))}
    with tempfile.TemporaryDirectory() as cache:
        environment = {**inherited, "ARTSIM_CACHE": cache, "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "app.py", "--port", str(port), *arguments]
        address, started = f"http://127.0.0.1:{port}/", time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            page_s = _wait(process, started, lambda: bool(_get(f"{address}healthz")))
            encoder_s = _wait(process, started, lambda: b"ready" in _get(f"{address}encoder"))
            yield RunningApp(address, Path(cache), page_s, encoder_s)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], started: float, is_ready: Callable[[], bool]) -> float:
    """Wait until `is_ready()`; return the seconds since `started`. `ArtsimError` at the end of process or timeout."""
    while (elapsed := time.monotonic() - started) < _TIMEOUT and process.poll() is None:
        if is_ready():
            return time.monotonic() - started
        time.sleep(0.2)
    state = "did not answer" if process.poll() is None else f"ended with code {process.returncode}"
    raise ArtsimError(f"The app {state} after {elapsed:.0f} s; see above.")


def _get(address: str) -> bytes:
    """Response body of a GET request; empty when there is no answer."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return b""
