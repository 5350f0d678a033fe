"""Run `python app.py` as a process for tests: start it on a free port, wait for its page, stop it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_TIMEOUT = 240  # seconds, for a loaded machine; the app needs a fraction of that


@dataclass(frozen=True)
class RunningApp:
    url: str
    log: Path
    seconds: float
    """From the start of the process until the page answered."""

    def said(self) -> str:
        """The log so far."""
        return self.log.read_text(encoding="utf-8")


def shared_cache(factory: pytest.TempPathFactory) -> Path:
    """Cache folder of the whole run, of all workers of pytest-xdist: the first app builds the collection there, the others
    open it."""
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "artsim-cache"


def app_environment(cache: Path) -> dict[str, str]:
    """Environment without the Hub, so that `auto` selects the embedded encoder on every machine."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("ARTSIM_", "GRADIO_"))}
    return {**inherited, "ARTSIM_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}


def run_app(cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the app with arguments that it refuses, until it exits."""
    return subprocess.run(
        [sys.executable, "app.py", *arguments],
        cwd=ROOT, env=app_environment(cache), capture_output=True, text=True, timeout=_TIMEOUT, check=False,
    )  # fmt: skip


@contextmanager
def running_app(cache: Path, *arguments: str, **variables: str) -> Iterator[RunningApp]:
    """Run the app until the block ends. `variables`: additional environment variables."""
    port = free_port()
    cache.mkdir(parents=True, exist_ok=True)
    log = cache / f"app-{port}.log"
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port), *arguments],
            cwd=ROOT, env=app_environment(cache) | variables, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}/"
    try:
        while not _answers(url):
            output_so_far = log.read_text(encoding="utf-8")
            assert process.poll() is None, f"the app ended:\n{output_so_far}"
            assert time.monotonic() - started < _TIMEOUT, f"the page never answered:\n{output_so_far}"
            time.sleep(0.2)
        yield RunningApp(url, log, time.monotonic() - started)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
