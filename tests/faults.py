"""Faults at any file operation of a save: the process is killed, a write fails, or the power fails.

All operations pass `artsim.files.disk`. `FaultyDisk` takes their place, counts them, lets one of them fail, and follows
which content and which names are synced, so that a folder can be made as a power failure may leave it.
"""

from __future__ import annotations

import errno
import io
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from artsim.errors import CollectionError
from artsim.files import disk

KILL, NO_SPACE, IO_ERROR = "kill", "no space", "io error"
OPERATIONS = ("create", "sync", "sync_folder", "rename", "link", "remove", "make_folder", "remove_folder")
FAULTS = (KILL, NO_SPACE, IO_ERROR)
_ERRORS = {NO_SPACE: errno.ENOSPC, IO_ERROR: errno.EIO}


class Killed(BaseException):
    """The process ends here: nothing that follows is done."""


@dataclass(eq=False)
class _File:
    synced: bytes = b""
    written: bytes = b""


@dataclass(eq=False)
class _Folder:
    names: dict[str, Any] = field(default_factory=dict)
    synced: dict[str, Any] = field(default_factory=dict)


class FaultyDisk:
    """The operations of `artsim.files.disk` below `root`; the one with number `at` (from 0) fails, by `fault`."""

    def __init__(self, root: Path, fault: str = KILL, at: int | None = None) -> None:
        self.root, self.fault, self.at = root.resolve(), fault, at
        self.count = 0
        self.log: list[str] = []
        self._killed = False
        self._tree = _read(self.root)

    def step(self, what: str, path: Path) -> None:
        """Count an operation, or fail."""
        if self._killed:
            raise Killed
        number, self.count = self.count, self.count + 1
        self.log.append(f"{what} {path.name}")
        if number == self.at:
            if self.fault == KILL:
                self._killed = True
                raise Killed
            raise OSError(_ERRORS[self.fault], os.strerror(_ERRORS[self.fault]))

    # --- The operations -----------------------------------------------------------------------------------------------

    def create(self, path: Path) -> Any:
        self.step("create", path)
        file = _WatchedFile(path, self)
        folder, name = self._place(path)
        file.node = folder.names[name] = _File()
        return file

    def sync(self, file: Any) -> None:
        self.step("sync", file.path)
        file.node.synced = file.node.written

    def sync_folder(self, path: Path) -> None:
        self.step("sync_folder", path)
        if (folder := self._folder(path)) is not None:
            folder.synced = dict(folder.names)

    def rename(self, old: Path, new: Path) -> None:
        self.step("rename", new)
        old.replace(new)
        (source, before), (target, after) = self._place(old), self._place(new)
        target.names[after] = source.names.pop(before)

    def link(self, old: Path, new: Path) -> None:
        self.step("link", new)
        new.hardlink_to(old)
        (source, before), (target, after) = self._place(old), self._place(new)
        target.names[after] = source.names[before]

    def remove(self, path: Path) -> None:
        self.step("remove", path)
        path.unlink(missing_ok=True)
        folder, name = self._place(path)
        folder.names.pop(name, None)

    def make_folder(self, path: Path) -> None:
        self.step("make_folder", path)
        path.mkdir(exist_ok=True)
        folder, name = self._place(path)
        folder.names.setdefault(name, _Folder())

    def remove_folder(self, path: Path) -> None:
        self.step("remove_folder", path)
        path.rmdir()
        folder, name = self._place(path)
        folder.names.pop(name, None)

    # --- After a power failure ----------------------------------------------------------------------------------------

    def after_power_failure(self, folder: Path, seed: int) -> None:
        """Make `root` in `folder` as it may be found. Seed 0: nothing unsynced survived; 1: every name, no content."""
        rng = random.Random(seed)
        survives = {0: lambda: False, 1: lambda: True}.get(seed, lambda: rng.random() < 0.5)

        def write(node: Any, path: Path) -> None:
            if isinstance(node, _File):
                more = node.written[len(node.synced) :] if node.written.startswith(node.synced) else b""
                path.write_bytes(node.synced + (more[: len(more) // 2] if seed > 1 and survives() else b""))
                return
            path.mkdir()
            names = dict(node.synced)
            for name in sorted({*node.names, *node.synced}):
                if node.names.get(name) is not node.synced.get(name) and survives():
                    names[name] = node.names.get(name)
            for name, child in names.items():
                if child is not None:
                    write(child, path / name)

        shutil.rmtree(folder, ignore_errors=True)
        write(self._tree, folder)

    def _folder(self, path: Path) -> _Folder | None:
        """The folder at `path`; None outside `root`."""
        path = path.resolve()
        if not path.is_relative_to(self.root):
            return None
        node = self._tree
        for name in path.relative_to(self.root).parts:
            node = node.names.setdefault(name, _Folder())
        return node

    def _place(self, path: Path) -> tuple[_Folder, str]:
        folder = self._folder(path.parent)
        return (_Folder({path.name: None}) if folder is None else folder), path.name


class _WatchedFile(io.FileIO):
    """A file whose writes count as operations."""

    def __init__(self, path: Path, watched: FaultyDisk) -> None:
        super().__init__(path, "w+")
        self.path, self.node = path, _File()
        self._disk = watched

    def write(self, data: Any) -> int:
        content = bytes(data)
        try:
            self._disk.step("write", self.path)
        except (Killed, OSError):
            self.node.written += content[: len(content) // 2]
            super().write(content[: len(content) // 2])
            raise
        self.node.written += content
        return super().write(content)


@contextmanager
def faulty(root: Path, fault: str = KILL, at: int | None = None) -> Iterator[FaultyDisk]:
    """Let the operation `at` below `root` fail; None: none, all are counted."""
    watched = FaultyDisk(root, fault, at)
    with ExitStack() as patches:
        for name in OPERATIONS:
            patches.enter_context(mock.patch.object(disk, name, getattr(watched, name)))
        yield watched


Operation = Callable[[Path], object]
"""Changes what is below a folder."""


def every_fault(
    before: Path, operation: Operation, state_of: Callable[[Path], str], scratch: Path, *, steps: int | None = None
) -> int:
    """Let `operation` fail at each of its file operations (or at `steps` of them, spread), in every way.

    `before` is the folder that it begins with, copied each time; `state_of` opens what is left and says "old" or "new", or
    raises. An operation that returned must have left "new", one that is repeated after a fault as well. Returns the
    number of file operations.
    """
    work = scratch / "work"

    def begin() -> Path:
        shutil.rmtree(work, ignore_errors=True)
        return Path(shutil.copytree(before, work))

    assert state_of(begin()) == "old"
    with faulty(begin()) as counted:
        operation(work)
    assert state_of(work) == "new"
    total = counted.count
    chosen = range(total) if steps is None else sorted({round(i * (total - 1) / (steps - 1)) for i in range(steps)})
    for at in chosen:
        for fault in FAULTS:
            where = f"{fault} at {at} of {total}: {counted.log[at]}"
            begin()
            ended = False
            with faulty(work, fault, at) as watched:
                try:
                    operation(work)
                    ended = True
                except (Killed, CollectionError):
                    pass
            left = state_of(work)
            assert left in (("new",) if ended else ("old", "new")), where
            if fault == KILL:
                for seed in range(4):
                    lost = scratch / "lost"
                    watched.after_power_failure(lost, seed)
                    assert state_of(lost) in ("old", "new"), f"power failure {seed}, {where}"
            if left == "old":
                operation(work)
                assert state_of(work) == "new", f"repeated after {where}"
    return total


def _read(path: Path) -> Any:
    """What is on disk, all of it synced."""
    if path.is_file():
        content = path.read_bytes()
        return _File(content, content)
    names = {entry.name: _read(entry) for entry in path.iterdir()} if path.is_dir() else {}
    return _Folder(names, dict(names))
