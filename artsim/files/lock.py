"""A lock between processes: one build into a folder at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from artsim.errors import CollectionError
from artsim.files.atomic import beside, writing


@contextmanager
def build_lock(out: Path) -> Iterator[None]:
    """Raises `CollectionError` if another process is building into `out`. The lock ends with the process."""
    path = beside(out, "lock")
    with writing(out):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()  # filelock waits for a file that it cannot create
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise CollectionError(f"Another process is building {out} now; wait until it is done.") from error
    try:
        yield
    finally:
        lock.release()
        path.unlink(missing_ok=True)
