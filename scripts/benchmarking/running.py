"""Run the app as a process on a free port, and find a Chromium: for measurements, screenshots and tests."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from artsim.errors import ArtsimError

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 300.0  # seconds, for a loaded machine; the app needs a fraction of that
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@dataclass
class RunningApp:
    """A process that runs the app, or another script that serves a page."""

    url: str
    """Base URL, with a trailing slash."""
    log: Path
    process: subprocess.Popen[bytes]
    started: float
    """`time.monotonic` at the start of the process."""
    limit: float
    """Seconds after which a start has failed."""
    seconds: float = 0.0
    """From the start of the process until the page answered."""
    first_answer: float = 0.0
    """From the start of the process until anything answered at its address, such as the progress of a first start."""

    def said(self) -> str:
        """The log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait(self, path: str, is_ready: Callable[[bytes], bool] = lambda body: True) -> float:
        """Wait until `path` is served as required; the seconds since the start. `ArtsimError` if that never happens."""
        while (elapsed := time.monotonic() - self.started) < self.limit and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                    self._answered()
                    if is_ready(answer.read()):
                        return time.monotonic() - self.started
            except urllib.error.HTTPError:  # as while the app starts
                self._answered()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(0.05)
        code = self.process.poll()
        state = "did not answer" if code is None else f"ended with code {code}"
        last = self.said().strip().splitlines()[-1:]
        raise ArtsimError(f"The app {state} after {elapsed:.0f} s" + (f"; its last output: {last[0]}" if last else "."))

    def _answered(self) -> None:
        self.first_answer = self.first_answer or time.monotonic() - self.started

    def wait_for_encoder(self) -> float:
        """Wait until the encoder is loaded; the seconds since the start."""
        return self.wait("encoder", lambda body: b"ready" in body)


def find_chromium() -> str | None:
    """Path of a Chromium: the variable CHROMIUM, else a program on the PATH; None when there is none."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, _CHROMIUM_NAMES)]
    return next((path for path in candidates if path and Path(path).exists()), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def app_environment(cache: Path) -> dict[str, str]:
    """Environment without the Hub, so that `auto` selects the embedded encoder on every machine."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("ARTSIM_", "GRADIO_"))}
    return {**inherited, "ARTSIM_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}


@contextmanager
def running_app(
    cache: Path, *arguments: str, script: Path = ROOT / "app.py", limit: float = TIMEOUT, **variables: str
) -> Iterator[RunningApp]:
    """Run `script` until the block ends, which begins when its page answers; its log is a file in `cache`.

    `variables`: additional environment variables. `ArtsimError` when it ends or does not answer within `limit` seconds.
    """
    port = free_port()
    cache.mkdir(parents=True, exist_ok=True)
    log = cache / f"app-{port}.log"
    environment = {**app_environment(cache), "GRADIO_SERVER_PORT": str(port), **variables}
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(script), *arguments],
            cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    app = RunningApp(f"http://127.0.0.1:{port}/", log, process, started, limit)
    try:
        app.seconds = app.wait("")
        yield app
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def seconds_of(arguments: Sequence[str], repeats: int = 5) -> float:
    """Median seconds of a few runs of the interpreter with `arguments`."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - start)
        if done.returncode:
            raise ArtsimError(f"python {' '.join(arguments)} ended with code {done.returncode}: {done.stderr[-300:]}")
    return statistics.median(seconds)
