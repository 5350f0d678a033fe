"""Durable writes: what is written is on disk when a function returns, and is the old or the new one whatever happens."""

from __future__ import annotations

import glob
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from artsim.errors import CollectionError
from artsim.files import disk

log = logging.getLogger(__name__)


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """An `OSError` inside this block (no space, no permission) becomes a `CollectionError` about `target`."""
    try:
        yield
    except OSError as error:
        raise CollectionError(
            "{target} cannot be written ({reason}). Make room or give another folder, and run it again.",
            target=target,
            reason=str(error.strerror or error),
        ) from error


def beside(target: Path, what: str) -> Path:
    """The hidden sibling of `target` for `what`: `.NAME.what` in the same folder."""
    target = target.resolve()  # "." has no name, and a link would be replaced instead of its target
    return target.with_name(f".{target.name}.{what}")


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """A new folder beside `target` to write into; on success it replaces `target`, else it is removed.

    A process killed between the two renames leaves the old folder as `.NAME.old`, which `recover_folder` restores.
    """
    target = target.resolve()
    old = beside(target, "old")
    with writing(target):
        old.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=beside(target, "new-").name, dir=old.parent))
        try:
            yield new
            new.chmod(0o755)
            shutil.rmtree(old, ignore_errors=True)
            if target.exists():
                target.rename(old)
            new.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            recover_folder(target)
            shutil.rmtree(new, ignore_errors=True)


def recover_folder(target: Path) -> None:
    """Restore the old folder after a replacement that was interrupted between its two renames."""
    target = target.resolve()
    old = beside(target, "old")
    if not target.exists() and old.exists():
        old.rename(target)


def clear_leftovers(target: Path) -> None:
    """Remove what killed writers left beside `target`. Call it only when no other process writes there."""
    new = beside(target, "new-")
    for folder in new.parent.glob(f"{glob.escape(new.name)}*"):
        shutil.rmtree(folder, ignore_errors=True)
    if target.exists():
        shutil.rmtree(beside(target, "old"), ignore_errors=True)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write; its content is synced when the block ends. It is removed if the block raises.

    Its name is durable after `disk.sync_folder`, once for all files of a folder.
    """
    with writing(path), _removed_on_error(path), disk.create(path) as file:
        yield file
        disk.sync(file)


@contextmanager
def replacing_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write (and read back); it replaces `path` when the block ends, and is removed if the block raises.

    Threads and processes may write the same `path`: the last one wins.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    with writing(path):
        make_folders(path.parent)
        with _removed_on_error(temporary):
            with disk.create(temporary) as file:
                yield file
                disk.sync(file)
            disk.rename(temporary, path)
        disk.sync_folder(path.parent)


@contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):  # it stays then, until somebody clears the folder
            disk.remove(path)
        raise


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file that is either the old or the new one, even after a crash. `CollectionError` when it cannot be written."""
    with replacing_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def make_folders(folder: Path) -> None:
    """Make a folder and those above it, each durable."""
    if not folder.is_dir():
        make_folders(folder.parent)
        disk.make_folder(folder)
        disk.sync_folder(folder.parent)


def remove_tree(path: Path) -> None:
    """Remove a file, or a folder with all it holds. What cannot be removed now stays, with a line in the log."""
    try:
        if path.is_dir() and not path.is_symlink():
            for entry in sorted(path.iterdir()):
                remove_tree(entry)
            disk.remove_folder(path)
        else:
            disk.remove(path)
    except OSError as error:  # as on Windows, where a file that is being read cannot be removed
        log.info("%s cannot be removed now (%s).", path, error)
