"""The files of a folder: pictures, told by their content, tables, and everything else, by kind."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from artsim.images.formats import FORMATS
from artsim.images.other_files import HEAD, FileKind, kind_of_file, opens_as_picture
from artsim.sources.protocol import LeftOut
from artsim.sources.tables import is_metadata

_SYSTEM_FILES = frozenset(("thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"))
_SYSTEM_STARTS = ("._", ".ds_store", ".localized", ".directory")
_SYSTEM_FOLDERS = frozenset(("__macosx", "@eadir", "$recycle.bin", "system volume information"))

_SYSTEM = FileKind("file of the operating system")
_HIDDEN = FileKind("hidden file or folder", "Rename them, without the dot in front.")
_LINK = FileKind("link to a folder that is read anyway")
_NO_FILE = FileKind("neither file nor folder")


class PictureFormat(NamedTuple):
    """What the beginning of a picture file says."""

    kind: FileKind
    """One of the formats that artsim reads."""
    length: int
    """Bytes of the file."""


@dataclass
class FolderFiles:
    """Relative POSIX names of pictures and tables, sorted, and what is left out, by its kind."""

    pictures: list[str] = field(default_factory=list)
    formats: list[PictureFormat | None] = field(default_factory=list)
    """What is known of each picture; None of a file that only has the name of one."""
    tables: list[str] = field(default_factory=list)
    others: dict[FileKind, list[str]] = field(default_factory=dict)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The most frequent kind first."""
        kinds = sorted(self.others.items(), key=lambda item: (-len(item[1]), item[0].name))
        return tuple(
            LeftOut(kind.name, tuple(map(printable, names)), kind.advice, expected=kind is _SYSTEM)
            for kind, names in kinds
        )

    def leave_out(self, name: str, kind: FileKind) -> None:
        self.others.setdefault(kind, []).append(name)


def files_below(folder: Path) -> FolderFiles:
    """All files below `folder`. Links to folders are followed, unless they lead to one that is read anyway, as loops do."""
    files = FolderFiles()
    walk = _Walk(folder, files)
    for entry in sorted(walk.entries(), key=lambda entry: entry.name):
        _sort_in(entry, files)
    return files


def printable(name: str) -> str:
    """A file name as text that can be stored: bytes that are not UTF-8 become `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class _Entry:
    name: str
    path: str


class _Walk:
    """Goes through a folder: folders first and then links, so that a link gives no other names to what has its own."""

    def __init__(self, folder: Path, files: FolderFiles) -> None:
        self._root, self._files = str(folder), files
        self._seen: set[str] = set()
        self._links: list[str] = []

    def entries(self) -> Iterator[_Entry]:
        yield from self._below(self._root)
        while self._links:
            self._links.sort(reverse=True)
            link = self._links.pop()
            if os.path.realpath(link) in self._seen:
                self._files.leave_out(self._name(link), _LINK)
            else:
                yield from self._below(link)

    def _below(self, top: str) -> Iterator[_Entry]:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            self._seen.add(os.path.realpath(folder))
            try:
                with os.scandir(folder) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except OSError as error:
                self._files.leave_out(self._name(folder), _unreadable("folder", error))
                continue
            for entry in entries:
                is_folder = _is_folder(entry)
                if kind := _unwanted(entry.name, is_folder):
                    self._files.leave_out(self._name(entry.path), kind)
                elif is_folder and entry.is_symlink():
                    self._links.append(entry.path)
                elif is_folder:
                    waiting.append(entry.path)
                else:
                    yield _Entry(self._name(entry.path), entry.path)

    def _name(self, path: str) -> str:
        return path[len(self._root) :].lstrip(os.sep).replace(os.sep, "/") or "."


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: what comes of it is told when it is opened
        return False


def _unwanted(name: str, is_folder: bool) -> FileKind | None:
    """The kind of what is left out for its name alone."""
    lower = name.lower()
    if lower in (_SYSTEM_FOLDERS if is_folder else _SYSTEM_FILES) or lower.startswith(_SYSTEM_STARTS):
        return _SYSTEM
    return _HIDDEN if name.startswith(".") else None


def _sort_in(entry: _Entry, files: FolderFiles) -> None:
    if is_metadata(entry.name):
        files.tables.append(entry.name)
        return
    kind, length = _NO_FILE, 0
    try:
        if beginning := beginning_of(entry.path):
            kind, length = kind_of_file(beginning[0], entry.name), beginning[1]
    except OSError as error:
        kind = _unreadable("file", error)
    if opens_as_picture(kind, entry.name):  # or has the name of one: what is wrong with it is reported by name
        files.pictures.append(entry.name)
        files.formats.append(PictureFormat(kind, length) if kind.name in FORMATS else None)
    else:
        files.leave_out(entry.name, kind)


def beginning_of(path: str | Path) -> tuple[bytes, int] | None:
    """The first bytes of a file, `HEAD` at most, and its length; None if it is a pipe or a device. Raises `OSError`."""
    path = Path(path)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would block
        return None
    with path.open("rb", buffering=0) as file:
        return file.read(HEAD), status.st_size


def _unreadable(what: str, error: OSError) -> FileKind:
    nowhere = error.errno in (errno.ENOENT, errno.ELOOP)
    reason = "its link leads nowhere" if nowhere else error.strerror or str(error)
    return FileKind(f"{what} that cannot be read ({reason})", "Copy them again, or change the permissions.")
