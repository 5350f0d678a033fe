"""Processes that decode picture files, and what becomes of those that hang or crash: see `artsim.images.worker`.

Not `concurrent.futures`: its pool as a whole breaks when one process is killed, it unpickles what a process sends, and
starting a process runs the main script of the caller again.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from PIL import Image

from artsim.errors import BusyError, ImageError
from artsim.images.conversion import joined
from artsim.images.formats import MAX_PIXELS

_MOST_WORKERS = 4  # about 40 MB each while they wait
_START_SECONDS = 60.0  # a machine that is busy takes long to start a process
_GRACE_SECONDS = 1.0  # after which a worker ends itself, if the app did not
_STRIP_BYTES = 3_000_000
_LONGEST_LINE = 100_000  # bytes
_ROOT = Path(__file__).resolve().parents[2]  # where the package artsim is
_INHERITED = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP",
)  # fmt: skip
"""Variables of the environment that a worker gets: no tokens."""

log = logging.getLogger("artsim.images.decode")
T = TypeVar("T")


class WorkerPool:
    """Decodes files in up to `_MOST_WORKERS` processes, which are started on demand and kept. Thread-safe."""

    def __init__(self) -> None:
        self._seats = threading.BoundedSemaphore(_MOST_WORKERS)
        self._idle: list[_Worker] = []

    def decode(self, data: bytes, label: str, *, seconds: float, **options: Any) -> Image.Image:
        """The picture in a file, which is called `label`. Raises `ImageError`, also if it takes longer than `seconds`.

        `options`: of `artsim.images.picture_file.decode_file`.
        """
        with self._worker() as worker:
            return worker.ask(data, label, seconds, {"size_only": False, **options}, worker.picture)

    def size(self, data: bytes, label: str, *, seconds: float) -> tuple[int, int]:
        """Width and height of the upright picture in a file. Raises as `decode`."""
        with self._worker() as worker:
            return worker.ask(data, label, seconds, {"size_only": True}, lambda size: size)

    def start(self) -> None:
        """Start a worker, so that the first picture need not wait for it."""
        with self._worker():
            pass

    def close(self) -> None:
        """End the workers that wait."""
        while self._idle:
            self._idle.pop().end()

    @contextmanager
    def _worker(self) -> Iterator[_Worker]:
        with self._seats:
            worker = self._take()
            try:
                yield worker
            finally:
                if worker.is_running:
                    self._idle.append(worker)

    def _take(self) -> _Worker:
        while True:
            try:
                worker = self._idle.pop()
            except IndexError:
                return _Worker()
            if worker.is_running:
                return worker


class _Worker:
    """One process. It decodes one picture at a time, and has ended if that did not go well."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "artsim.images.worker"],
            cwd=_ROOT,
            env={**environment, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders write there what a file makes them say
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        with _Deadline(self, _START_SECONDS) as deadline:
            if self._answers.readline(_LONGEST_LINE):
                return
            self.end()
        if deadline.passed:
            raise BusyError(
                "The process that decodes pictures did not start within {seconds:.0f} s, so busy is this machine. Try again.",
                seconds=_START_SECONDS,
            )
        raise RuntimeError("The process that decodes pictures cannot be started: python -m artsim.images.worker")

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def ask(
        self,
        data: bytes,
        label: str,
        seconds: float,
        options: dict[str, Any],
        read: Callable[[tuple[int, int]], T],
    ) -> T:
        """What `read` makes of the size in the answer, and of what follows it."""
        with _Deadline(self, seconds) as deadline:
            try:
                request = {"bytes": len(data), "seconds": seconds + _GRACE_SECONDS, **options}
                self._requests.write(json.dumps(request).encode() + b"\n")
                self._requests.write(data)
                self._requests.flush()
                answer = json.loads(self._answers.readline(_LONGEST_LINE))
                if "size" in answer:
                    width, height = map(int, answer["size"])
                    if not 0 < width * height <= MAX_PIXELS:
                        raise ValueError(answer["size"])
                    result = read((width, height))
                elif "__" in answer["error"]:  # no template of ours: a worker may be in the hands of a file
                    raise ValueError(answer["error"])
            except (OSError, ValueError, TypeError, KeyError) as error:  # it has ended, or has sent something else
                self.end()
                raise _failure(label, seconds if deadline.passed else None) from error
        if "error" in answer:
            raise ImageError(str(answer["error"]), **{"label": label, **answer["values"]})
        for warning in answer["warnings"]:
            log.warning("%s", warning)
        return result

    def picture(self, size: tuple[int, int]) -> Image.Image:
        """The picture of this size that follows an answer."""
        return joined(size, self._strips(*size))

    def _strips(self, width: int, height: int) -> Iterator[Image.Image]:
        lines = max(1, _STRIP_BYTES // (3 * width))
        for top in range(0, height, lines):
            size = width, min(lines, height - top)
            yield Image.frombytes("RGB", size, self._answers.read(3 * size[0] * size[1]))

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            try:
                pipe.close()
            except OSError:  # what was still to be sent
                log.debug("A worker ended before it had read a picture.")


class _Deadline:
    """Ends a worker if the block takes longer than `seconds`; what reads from it then gets nothing more."""

    def __init__(self, worker: _Worker, seconds: float) -> None:
        self._process, self._lock = worker._process, threading.Lock()
        self.passed = self._over = False
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True
        if self.passed:
            self._process.wait()  # so that no one takes it for a running one

    def _expire(self) -> None:
        with self._lock:
            if not self._over:
                self.passed = True
                self._process.kill()


def _failure(label: str, seconds: float | None) -> ImageError:
    """The error of a picture that has ended a worker; `seconds`: the time limit, if that was passed."""
    if seconds is None:
        return ImageError("{label} makes its decoder fail. Save it again, as JPEG or PNG.", label=label)
    return ImageError(
        "{label} takes more than {seconds:.0f} s to open. Save a smaller copy of it, or save it as JPEG.",
        label=label,
        seconds=seconds,
    )


_pool = WorkerPool()


def worker_pool() -> WorkerPool:
    """The pool of this process."""
    return _pool


def _renew() -> None:
    """In a forked process, give up the workers, which are those of its parent."""
    global _pool
    _pool = WorkerPool()


atexit.register(lambda: _pool.close())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
