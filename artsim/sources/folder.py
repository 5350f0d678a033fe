"""Works from a folder of pictures, in the conventions of `datasets`' imagefolder.

`metadata.csv`, `.tsv`, `.jsonl`, `.parquet` or `.xlsx` (with a `file_name` column) become columns; without them, the name of
the sub-folder becomes the column `label`. artsim scans the folder itself, without `load_dataset("imagefolder")`, as museum
folders have odd names, broken files and pictures without metadata, each of which must be kept or reported.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artsim.errors import SourceError
from artsim.images.formats import EXTENSIONS
from artsim.sources.picture_names import key
from artsim.sources.protocol import Source, Work
from artsim.sources.table_values import ColumnType
from artsim.sources.tables import is_metadata, read_metadata

log = logging.getLogger(__name__)


def open_folder(
    path: str | Path, *, id_column: str | None = None, columns: Mapping[str, ColumnType] | None = None
) -> Source:
    """All pictures below `path`; `SourceError` when the folder does not exist, or holds no picture.

    The id of a work is its relative path, or its metadata value in `id_column`. `columns` decides the types of columns.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise SourceError(f"There is no folder {folder}." if not folder.exists() else f"{folder} is not a folder.")
    pictures, metadata = _files(folder)
    if not pictures:
        raise SourceError(
            f"The folder {folder} holds no pictures ({', '.join(sorted(EXTENSIONS))}), in itself or its sub-folders."
        )
    tables = read_metadata(folder, metadata, pictures, types=columns)
    records, notes = tables.records, tables.summary.sentences() if metadata else []
    for note in notes:
        log.log(logging.INFO if tables.summary.is_whole else logging.WARNING, "%s", note)
    features = _features(tables.features, with_label=not records and any("/" in name for name in pictures))

    def works(start: int) -> Iterator[Work]:
        for name in pictures[start:]:
            work: dict[str, Any] = dict.fromkeys(features)
            if "label" in work and not records:
                work["label"] = _printable(Path(name).parent.name) or None
            work |= records.get(key(name), {})
            work["title"] = work["title"] or readable_name(_printable(name))
            identity = str(work.get(id_column) or _printable(name)) if id_column else _printable(name)
            yield {**work, "id": identity, "image": {"bytes": None, "path": str(folder / name)}}

    return Source(
        name=f"folder:{_printable(str(folder))}",
        title=_printable(folder.resolve().name).replace("_", " ").replace("-", " "),
        works=works,
        features=features,
        fingerprint=_fingerprint(folder, [*pictures, *metadata], columns or {}),
        size=len(pictures),
        has_urls="image_url" in features,
        notes=tuple(notes),
    )


def _files(folder: Path) -> tuple[list[str], list[str]]:
    """Relative POSIX names of the pictures and the metadata files below `folder`, sorted, without hidden ones."""
    pictures, metadata = [], []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files:
            name = (Path(root) / file).relative_to(folder).as_posix()
            if is_metadata(file):
                metadata.append(name)
            elif Path(file).suffix.lower() in EXTENSIONS and not file.startswith("."):
                pictures.append(name)
    return sorted(pictures), sorted(metadata)


def _features(table: dict[str, Any], *, with_label: bool) -> dict[str, Any]:
    from datasets import Value

    features: dict[str, Any] = {"id": Value("string")}
    if "title" not in table:
        features["title"] = Value("string")
    features |= {key: feature for key, feature in table.items() if key != "id"}
    if with_label:
        features["label"] = Value("string")
    return features


def readable_name(name: str) -> str:
    """A file name as a title: `la_grande-jatte.jpg` -> `la grande jatte`."""
    return " ".join(Path(name).stem.replace("_", " ").replace("-", " ").split()) or name


def _printable(name: str) -> str:
    """A file name as text that can be stored: bytes that are not UTF-8 become `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _fingerprint(folder: Path, names: list[str], columns: Mapping[str, ColumnType]) -> str:
    """A hash that changes when a picture or a metadata file is added, removed or written to, or read otherwise."""
    digest = hashlib.sha256("".join(f"{name}\0{kind}\n" for name, kind in sorted(columns.items())).encode())
    for name in names:
        try:
            status = (folder / name).stat()
            state = f"{status.st_size} {status.st_mtime_ns}"
        except OSError as error:  # a dangling link, for example: reported when it is read
            state = str(error.strerror)
        digest.update(f"{name}\0{state}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
