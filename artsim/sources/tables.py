"""Reads `metadata.csv` and `metadata.jsonl` of a folder of pictures: a record per picture, one type per column."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artsim.columns import COLUMNS, standard_names
from artsim.errors import SourceError

METADATA_FILES = ("metadata.csv", "metadata.jsonl")
_TEXT_COLUMNS = [name for name, column in COLUMNS.items() if column.kind == "text"]

Records = dict[str, dict[str, Any]]
"""Metadata columns of each picture, by its `key`."""


def key(name: str) -> str:
    """The lookup key of a file name, normalized: macOS writes `é` as two characters, people as one."""
    return unicodedata.normalize("NFC", name)


def read_metadata(folder: Path, names: Sequence[str]) -> tuple[Records, dict[str, Any]]:
    """The records of the metadata files `names` below `folder`, and the `datasets` features of their columns.

    A column whose type differs between files becomes text. `SourceError` names a file that cannot be read.
    """
    from datasets import Features, Value

    records: Records = {}
    features: dict[str, Any] = {}
    for name in names:
        path = folder / name
        table = _read_table(path)
        if "file_name" not in table.column_names:
            raise SourceError(
                "{path} has no column file_name; its columns are {columns}.", path=path, columns=table.column_names
            )
        table = table.rename_columns(standard_names(table.column_names))
        for column, feature in Features.from_arrow_schema(table.schema).items():
            if column not in ("file_name", "image"):
                features[column] = feature if features.get(column, feature) == feature else Value("string")
        for row in table.to_pylist():
            picture = (Path(name).parent / str(row.pop("file_name"))).as_posix()
            records[key(picture)] = {c: value for c, value in row.items() if c in features and value != ""}
    text = {column for column, feature in features.items() if feature == Value("string")}
    for record in records.values():
        record.update({c: str(record[c]) for c in text & set(record) if record[c] is not None})
    return records, features


def _read_table(path: Path) -> Any:
    import pyarrow as pa

    try:
        table = _read_csv(path) if path.suffix == ".csv" else _read_jsonl(path)
        return table.cast(pa.schema([pa.field(f.name, _kept_type(f)) for f in table.schema]))
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        raise SourceError(
            "{path} cannot be read as a table ({reason}).", path=path, reason=" ".join(str(error).split())[:300]
        ) from error


def _read_csv(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    table = csv.read_csv(
        path,
        # one block, so that types are inferred from the whole file and not from its first megabyte
        read_options=csv.ReadOptions(block_size=min(path.stat().st_size + 1, 2**31 - 1)),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            strings_can_be_null=True,
            null_values=["", "NA", "N/A", "NaN", "null"],
            column_types=dict.fromkeys(_TEXT_COLUMNS, pa.string()),
        ),
    )
    if any(pa.types.is_binary(column.type) for column in table.columns):
        raise ValueError("it is not UTF-8 text; save it again as CSV UTF-8")
    return table


def _read_jsonl(path: Path) -> Any:
    import pyarrow as pa

    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number} is not JSON ({error})") from error
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is not a JSON object")
            rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if name in _TEXT_COLUMNS:
            values = [str(value) if isinstance(value, int | float) else value for value in values]
        try:
            columns[name] = pa.array(values)
        except pa.ArrowException as error:
            raise ValueError(f"the column {name} holds values of different types ({error})") from error
    return pa.table(columns)


def _kept_type(field: Any) -> Any:
    """The type of a column; text if all its values are empty."""
    import pyarrow as pa

    if pa.types.is_null(field.type):
        return pa.string()
    if pa.types.is_list(field.type) and pa.types.is_null(field.type.value_type):
        return pa.list_(pa.string())
    return field.type
