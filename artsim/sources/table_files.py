"""Reads one table as people save it: CSV of any separator and encoding, JSON lines, parquet, spreadsheets.

Nothing is made of the values here: those of CSV are texts, those of the others what the file says.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from zipfile import ZipFile

from artsim.columns import plain_name, standard_names
from artsim.errors import SourceError
from artsim.messages.message import Message
from artsim.sources.json_text import read_json

FILE_COLUMNS = (
    "file_name", "filename", "file", "image", "path", "dateiname", "datei", "bilddatei", "nom_de_fichier", "nom_du_fichier",
    "fichier", "nombre_de_archivo", "archivo", "fichero", "ファイル名", "ファイル", "文件名", "文件",
)  # fmt: skip
"""What tables call the column of picture files, most likely first, as `plain_name` spells it."""
_SEPARATORS = (",", ";", "\t")
_END = "\0end of the table"  # a row of our own: a quotation mark that is never closed swallows it


@dataclass(frozen=True)
class Table:
    """`rows`: where each stands in the file, and its values, one for each of `columns`."""

    columns: list[str]
    """Unique names."""
    rows: list[tuple[str, list[Any]]]
    written: bool
    """Whether all values are texts, so that the texts say what is a number."""
    left_out: list[str] = field(default_factory=list)
    """Rows that are left out, each with the reason."""
    notes: list[str] = field(default_factory=list)
    """How the file was read where that is not obvious, as sentences."""


def read_table(path: Path, name: str) -> Table:
    """The table in the file at `path`, which people know as `name`; its ending says how it is read.

    Raises `SourceError` where it is none.
    """
    try:
        table = _READERS[PurePosixPath(name).suffix.lower()](path, name)
    except (OSError, ValueError, TypeError, OverflowError, KeyError, csv.Error, ImportError) as error:
        reason = " ".join(str(error).split())[:300]
        raise SourceError("{table} cannot be read as a table ({reason}).", table=name, reason=reason) from error
    if file_column(table.columns) is None:
        raise SourceError(
            "{table} has no column file_name; its columns are {columns}. Rename the one with the names of the picture files.",
            table=name,
            columns=table.columns,
        )
    return table


def file_column(columns: Sequence[str]) -> str | None:
    """The column of picture files; None if there is none."""
    plain = {plain_name(column): column for column in reversed(columns)}
    return next((plain[name] for name in FILE_COLUMNS if name in plain), None)


def _read_csv(path: Path, name: str, separators: Sequence[str] = _SEPARATORS) -> Table:
    text, encoding = _decoded(path.read_bytes())
    notes: list[str] = []
    if encoding != "UTF-8":
        notes.append(Message("{table} is not UTF-8; it was read as {encoding}.", table=name, encoding=encoding))
    if told := re.match(r'"?sep=(.)"?\r?\n', text, re.IGNORECASE):  # as Excel writes it
        separators, text = (told[1],), text[told.end() :]
    if not text.strip():
        raise ValueError("it is empty")
    lines = _csv_rows(text, _separator(text, separators))
    if not lines:
        raise ValueError("it is empty")
    (_, header), *body = lines
    return _table(name, header, [(f"line {number}", values) for number, values in body], notes, written=True)


def _decoded(data: bytes) -> tuple[str, str]:
    """The text of a file, and its encoding: UTF-8, UTF-16 with or without a mark, else what Windows writes in the West."""
    head = data[:4000]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16"), "UTF-16"
    if head.count(0) > len(head) // 4:  # every second byte of Latin letters
        big = head[0::2].count(0) > head[1::2].count(0)
        return data.decode("utf-16-be" if big else "utf-16-le"), "UTF-16"
    try:
        return data.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        try:
            return data.decode("cp1252"), "Windows-1252 (Latin-1)"
        except UnicodeDecodeError:
            return data.decode("latin-1"), "Latin-1"


def _separator(text: str, separators: Sequence[str]) -> str:
    """The separator that makes a file column of the first line; of several, or none, the one that makes most columns."""
    first = next(line for line in text.splitlines() if line.strip())

    def merit(separator: str) -> tuple[bool, int]:
        names = standard_names(_clean_name(name) for name in next(csv.reader([first], delimiter=separator)))
        return file_column(names) is not None, len(names)

    return max(separators, key=merit)


def _csv_rows(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of its first line. `ValueError` for a quotation mark without an end."""
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(
        io.StringIO(text.rstrip("\r\n") + f"\n{_END}\n", newline=""), delimiter=separator, skipinitialspace=True
    )
    rows: list[tuple[int, list[str]]] = []
    line = 1
    for values in reader:
        if values == [_END]:
            return rows
        if any(value.strip() for value in values):
            rows.append((line, values))
        line = reader.line_num + 1
    raise ValueError(f"a quotation mark in line {rows[-1][0]} is never closed")


def _table(
    name: str, header: Sequence[Any], lines: Sequence[tuple[str, Sequence[Any]]], notes: list[str], *, written: bool
) -> Table:
    """A table of a header and rows; rows of another length are left out, unless only empty cells are too many."""
    names = [_clean_name(title) for title in header]
    while names and not names[-1]:
        names.pop()
    kept = [place for place, title in enumerate(names) if title]
    table = Table(_unique(name, [names[place] for place in kept], notes), [], written, notes=notes)
    nameless = [
        values[place] for place, title in enumerate(names) if not title for _, values in lines if place < len(values)
    ]
    if not all(_is_count(value) for value in nameless):
        notes.append(Message("{table} has a column without a name, which is left out.", table=name))
    for where, values in lines:
        filled = list(values)
        while len(filled) > len(names) and (filled[-1] is None or not str(filled[-1]).strip()):
            filled.pop()
        if len(filled) == len(names):
            table.rows.append((where, [filled[place] for place in kept]))
        else:
            table.left_out.append(f"{name}, {where}: {len(filled)} values instead of {len(names)}")
    return table


