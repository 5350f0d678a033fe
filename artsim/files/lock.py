"""Locks between processes: one process at a time builds or saves in a folder."""

from __future__ import annotations

import datetime
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from artsim.errors import CollectionError
from artsim.files.atomic import beside, make_folders, writing

LOCK, HOLDER = ".lock", ".lock.json"


@contextmanager
def collection_lock(folder: Path, purpose: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the collection in `folder` for `purpose`, such as "saving it". The folder is made if it is missing.

    Raises `CollectionError` that names the holder if another process, or another thread of this one, does not let it go
    within `wait` seconds. The lock ends with its process.
    """
    with writing(folder):
        make_folders(folder)
        for name in (LOCK, HOLDER):  # a stranger's link could lead to any file here, which would be overwritten
            if (folder / name).is_symlink():
                raise CollectionError("{path} is a link, which is not followed; remove it.", path=folder / name)
        (folder / LOCK).touch()  # filelock waits for a file that it cannot create
        lock = FileLock(folder / LOCK, timeout=wait)
        try:
            lock.acquire()
        except Timeout as error:
            raise _locked(folder) from error
    try:
        with writing(folder):
            (folder / HOLDER).write_text(json.dumps(_entry(purpose)), encoding="utf-8")
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _entry(purpose: str) -> dict[str, str | int]:
    """Who holds the lock, for those who find it held."""
    since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "purpose": purpose, "since": since}


def _locked(folder: Path) -> CollectionError:
    """Says who holds the lock of `folder`."""
    try:
        entry = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        return CollectionError(
            "{folder} is locked: process {pid} on {host} has been {purpose} since {since}. Wait until that is done, or end "
            "that process.",
            folder=folder,
            pid=entry["pid"],
            host=entry["host"],
            purpose=entry["purpose"],
            since=entry["since"],
        )
    except (OSError, ValueError, TypeError, KeyError):  # it was taken this very moment
        return CollectionError("{folder} is locked: another process is writing to it. Try again later.", folder=folder)


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
            raise CollectionError("Another process is building {out} now; wait until it is done.", out=out) from error
    try:
        yield
    finally:
        lock.release()
        path.unlink(missing_ok=True)
