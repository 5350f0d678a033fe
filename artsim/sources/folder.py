"""Works from a folder of pictures, in the conventions of `datasets`' imagefolder.

`metadata.csv` or `metadata.jsonl` (with a `file_name` column, relative to its own folder) become columns; without them,
the name of the sub-folder becomes the column `label`. artsim scans the folder itself, without `load_dataset("imagefolder")`,
as museum folders have odd names, broken files and pictures without metadata, each of which must be kept or reported.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from artsim.errors import SourceError
from artsim.images.formats import FORMATS
from artsim.sources.folder_files import files_below, printable
from artsim.sources.protocol import Source, Work
from artsim.sources.tables import key, read_metadata

log = logging.getLogger(__name__)


def open_folder(path: str | Path, *, id_column: str | None = None) -> Source:
    """All pictures below `path`; `SourceError` when the folder does not exist, or holds no picture.

    The id of a work is its relative path, or its metadata value in `id_column`.
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
    records, table_features = read_metadata(folder, files.tables)
    _warn_missing(set(records) - {key(name) for name in pictures})
    features = _features(table_features, with_label=not records and any("/" in name for name in pictures))

    def works(start: int) -> Iterator[Work]:
        for name in pictures[start:]:
            columns: dict[str, Any] = dict.fromkeys(features)
            if "label" in columns and not records:
                columns["label"] = printable(Path(name).parent.name) or None
            columns |= records.get(key(name), {})
            columns["title"] = columns["title"] or readable_name(printable(name))
            identity = str(columns.get(id_column) or printable(name)) if id_column else printable(name)
            yield {**columns, "id": identity, "image": {"bytes": None, "path": str(folder / name)}}

    return Source(
        name=f"folder:{printable(str(folder))}",
        title=printable(folder.resolve().name).replace("_", " ").replace("-", " "),
        works=works,
        features=features,
        fingerprint=_fingerprint(folder, [*pictures, *files.tables]),
        size=len(pictures),
        has_urls="image_url" in features,
        left_out=files.left_out,
    )


def _warn_missing(names: set[str]) -> None:
    if names:
        log.warning("The metadata names %d pictures that do not exist, such as %s.", len(names), min(names))


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


def _fingerprint(folder: Path, names: list[str]) -> str:
    """A hash that changes when a picture or a metadata file is added, removed or written to."""
    digest = hashlib.sha256()
    for name in names:
        try:
            status = (folder / name).stat()
            state = f"{status.st_size} {status.st_mtime_ns}"
        except OSError as error:  # a dangling link, for example: reported when it is read
            state = str(error.strerror)
        digest.update(f"{name}\0{state}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