def _clean_name(title: Any) -> str:
    """The name of a column without spaces around it; of what pandas writes for none, nothing."""
    name = " ".join(str("" if title is None else title).split())
    return "" if name.startswith("Unnamed: ") else name


def _is_count(value: Any) -> bool:
    """Whether it may be the number of a row, or nothing."""
    return value is None or not str(value).strip() or str(value).strip().isdecimal()


def _unique(table: str, names: Sequence[str], notes: list[str]) -> list[str]:
    """Standard names, the second of a pair with a number."""
    unique: list[str] = []
    for name in names:
        number, free = 2, name
        while free in unique:
            number, free = number + 1, f"{name}_{number}"
        if free != name:
            notes.append(
                Message("{table} has two columns {name}; the second is {free}.", table=table, name=name, free=free)
            )
        unique.append(free)
    return standard_names(unique)


def _read_jsonl(path: Path, name: str) -> Table:
    rows, left_out = [], []
    text, _ = _decoded(path.read_bytes())
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = read_json(line)
        except (ValueError, RecursionError):
            left_out.append(f"{name}, line {number}: not JSON")
            continue
        if isinstance(row, dict):
            rows.append((f"line {number}", row))
        else:
            left_out.append(f"{name}, line {number}: not a JSON object")
    if not rows and left_out:
        raise ValueError(left_out[0].removeprefix(f"{name}, ") + "; each line must be a JSON object")
    return _of_objects(name, rows, left_out)


def _read_parquet(path: Path, name: str) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    return _of_objects(name, [(f"row {number}", row) for number, row in enumerate(rows, start=1)], [])


def _of_objects(name: str, rows: Sequence[tuple[str, dict[str, Any]]], left_out: list[str]) -> Table:
    """A table of rows that name their values; what a row does not have is missing."""
    keys = list(dict.fromkeys(key for _, row in rows for key in row))
    lines = [(where, [row.get(key) for key in keys]) for where, row in rows]
    table = _table(name, keys, lines, [], written=False)
    return Table(table.columns, table.rows, written=False, left_out=left_out + table.left_out, notes=table.notes)


def _read_xlsx(path: Path, name: str) -> Table:
    """The first sheet. openpyxl is an extra."""
    try:
        openpyxl: Any = import_module("openpyxl")
    except ImportError as error:
        raise ImportError('spreadsheets need openpyxl: pip install "artsim[xlsx]", or save it as CSV UTF-8') from error
    with path.open("rb") as file:  # openpyxl takes no path of another ending
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        except Exception as error:  # a damaged file raises whatever its ZIP, XML or parts lead to
            raise ValueError(f"it is no spreadsheet: {error}") from error
        sheet, count = book.worksheets[0], len(book.worksheets)
        cells = [(number, list(map(_cell_value, row))) for number, row in enumerate(sheet.iter_rows(), start=1)]
        book.close()
        uncomputed = _uncomputed(openpyxl, file, cells)
    notes: list[str] = []
    if uncomputed:
        notes.append(
            Message(
                "{table} has {count:,} formulas without a result, which are missing. Open and save it in a spreadsheet program.",
                table=name,
                count=uncomputed,
            )
        )
    if count > 1:
        notes.append(
            Message("{table} has {count} sheets; only {sheet} is read.", table=name, count=count, sheet=sheet.title)
        )
    filled = [(number, row) for number, row in cells if any(cell not in (None, "") for cell in row)]
    if not filled:
        raise ValueError("it is empty")
    (_, header), *body = filled
    return _table(name, header, [(f"row {number}", row) for number, row in body], notes, written=False)


def _uncomputed(openpyxl: Any, file: BinaryIO, cells: Sequence[tuple[int, list[Any]]]) -> int:
    """How many formulas of the first sheet have no result: programs write them so, and spreadsheet programs compute them."""
    with ZipFile(file) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        if not any(re.search(rb"<f[ >/]", archive.read(name)) for name in sheets):
            return 0
    book = openpyxl.load_workbook(file, read_only=True)
    formulas = [[cell.data_type == "f" for cell in row] for row in book.worksheets[0].iter_rows()]
    book.close()
    return sum(
        formula and value is None
        for row, (_, values) in zip(formulas, cells, strict=True)
        for formula, value in zip(row, values, strict=True)
    )


def _cell_value(cell: Any) -> Any:
    """The value of a cell; a number that its format fills up with zeros (`00000`) as the text that people see."""
    value = cell.value
    if isinstance(value, int) and not isinstance(value, bool) and re.fullmatch("00+", cell.number_format or ""):
        return f"{value:0{len(cell.number_format)}}"
    return value


_READERS: dict[str, Callable[[Path, str], Table]] = {
    ".csv": _read_csv,
    ".tsv": lambda path, name: _read_csv(path, name, ("\t", ",", ";")),
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
    ".xlsx": _read_xlsx,
}
TABLE_ENDINGS = tuple(_READERS)
