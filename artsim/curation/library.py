"""Library: the user's own collections in `CACHE/collections/own`, and which of them the app opens.

The app may be started on a collection that it cannot or must not write to: the embedded default, which is rebuilt when
artsim changes; one from the Hub; a read-only folder. The first change then makes a copy in the library. Later starts open
the copy instead, until the user goes back.
"""

from __future__ import annotations

import json
import logging
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from artsim.errors import CollectionError
from artsim.files.atomic import write_atomically, writing
from artsim.storage.manifest import FILE_NAME, first_problem, read_manifest

log = logging.getLogger(__name__)

_LONGEST_NAME = 40


@dataclass(frozen=True)
class OwnCollection:
    """A collection in the library. `name` is that of its folder; `problem` is why it cannot be opened, if so."""

    name: str
    title: str
    works: int
    problem: str = ""


class Library:
    """`requested` is the collection that the app was started with: a folder or Hub id, None for the default."""

    def __init__(self, cache: Path) -> None:
        self.home = cache / "collections" / "own"
        self._choices = self.home / "opened.json"

    def folder(self, name: str) -> Path:
        """The folder of a collection. Raises `CollectionError` for an invalid name."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
            raise CollectionError("There is no own collection {name!r}.", name=name)
        return self.home / name

    def collections(self) -> list[OwnCollection]:
        """All collections, by title."""
        own = [_described(path.parent) for path in self.home.glob(f"*/{FILE_NAME}") if path.parent.name[0] != "."]
        return sorted(own, key=lambda item: item.title.casefold())

    def free_name(self, title: str) -> str:
        """An unused folder name for a new collection of that title."""
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_NAME].strip("-") or "collection"
        name, number = base, 1
        while (self.home / name).exists():
            number += 1
            name = f"{base}-{number}"
        return name

    def opened(self, requested: str | None) -> str | None:
        """The name of the own collection that is opened in place of `requested`, else None."""
        name = self._read().get(requested or "")
        return name if name is not None and (self.home / name / FILE_NAME).is_file() else None

    def open(self, requested: str | None, name: str | None) -> None:
        """From now on, open `name` in place of `requested`; None goes back to `requested`. Nothing is deleted."""
        choices = {key: value for key, value in self._read().items() if key != (requested or "")}
        if name is not None:
            if not (self.folder(name) / FILE_NAME).is_file():
                raise CollectionError("There is no own collection {name!r}.", name=name)
            choices[requested or ""] = name
        with writing(self.home):
            self.home.mkdir(parents=True, exist_ok=True)
        write_atomically(self._choices, json.dumps(choices, indent=2, ensure_ascii=False) + "\n")

    def _read(self) -> dict[str, str]:
        """What is opened in place of what, as `open` wrote it: requested collection -> name of an own one."""
        try:
            return TypeAdapter(dict[str, str]).validate_json(self._choices.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning(
                "%s cannot be read (%s); the requested collection is opened.", self._choices, first_problem(error)
            )
            return {}


def is_writable(folder: Path) -> bool:
    """Whether a collection can be saved to `folder`: it is replaced as a whole, so the parent must be writable, too."""
    return os.access(folder, os.W_OK) and os.access(folder.resolve().parent, os.W_OK)


def _described(folder: Path) -> OwnCollection:
    try:
        manifest = read_manifest(folder)
    except CollectionError as error:
        return OwnCollection(folder.name, folder.name, 0, error.message)
    return OwnCollection(folder.name, manifest.title, manifest.rows)
