"""Works from a folder of pictures, in the conventions of `datasets`' imagefolder.

`metadata.csv` or `metadata.jsonl` (with a `file_name` column, relative to its own folder) become columns; where there is
none, the name of the sub-folder becomes the column `label`. Scanned by artsim and not by `load_dataset("imagefolder")`,
because a museum's folder has odd names, broken files and pictures without metadata, and each must be kept or reported.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from artsim.errors import SourceError
from artsim.images import EXTENSIONS
from artsim.sources.base import Source, Work

_METADATA = ("metadata.csv", "metadata.jsonl")
_SYNONYMS = {
    "title": ("name", "caption"),
    "artist": ("artist_name", "author", "painter", "creator", "attribution"),
    "year": ("creation_year", "begin_year", "beginyear"),
}


def open_folder(path: str | Path, *, id_column: str | None = None) -> Source:
    """Every picture below `path`; `SourceError` when there is no such folder, or no picture in it.

    The id of a work is its relative path, or what the metadata says in `id_column`.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise SourceError(f"There is no folder {folder}." if not folder.exists() else f"{folder} is not a folder.")
    pictures = _pictures(folder)
    if not pictures:
        raise SourceError(
            f"The folder {folder} holds no pictures ({', '.join(sorted(EXTENSIONS))}), in itself or its sub-folders."
        )
    records, table_features = _read_metadata(folder)
    features = _features(table_features, with_label=not records and any("/" in name for name in pictures))

    def works(start: int) -> Iterator[Work]:
        for name in pictures[start:]:
            columns: dict[str, Any] = dict.fromkeys(features)
            columns |= {"title": _readable(name)} if "title" in columns else {}
            columns |= {"label": Path(name).parent.name or None} if "label" in columns and not records else {}
            columns |= records.get(name, {})
            identity = str(columns.get(id_column) or name) if id_column else name
            yield {**columns, "id": identity, "image": {"bytes": None, "path": str(folder / name)}}

    return Source(
        name=f"folder:{folder}",
        title=folder.resolve().name.replace("_", " ").replace("-", " "),
        works=works,
        features=features,
        fingerprint=_fingerprint(folder, pictures),
        size=len(pictures),
        has_urls="image_url" in features,
    )


def _pictures(folder: Path) -> list[str]:
    """Relative POSIX names of the pictures below `folder`, sorted; hidden files and folders are left out."""
    names = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names += [
            (Path(root) / file).relative_to(folder).as_posix()
            for file in files
            if Path(file).suffix.lower() in EXTENSIONS and not file.startswith(".")
        ]
    return sorted(names)


def _read_metadata(folder: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Columns by relative picture name, and the features of those columns, of all metadata files below `folder`."""
    from datasets import Features

    records: dict[str, dict[str, Any]] = {}
    features: dict[str, Any] = {}
    for path in sorted(path for name in _METADATA for path in folder.rglob(name)):
        table = _read_table(path)
        if "file_name" not in table.column_names:
            raise SourceError(f"{path} has no column file_name; its columns are {', '.join(table.column_names)}.")
        table = table.rename_columns(_standard_names(table.column_names))
        found = Features.from_arrow_schema(table.schema)
        features |= {key: feature for key, feature in found.items() if key not in ("file_name", "image")}
        prefix = path.parent.relative_to(folder)
        for row in table.to_pylist():
            name = (prefix / str(row.pop("file_name"))).as_posix()
            records[name] = {key: value for key, value in row.items() if key in features and value != ""}
    return records, features


def _read_table(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import csv
    from pyarrow import json as arrow_json

    try:
        if path.suffix == ".csv":
            options = csv.ParseOptions(newlines_in_values=True)
            convert = csv.ConvertOptions(strings_can_be_null=True, null_values=["", "NA", "N/A", "NaN", "null"])
            table = csv.read_csv(path, parse_options=options, convert_options=convert)
        else:
            table = arrow_json.read_json(path)
    except (pa.ArrowInvalid, OSError, json.JSONDecodeError) as error:
        raise SourceError(f"{path} cannot be read as a table: {' '.join(str(error).split())[:300]}") from error
    for number, field in enumerate(table.schema):  # what is empty throughout is text until proven otherwise
        if pa.types.is_null(field.type):
            table = table.set_column(number, field.name, table.column(number).cast(pa.string()))
        elif pa.types.is_list(field.type) and pa.types.is_null(field.type.value_type):
            table = table.set_column(number, field.name, table.column(number).cast(pa.list_(pa.string())))
    return table


def _standard_names(names: list[str]) -> list[str]:
    """`artist_name` and the like as `artist`, where there is no `artist` yet."""
    renamed = list(names)
    for standard, synonyms in _SYNONYMS.items():
        found = next((name for name in synonyms if name in renamed), None)
        if standard not in renamed and found:
            renamed[renamed.index(found)] = standard
    return renamed


def _features(table: dict[str, Any], *, with_label: bool) -> dict[str, Any]:
    from datasets import Value

    features: dict[str, Any] = {"id": Value("string")}
    if "title" not in table:
        features["title"] = Value("string")
    features |= {key: feature for key, feature in table.items() if key != "id"}
    if with_label:
        features["label"] = Value("string")
    return features


def _readable(name: str) -> str:
    """A file name as a title: `la_grande-jatte.jpg` -> `la grande jatte`."""
    return " ".join(Path(name).stem.replace("_", " ").replace("-", " ").split()) or name


def _fingerprint(folder: Path, pictures: list[str]) -> str:
    """Changes when a picture or a metadata file is added, removed or written to."""
    digest = hashlib.sha256()
    metadata = [path.relative_to(folder).as_posix() for name in _METADATA for path in sorted(folder.rglob(name))]
    for name in [*pictures, *metadata]:
        status = (folder / name).stat()
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
