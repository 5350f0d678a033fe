"""The file operations behind every durable write, one function each, so that tests can make any of them fail.

Call them through the module (`disk.rename(...)`): a fault is injected by replacing the function here.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO


def create(path: Path) -> BinaryIO:
    """An empty file to write and read back."""
    return path.open("w+b")


def sync(file: BinaryIO) -> None:
    """Return once the content of `file` would survive a power failure."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Return once the names in `folder` would survive a power failure."""
    if os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems sync no folders
            raise
    finally:
        os.close(descriptor)


def rename(old: Path, new: Path) -> None:
    """Rename a file; `new` is replaced."""
    old.replace(new)


def link(old: Path, new: Path) -> None:
    """Give a file a second name."""
    new.hardlink_to(old)


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    path.mkdir(exist_ok=True)


def remove_folder(path: Path) -> None:
    """Remove an empty folder."""
    path.rmdir()
