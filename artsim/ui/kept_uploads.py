"""The pictures that visitors search with, on disk: how many are kept, for how long, and that none is left behind.

Each run of the app has a folder of its own, which is removed when it stops. Folders of runs that were killed are removed at
the next start.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from time import monotonic

from filelock import FileLock, Timeout

from artsim.files.atomic import make_folders, remove_tree

MOST_OF_ONE = 200_000_000
"""Bytes that are kept of one visitor's uploads; the oldest go first."""
MOST = 2_000_000_000
"""Bytes that are kept of all uploads."""
KEPT = 3600.0
"""Seconds that an upload is kept."""
_INTERVAL = 600.0  # seconds between two looks for older ones

visitor: ContextVar[str] = ContextVar("visitor", default="")
"""The network address that the current request came from."""


class KeptUploads:
    """Uploads by visitor. Each is a folder of its own, the same one for all visitors who upload the same picture."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, Path], tuple[int, float]] = OrderedDict()
        """(visitor, folder) -> bytes and time of the upload, the oldest first."""

    def note(self, folder: Path, size: int) -> None:
        """Remember an upload of the current visitor, and remove older ones that are too many."""
        with self._lock:
            who = visitor.get()
            self._kept.pop((who, folder), None)
            self._kept[who, folder] = (size, monotonic())
            while sum(size for (one, _), (size, _) in self._kept.items() if one == who) > MOST_OF_ONE:
                self._remove(next(key for key in self._kept if key[0] == who))
            while sum(size for size, _ in self._kept.values()) > MOST:
                self._remove(next(iter(self._kept)))

    def remove_old(self) -> None:
        """Remove those that have been kept long enough."""
        with self._lock:
            for key in [key for key, (_, time) in self._kept.items() if time <= monotonic() - KEPT]:
                self._remove(key)

    def _remove(self, key: tuple[str, Path]) -> None:
        del self._kept[key]
        if all(folder != key[1] for _, folder in self._kept):
            remove_tree(key[1])


kept_uploads = KeptUploads()
"""Those of this process."""


@contextmanager
def own_folder(base: Path) -> Iterator[Path]:
    """The folder of this run's uploads in `base`, until the block ends. Removes those of runs that are over."""
    make_folders(base)
    name = f"run-{uuid.uuid4().hex}"
    lock = FileLock(base / f"{name}.lock")
    with FileLock(base / ".lock"):
        _remove_others(base)
        lock.acquire()
        (base / name).mkdir()
    over = threading.Event()
    threading.Thread(target=_keep_removing, args=(over,), name="uploads", daemon=True).start()
    try:
        yield base / name
    finally:
        over.set()
        remove_tree(base / name)
        lock.release()
        (base / f"{name}.lock").unlink(missing_ok=True)


def _keep_removing(over: threading.Event) -> None:
    while not over.wait(_INTERVAL):
        kept_uploads.remove_old()


def _remove_others(base: Path) -> None:
    """Remove the folders whose locks nobody holds."""
    for lock_file in base.glob("run-*.lock"):
        try:
            with FileLock(lock_file, timeout=0):
                remove_tree(lock_file.with_suffix(""))
        except Timeout:  # of an app that runs
            continue
        lock_file.unlink(missing_ok=True)
