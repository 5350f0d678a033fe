"""Files that a browser sends, on disk until they are in a collection: bounded, under names of our own, never trusted.

Each lot has a folder in `CACHE/incoming`. Pictures lie there as numbers; tables of metadata keep their relative path,
cleaned, so that `artsim.sources.tables` finds what belongs together.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from artsim.columns import kind_of, read_value, write_value
from artsim.errors import ArtsimError, QueryError, SourceError
from artsim.images.decode import EXTENSIONS
from artsim.messages.message import Message
from artsim.sources.folder import readable_name
from artsim.sources.tables import Records, key, read_metadata
from artsim.storage.shards import writing

MOST_FILES = 20_000  # of one lot
MOST_BYTES = 50_000_000_000
_KEPT_FREE = 1_000_000_000  # bytes of the disk that stay free
_LONGEST_NAME = 250
_STALE = 86_400  # seconds after which a folder that a killed process left is removed
_TABLES = (".csv", ".jsonl")


class UploadTooLarge(ArtsimError):
    """There is no room for what is sent."""


def clean_name(name: str) -> str:
    """A path that was sent, as text for people and ids: relative, no `..`, no control characters, not too long."""
    text = unicodedata.normalize("NFC", name.replace("\\", "/"))
    parts = ["".join(letter for letter in part if letter.isprintable()).strip() for part in text.split("/")]
    return "/".join(part for part in parts if part not in ("", ".", ".."))[-_LONGEST_NAME:].lstrip("/") or "picture"


def is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in EXTENSIONS


def is_table(name: str) -> bool:
    return Path(name).suffix.lower() in _TABLES


class UploadFolder:
    """The folder of one lot. Safe to use from several threads."""

    def __init__(self, cache: Path) -> None:
        home = cache / "incoming"
        with writing(home):
            home.mkdir(parents=True, exist_ok=True)
            _clear_stale(home)
            self.folder = Path(tempfile.mkdtemp(prefix="lot-", dir=home))
        self._lock = threading.Lock()
        self._bytes = self._files = 0
        self._tables: list[str] = []

    def place(self, name: str, size: int) -> Path:
        """Where a file of `size` bytes may be written. `TooMuch` says why not."""
        with self._lock:
            free = shutil.disk_usage(self.folder).free
            if self._files >= MOST_FILES:
                raise UploadTooLarge(
                    "At most {most:,} files can be added at once; add the rest afterwards.", most=MOST_FILES
                )
            if self._bytes + size > MOST_BYTES:
                raise UploadTooLarge(
                    "At most {limit} GB can be added at once; add the rest afterwards.", limit=MOST_BYTES // 10**9
                )
            if free - size < _KEPT_FREE:
                raise UploadTooLarge(
                    "The disk of {folder} is nearly full; make room, then add the rest.", folder=self.folder.parent
                )
            self._files, self._bytes = self._files + 1, self._bytes + size
            if not is_table(name):
                return self.folder / str(self._files)
            path = self.folder / "tables" / str(self._files) / clean_name(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._tables.append(path.relative_to(self.folder).as_posix())
            return path

    def records(self) -> tuple[Records, Mapping[str, Any], list[str]]:
        """What the tables that have come in say of each file, their columns, and what is wrong with them, as sentences."""
        records: Records = {}
        features: dict[str, Any] = {}
        problems: list[str] = []
        for table in self._tables:
            base, name = self.folder / "/".join(table.split("/")[:2]), "/".join(table.split("/")[2:])
            try:
                found, columns = read_metadata(base, [name])
            except SourceError as error:
                problems.append(_without(base, error.message))
                continue
            records |= found
            features |= columns
        return records, features, problems

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class UploadMetadata:
    """The columns of each new work: what the tables say, as far as the collection has such columns."""

    def __init__(self, records: Records, schema: pa.Schema) -> None:
        """`schema`: the metadata columns of the collection."""
        self._records, self._schema = records, schema

    def of(self, name: str) -> tuple[dict[str, Any], Sequence[str]]:
        """Columns, and what of the metadata is left out, as sentences."""
        values: dict[str, Any] = {}
        notes = []
        for column, value in self._records.get(key(name), {}).items():
            if value is None or column == "sha256":
                continue
            if column not in self._schema.names:
                notes.append(
                    Message("This collection has no column {name}: what the table says there is left out.", name=column)
                )
                continue
            kind = self._schema.field(column).type
            if kind_of(kind) is None:
                notes.append(Message("The column {column} cannot be filled from a table here.", column=column))
                continue
            try:
                values[column] = read_value(write_value(value), kind, column)
            except QueryError as error:
                notes.append(Message("{name}: {problem}", name=name, problem=error.message))
        if "title" in self._schema.names and not values.get("title"):
            values["title"] = readable_name(name)
        return values, notes


def _without(base: Path, problem: Message) -> Message:
    """The sentence without the folder that a table lies in here: whoever sent it knows it by its name."""
    said = {name: str(value).replace(f"{base}/", "") for name, value in problem.values.items()}
    return Message(problem.template, **said)


def _clear_stale(home: Path) -> None:
    for folder in home.glob("lot-*"):
        try:
            stale = time.time() - folder.stat().st_mtime > _STALE
        except FileNotFoundError:  # another process was faster
            continue
        if stale:
            shutil.rmtree(folder, ignore_errors=True)
