"""Uploaded files, on disk until they are in a collection: limited in size, stored under own names, never trusted.

Each lot of files has an upload folder in `CACHE/incoming`, where files are named by numbers. The names and beginnings of all
files are announced first: tables are read before most pictures have come, and a name in a row is clear only among all names.
"""

from __future__ import annotations

import posixpath
import shutil
import tempfile
import threading
import time
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from artsim.columns import kind_of, read_value, write_value
from artsim.errors import ArtsimError, QueryError, SourceError
from artsim.files.atomic import writing
from artsim.images.other_files import kind_of_file, opens_as_picture
from artsim.messages.message import Message
from artsim.sources.folder import readable_name
from artsim.sources.picture_names import key
from artsim.sources.table_files import TABLE_ENDINGS
from artsim.sources.tables import MetadataReader, Records, TableSummary

MOST_FILES = 20_000  # of one lot
MOST_BYTES = 50_000_000_000
_KEPT_FREE = 1_000_000_000  # bytes that stay free on the disk
_LONGEST_NAME = 250
_STALE = 86_400  # seconds after which the folder of a killed process is removed


Role = Literal["picture", "table", "other"]


class UploadTooLarge(ArtsimError):
    """An upload exceeds a limit or the free space on the disk."""

    code = "upload-too-large"


def clean_name(name: str) -> str:
    """An uploaded path, made safe as a text and an id: relative, no `..`, no control characters, not too long."""
    text = unicodedata.normalize("NFC", name.replace("\\", "/"))
    parts = ["".join(letter for letter in part if letter.isprintable()).strip() for part in text.split("/")]
    return "/".join(part for part in parts if part not in ("", ".", ".."))[-_LONGEST_NAME:].lstrip("/") or "picture"


def role_of(head: bytes, name: str) -> Role:
    """What a file is that begins with `head` (`HEAD` bytes): a picture as in a folder, by its content; a table by its name."""
    if opens_as_picture(kind_of_file(head, name), name):
        return "picture"
    return "table" if PurePosixPath(name).suffix.lower() in TABLE_ENDINGS else "other"


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
        self._pictures: dict[str, None] = {}
        self._tables: dict[str, Path] = {}  # by name

    def place(self, size: int) -> Path:
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
            return self.folder / str(self._files)

    def announce(self, name: str) -> None:
        """Register the name of a picture that is still to come: rows of tables may mean it."""
        with self._lock:
            self._pictures[name] = None

    def keep_table(self, name: str, path: Path) -> None:
        """Register a table that has arrived."""
        with self._lock:
            self._tables[name] = path

    def records(self) -> tuple[Records, Mapping[str, Any], list[str]]:
        """The records of the uploaded tables by picture, their columns, and messages about what found each other.

        Names are those below the folder that all files are in, as they are when a folder is built.
        """
        with self._lock:
            pictures, tables = tuple(self._pictures), dict(self._tables)
        top = _common_folder([*pictures, *tables])
        reader = MetadataReader([name.removeprefix(top) for name in pictures])
        problems: list[str] = []
        for name, path in tables.items():
            try:
                reader.read(path, name.removeprefix(top))
            except SourceError as error:
                problems.append(error.message)
        metadata = reader.metadata()
        records = {f"{top}{name}": record for name, record in metadata.records.items()}
        return records, metadata.features, [*problems, *_told(metadata.summary)]

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


def _common_folder(names: Sequence[str]) -> str:
    """The folder that all files are in, with a slash at its end; empty if there is none."""
    common = posixpath.commonpath([posixpath.dirname(name) for name in names] or [""])
    return f"{common}/" if common else ""


def _told(summary: TableSummary) -> list[str]:
    """What of the tables and the pictures found each other, and the first of each kind of rows that are left out."""
    told = summary.sentences()
    if rows := summary.rows_alone:
        told.append(
            Message("Rows that name none of the pictures, or several: {count:,}, such as {row}.",
                    count=len(rows), row=rows[0])
        )  # fmt: skip
    if rows := summary.repeated:
        told.append(
            Message("Rows for a picture that has a row already: {count:,}, such as {row}.",
                    count=len(rows), row=rows[0])
        )  # fmt: skip
    if rows := summary.left_out:
        told.append(
            Message("Rows of the tables that cannot be read: {count:,}, such as {row}.", count=len(rows), row=rows[0])
        )
    return told


def _clear_stale(home: Path) -> None:
    for folder in home.glob("lot-*"):
        try:
            stale = time.time() - folder.stat().st_mtime > _STALE
        except FileNotFoundError:  # another process removed it
            continue
        if stale:
            shutil.rmtree(folder, ignore_errors=True)
