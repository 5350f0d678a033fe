"""Metadata tables of a folder of pictures: a record per picture, one type per column, and what did not find each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from artsim.columns import standard_names
from artsim.errors import SourceError
from artsim.messages.message import Message
from artsim.sources.picture_names import PictureNames, key
from artsim.sources.protocol import LeftOut
from artsim.sources.table_files import TABLE_ENDINGS, file_column, read_table
from artsim.sources.table_values import ColumnType, even_value, typed_column

_SHOWN = 3

Records = dict[str, dict[str, Any]]
"""Metadata columns of each picture, by its `key`."""


def is_metadata(name: str) -> bool:
    """Whether a file is a metadata table by its name, in any capitals: metadata.csv, .tsv, .jsonl, .parquet or .xlsx."""
    path = PurePosixPath(name)
    return path.stem.lower() == "metadata" and path.suffix.lower() in TABLE_ENDINGS


@dataclass
class TableSummary:
    """What of some tables and pictures found each other, and what did not."""

    tables: int = 0
    matched: int = 0
    """Rows, and so many pictures."""
    rows_alone: list[str] = field(default_factory=list)
    """The files that rows name and that do not exist, or could be several pictures."""
    pictures_alone: list[str] = field(default_factory=list)
    """Pictures without a row; empty if there are no tables."""
    repeated: list[str] = field(default_factory=list)
    """Rows, each with its place, for a picture that has a row already."""
    left_out: list[str] = field(default_factory=list)
    """Other rows that are left out, each with its place and the reason."""
    notes: list[str] = field(default_factory=list)
    """How the tables were read where that is not obvious, as sentences."""

    def sentences(self) -> list[str]:
        """What was read, and how, for the owner; nothing without tables."""
        if not self.tables:
            return []
        told: list[str] = [Message("Rows of the tables that found their pictures: {count:,}.", count=self.matched)]
        if alone := self.pictures_alone:
            named = "; ".join(map(_in_a_line, alone[:_SHOWN])) + (", ..." if len(alone) > _SHOWN else "")
            told.append(Message("Pictures without a row: {count:,} ({names}).", count=len(alone), names=named))
        return told + self.notes

    def rows_left_out(self) -> list[LeftOut]:
        """Rows that say nothing of any work."""
        kinds = (
            (
                "row that names no picture of the folder, or several",
                self.rows_alone,
                "Correct the names of their files.",
            ),
            ("row for a picture that has a row already", self.repeated, "Join the rows, or remove one."),
            ("row that cannot be read", self.left_out, "Correct them."),
        )
        return [LeftOut(kind, tuple(map(_in_a_line, rows)), advice) for kind, rows, advice in kinds if rows]


def _in_a_line(name: str) -> str:
    """A file name, which may have any characters and bytes, as text in one line."""
    return " ".join(name.encode("utf-8", "backslashreplace").decode().split())[:200]


@dataclass(frozen=True)
class Metadata:
    """`records`: the columns of each picture; `features`: the `datasets` features of all columns."""

    records: Records
    features: dict[str, Any]
    summary: TableSummary


def read_metadata(
    folder: Path, names: Sequence[str], pictures: Sequence[str], *, types: Mapping[str, ColumnType] | None = None
) -> Metadata:
    """The metadata tables `names` below `folder`, for its `pictures`, as `MetadataReader` reads them.

    `SourceError` names a file that cannot be read, and a column of `types` that no table has.
    """
    reader = MetadataReader(pictures, types=types)
    for name in names:
        reader.read(folder / name, name)
    return reader.metadata()


class MetadataReader:
    """Reads tables about `pictures` one after the other; types are found when all values of a column are known.

    Of two rows for one picture, the first is kept. `types` decides the types of columns.
    """

    def __init__(self, pictures: Sequence[str], *, types: Mapping[str, ColumnType] | None = None) -> None:
        self._pictures, self._names, self._types = pictures, PictureNames(pictures), types or {}
        self._records: Records = {}
        self._columns: dict[str, bool] = {}
        """Each column: whether it comes from texts in all tables."""
        self._objects: dict[str, list[str]] = defaultdict(list)
        """The rows of each column whose values are objects, which are not kept."""
        self._summary = TableSummary()

    def read(self, path: Path, name: str) -> None:
        """Read the table at `path`. Its rows name pictures from the folder of `name` on. `SourceError` if it is none."""
        table = read_table(path, name)
        self._summary.tables += 1
        files = file_column(table.columns)
        assert files is not None
        for column in table.columns:
            if column not in (files, "image", "file_name"):
                self._columns[column] = self._columns.get(column, True) and table.written
        self._summary.left_out += table.left_out
        self._summary.notes += table.notes
        for where, values in table.rows:
            row = dict(zip(table.columns, values, strict=True))
            picture = self._picture(row[files], name, where)
            if picture is not None:
                self._records[picture] = {
                    column: self._even(column, value, f"{name}, {where}")
                    for column, value in row.items()
                    if column in self._columns
                }

    def _picture(self, file: Any, name: str, where: str) -> str | None:
        """The key of the picture of a row; None if the row is left out, which is told."""
        file = file.get("path") if isinstance(file, dict) else file
        if not isinstance(file, str) or not file.strip():
            self._summary.left_out.append(f"{name}, {where}: no file name")
            return None
        found = self._names.find(file, PurePosixPath(name).parent.as_posix())
        if len(found) != 1:
            self._summary.rows_alone.append(f"{file} ({len(found)} pictures)" if found else file)
            return None
        picture = key(found[0])
        if picture in self._records:
            self._summary.repeated.append(f"{name}, {where}: {file}")
            return None
        self._summary.matched += 1
        return picture

    def _even(self, column: str, value: Any, where: str) -> Any:
        try:
            return even_value(value)
        except TypeError:
            self._objects[column].append(where)
            return None

    def metadata(self) -> Metadata:
        """What all tables say. `SourceError` for a column of `types` that none has."""
        features: dict[str, Any] = {}
        typed: dict[str, dict[str, Any]] = defaultdict(dict)
        wanted = self._wanted()
        for column, written in self._columns.items():
            values = [record.get(column) for record in self._records.values()]
            if objects := self._objects[column]:
                if all(value is None for value in values):
                    self._summary.notes.append(
                        Message(
                            "The column {column} is left out: its values are neither texts nor numbers.", column=column
                        )
                    )
                    continue
                self._summary.notes.append(
                    Message(
                        "The column {column} loses {count:,} values that are neither texts nor numbers ({row}).",
                        column=column,
                        count=len(objects),
                        row=objects[0],
                    )
                )
            features[column], values, lost = typed_column(column, values, written=written, wanted=wanted.get(column))
            if lost:
                self._summary.notes.append(f"The column {column} loses {lost:,} values that are no numbers.")
            for picture, value in zip(self._records, values, strict=True):
                typed[picture][column] = value
        if self._summary.tables:
            self._summary.pictures_alone += [name for name in self._pictures if key(name) not in self._records]
        kept = {picture: {c: v for c, v in typed[picture].items() if v is not None} for picture in self._records}
        return Metadata(kept, features, self._summary)

    def _wanted(self) -> dict[str, ColumnType]:
        """The types that the owner decides, by column: named as in the table, or as artsim names it."""
        wanted = {}
        for name, column_type in self._types.items():
            column = name if name in self._columns else standard_names([name])[0]
            if column not in self._columns:
                raise SourceError(
                    "The tables have no column {column}; they have {columns}.", column=name, columns=list(self._columns)
                )
            wanted[column] = column_type
        return wanted
