"""Generations of a collection on disk: the folder that a save writes into, the pointer to what is current, and leftovers.

A file never changes once the manifest names it. A save writes new files into a new folder `generations/NNNNNN`, and the rename
of the manifest makes them current, with the older files that it goes on naming. The holder of the lock removes the rest.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Collection
from pathlib import Path

from artsim.errors import CollectionError
from artsim.files import disk
from artsim.files.atomic import make_folders, new_file, remove_tree, writing
from artsim.files.lock import HOLDER, LOCK
from artsim.storage.manifest import FILE_NAME, FileRecord, Manifest, record_file

log = logging.getLogger(__name__)

GENERATIONS = "generations"
CHECKPOINT = "building"  # of a build into the folder
CARD = "README.md"
_OWNED = (GENERATIONS, "data", "index")  # folders in which nothing but the files of the manifest stays


class Generation:
    """The new files of one save into `target`; its folder is made with the first of them."""

    def __init__(self, target: Path, number: int) -> None:
        self.target, self.number = target, number
        self._folder = target / GENERATIONS / f"{number:06d}"
        self._names: list[str] = []

    @property
    def folder(self) -> Path:
        make_folders(self._folder)
        return self._folder

    def add(self, path: Path) -> str:
        """Note a file that was written; returns its name in the manifest."""
        self._names.append(path.relative_to(self.target).as_posix())
        return self._names[-1]

    def take_over(self, path: Path, name: str) -> str:
        """Give a durable file that never changes a second name here; where the disk has no such names, copy it."""
        new = self.folder / name
        try:
            disk.link(path, new)
        except OSError as error:
            log.info("%s is copied, as it cannot be linked (%s).", path, error)
            with path.open("rb") as file, new_file(new) as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
        return self.add(new)

    def sealed(self) -> dict[str, FileRecord]:
        """Make the names of all files durable; returns their sizes and hashes."""
        if self._names:
            with writing(self._folder):
                disk.sync_folder(self._folder)
        return {name: record_file(self.target / name) for name in self._names}


def pointer_of(folder: Path) -> str | None:
    """The sha256 of the manifest file in `folder`; None if there is none."""
    try:
        return hashlib.sha256((folder / FILE_NAME).read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CollectionError(
            "{path} cannot be read ({reason}).", path=folder / FILE_NAME, reason=str(error)
        ) from error


def next_number(folder: Path, current: Manifest | None) -> int:
    """The number of the next generation: one that no folder has, not even one that could not be removed."""
    taken = [int(entry.name) for entry in (folder / GENERATIONS).glob("*") if entry.name.isdecimal()]
    return 1 + max([0 if current is None else current.generation, *taken])


def check_target(target: Path) -> None:
    """Raises `CollectionError` if `target` holds anything but a collection or the rest of a save: it is never overwritten."""
    if not target.is_dir():
        occupied = target.exists()
    else:
        own = {GENERATIONS, CHECKPOINT, LOCK, HOLDER}
        if any((target / name).exists() for name in (GENERATIONS, LOCK)):
            own.add(CARD)  # is written before the first manifest
        others = [entry for entry in target.iterdir() if entry.name not in own and not _is_temporary(entry)]
        occupied = bool(others) and not (target / FILE_NAME).is_file()
    if occupied:
        raise CollectionError(f"{target} exists and is not a collection; it is left as it is. Give another folder.")


def clear_leftovers(folder: Path, current: Manifest | None) -> None:
    """Remove files that `current` does not name: those of killed saves and of older generations. Only for the lock's holder."""
    named = set() if current is None else set(current.files)
    for owned in (GENERATIONS,) if current is None else _OWNED:
        clear_unnamed(folder / owned, folder, named)
    for entry in folder.iterdir():
        if _is_temporary(entry):
            remove_tree(entry)


def clear_unnamed(entry: Path, folder: Path, named: Collection[str]) -> None:
    """Remove what is not named at or below `entry`, and folders that hold nothing then."""
    name = entry.relative_to(folder).as_posix()
    if entry.is_dir() and not entry.is_symlink() and any(other.startswith(f"{name}/") for other in named):
        for below in sorted(entry.iterdir()):
            clear_unnamed(below, folder, named)
    elif name not in named and (entry.exists() or entry.is_symlink()):
        remove_tree(entry)


def _is_temporary(path: Path) -> bool:
    """Whether a file is what a killed process left of writing the manifest or the card."""
    return path.suffix == ".tmp" and path.name.startswith((f".{FILE_NAME}.", f".{CARD}."))
