"""Works from a folder of pictures, in the conventions of `datasets`' imagefolder.

`metadata.csv`, `.tsv`, `.jsonl`, `.parquet` or `.xlsx` (with a `file_name` column) become columns; without them, the name of
the sub-folder becomes the column `label`. artsim scans the folder itself, without `load_dataset("imagefolder")`, as museum
folders have odd names, broken files and pictures without metadata, each of which must be kept or reported.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artsim.errors import SourceError
from artsim.images.formats import FORMATS
from artsim.sources.folder_files import files_below, printable
from artsim.sources.picture_names import key
from artsim.sources.protocol import Source, Work
from artsim.sources.table_values import ColumnType
from artsim.sources.tables import read_metadata


def open_folder(
    path: str | Path, *, id_column: str | None = None, columns: Mapping[str, ColumnType] | None = None
) -> Source:
    """All pictures below `path`; `SourceError` when the folder does not exist, or holds no picture.

    The id of a work is its relative path, or its metadata value in `id_column`. `columns` decides the types of columns.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise SourceError(f"There is no folder {folder}." if not folder.exists() else f"{folder} is not a folder.")
    files = files_below(folder)
    pictures = files.pictures
    if not pictures:
        others = ", ".join(f"{kind.kind} {len(kind.names)}" for kind in files.left_out)
        raise SourceError(
            f"The folder {folder} holds no pictures ({', '.join(FORMATS)}), in itself or its sub-folders"
            f"{f'; there are others: {others}' if others else ''}."
        )
    tables = read_metadata(folder, files.tables, pictures, types=columns)
    records = tables.records
    features = _features(tables.features, with_label=not records and any("/" in name for name in pictures))

    def works(start: int) -> Iterator[Work]:
        for name, known in itertools.islice(zip(pictures, files.formats, strict=True), start, None):
            work: dict[str, Any] = dict.fromkeys(features)
            if "label" in work and not records:
                work["label"] = printable(Path(name).parent.name) or None
            work |= records.get(key(name), {})
            work["title"] = work["title"] or readable_name(printable(name))
            identity = str(work.get(id_column) or printable(name)) if id_column else printable(name)
            yield {**work, "id": identity, "image": {"bytes": None, "path": str(folder / name), "format": known}}

    return Source(
        name=f"folder:{printable(str(folder))}",
        title=printable(folder.resolve().name).replace("_", " ").replace("-", " "),
        works=works,
        features=features,
        fingerprint=_fingerprint(folder, [*pictures, *files.tables], columns or {}),
        size=len(pictures),
        has_urls="image_url" in features,
        notes=tuple(tables.summary.sentences()),
        left_out=(*files.left_out, *tables.summary.rows_left_out()),
        seekable=True,
    )


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
