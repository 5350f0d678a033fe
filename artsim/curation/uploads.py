"""Uploaded files, on disk until they are in a collection: limited in size, stored under own names, never trusted.

Each lot of files has an upload folder in `CACHE/incoming`. Pictures are named by numbers; metadata tables keep their
relative path, cleaned, so that `artsim.sources.tables` can match their records to pictures.
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

from artsim.columns import kind_of, read_value, write_value
from artsim.errors import ArtsimError, QueryError, SourceError
from artsim.files.atomic import writing
from artsim.images.formats import EXTENSIONS
from artsim.messages.message import Message
from artsim.sources.folder import readable_name
from artsim.sources.picture_names import key
from artsim.sources.table_files import TABLE_ENDINGS
from artsim.sources.tables import Records, read_metadata

MOST_FILES = 20_000  # of one lot
MOST_BYTES = 50_000_000_000
_KEPT_FREE = 1_000_000_000  # bytes that stay free on the disk
_LONGEST_NAME = 250
_STALE = 86_400  # seconds after which the folder of a killed process is removed


class UploadTooLarge(ArtsimError):
    """An upload exceeds a limit or the free space on the disk."""

    code = "upload-too-large"


def clean_name(name: str) -> str:
    """An uploaded path, made safe as a text and an id: relative, no `..`, no control characters, not too long."""
    text = unicodedata.normalize("NFC", name.replace("\\", "/"))
    parts = ["".join(letter for letter in part if letter.isprintable()).strip() for part in text.split("/")]
    return "/".join(part for part in parts if part not in ("", ".", ".."))[-_LONGEST_NAME:].lstrip("/") or "picture"


def is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in EXTENSIONS


def is_table(name: str) -> bool:
    return Path(name).suffix.lower() in TABLE_ENDINGS


class UploadFolder:
    """The folder of one lot of uploaded files. Thread-safe."""

    def __init__(self, cache: Path) -> None:
        home = cache / "incoming"
        with writing(home):
            home.mkdir(parents=True, exist_ok=True)
            _clear_stale(home)
            self.folder = Path(tempfile.mkdtemp(prefix="lot-", dir=home))
        self._lock = threading.Lock()
        self._bytes = self._files = 0
        self._tables: list[tuple[Path, str]] = []  # each in a folder of its own, under its cleaned name

    def place(self, name: str, size: int) -> Path:
        """The path for a file of `size` bytes. Raises `UploadTooLarge` if it exceeds a limit."""
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
            table = self.folder / "tables" / str(self._files), clean_name(name)
            self._tables.append(table)
            path = table[0] / table[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            return path

    def records(self) -> tuple[Records, Mapping[str, Any], list[str]]:
        """The records of the uploaded tables by file, their columns, and messages about their problems."""
        records: Records = {}
        features: dict[str, Any] = {}
        problems: list[str] = []
        for base, name in self._tables:
            try:
                tables = read_metadata(base, [name])
            except SourceError as error:
                problems.append(_without_folder(base, error.message))
                continue
            records |= tables.records
            features |= tables.features
            left_out = [*tables.summary.left_out, *tables.summary.repeated]
            if left_out:
                problems.append(
                    Message(
                        "Rows of the table that are left out: {count}, such as {row}.",
                        count=len(left_out),
                        row=left_out[0],
                    )
                )
        return records, features, problems

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class UploadMetadata:
    """The metadata of new works from the uploaded tables, limited to the columns of the collection."""

    def __init__(self, records: Records, features: Mapping[str, Any]) -> None:
        """`features`: the `datasets` features of the collection's metadata columns."""
        from datasets import Features

        self._records, self._schema = records, Features(dict(features)).arrow_schema

    def of(self, name: str) -> tuple[dict[str, Any], Sequence[str]]:
        """The columns of one file, and messages about metadata that is left out."""
        values: dict[str, Any] = {}
        notes = []
        for column, value in self._records.get(key(name), {}).items():
            if value is None or column == "sha256":
                continue
            if column not in self._schema.names:
                notes.append(
                    Message("This collection has no column {name}: its values in the table are left out.", name=column)
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


def _without_folder(base: Path, problem: Message) -> Message:
    """The message without the folder that a table is stored in: the sender knows the table by its name."""
    values = {name: str(value).replace(f"{base}/", "") for name, value in problem.values.items()}
    return Message(problem.template, **values)


def _clear_stale(home: Path) -> None:
    for folder in home.glob("lot-*"):
        try:
            stale = time.time() - folder.stat().st_mtime > _STALE
        except FileNotFoundError:  # another process removed it
            continue
        if stale:
            shutil.rmtree(folder, ignore_errors=True)
