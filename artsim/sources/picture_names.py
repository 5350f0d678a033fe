"""Matches the files that tables name with the pictures of a folder: a table is often written on another machine.

Nothing is opened: a name only ever stands for a picture that was found in the folder.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath


def key(name: str) -> str:
    """The lookup key of a file name, normalized: macOS writes `é` as two characters, people as one."""
    return unicodedata.normalize("NFC", name)


def plain_path(text: str) -> str:
    """A path as text in one form: `.\\sub\\a.jpg` as `sub/a.jpg`."""
    path = key(text.strip()).replace("\\", "/")
    return PurePosixPath(path).as_posix() if path else ""


class PictureNames:
    """The pictures below a folder, by their relative names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._exact = {key(name): name for name in names}
        self._files: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        """By the file name in lower case: the parts of each path, in lower case, and the name."""
        for name in self._exact.values():
            parts = _parts(name)
            self._files.setdefault(parts[-1], []).append((parts, name))

    def find(self, text: str, folder: str) -> list[str]:
        """The pictures that a table in `folder` (relative, "" or "." for the top) can mean by `text`: one, if it is clear.

        First, the very name, below `folder` or the top; then in other capitals; then where one path ends as the other does:
        an absolute path, one of another machine, or a file name alone.
        """
        path = plain_path(text)
        if not path:
            return []
        below = PurePosixPath(folder, path).as_posix() if folder not in ("", ".") else path
        for exact in (below, path):
            if exact in self._exact:
                return [self._exact[exact]]
        for wanted in (_parts(below), _parts(path)):
            same = [name for parts, name in self._files.get(wanted[-1], ()) if parts == wanted]
            if same:
                return same
        wanted = _parts(path)
        ends = [
            (min(len(parts), len(wanted)), name)
            for parts, name in self._files.get(wanted[-1], ())
            if parts[-len(wanted) :] == wanted or wanted[-len(parts) :] == parts
        ]
        longest = max((length for length, _ in ends), default=0)
        return [name for length, name in ends if length == longest]


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in key(path).casefold().split("/") if part not in ("", "."))
