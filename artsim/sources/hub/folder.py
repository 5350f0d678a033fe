"""A Hub dataset of picture files, loose or in ZIPs, with or without a table of metadata.

`datasets` reads the table. It leaves out pictures that no row names, and reads no labels from folders inside a ZIP, so the
files are listed here: every picture becomes a work.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from artsim.columns import standard_names
from artsim.images.formats import EXTENSIONS
from artsim.sources.folder import readable_name
from artsim.sources.hub.columns import Row
from artsim.sources.hub.files import OwnFiles

_TABLES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")  # those that `datasets` reads


@dataclass(frozen=True)
class ImageFolder:
    """The files of the dataset, as paths like those in its rows."""

    pictures: Sequence[str]
    others: Sequence[str]
    of_no_split: Sequence[str]
    """Pictures of the repository that no split of this configuration has."""
    has_table: bool

    @property
    def size(self) -> int | None:
        """The number of works; None if only the table's rows tell."""
        return None if self.has_table else len(self.pictures)

    def features(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        """The columns: those of the table, or the label; and a title, which the file's name gives where nothing else does."""
        from datasets import Image, Value

        features = dict(declared) if self.has_table else {"image": Image()}
        if self._labels:
            features["label"] = Value("string")
        if _title_column(features) not in features:
            features["title"] = Value("string")
        return features

    def rows(self, table: Any, start: int) -> Iterator[Row]:
        """The rows of the `table`, from `start` on, then a row for each picture that none of them names."""
        return itertools.islice(self._all_rows(table), start, None)

    def notes(self) -> Iterator[str]:
        words = f"{len(self.pictures):,} picture files"
        table = ", and a table of metadata" if self.has_table else ", labelled by their folders" if self._labels else ""
        yield f"Files: {words}{table}."
        for paths, reason in ((self.others, "they are no pictures"), (self.of_no_split, "they are of no split")):
            if paths:
                yield f"Left out, as {reason}: {len(paths):,}, such as {_name(paths[0]).name}."

    def _all_rows(self, table: Any) -> Iterator[Row]:
        title = _title_column(table.features or ()) if self.has_table else "title"
        named: set[str] = set()
        columns = {"image"}
        for row in table if self.has_table else ():
            paths = {column: list(_paths(value)) for column, value in row.items()}
            columns = {column for column, found in paths.items() if found} or columns
            found = [path for column in paths for path in paths[column]]
            named.update(found)
            yield {**row, title: row.get(title) or _title(found[0] if found else None)}
        for path in self.pictures:
            if path not in named:
                label = {"label": self._labels[path]} if self._labels else {}
                yield {**{column: {"path": path} for column in columns}, title: _title(path), **label}

    @cached_property
    def _labels(self) -> dict[str, str | None]:
        """The name of each picture's folder; empty if they are all in one, or there is a table."""
        labels = {path: _folder(path) for path in self.pictures}
        return labels if len(set(labels.values())) > 1 and not self.has_table else {}


def list_image_folder(own: OwnFiles, files: Sequence[str], used: Container[str]) -> ImageFolder:
    """List `files` of a dataset, and what is inside of those that are ZIPs; `used` are the files of all splits."""
    paths = [path for file in files for path in (own.inside(file) if file.lower().endswith(".zip") else [file])]
    pictures = [path for path in paths if _is_picture(path)]
    tables = [path for path in paths if _name(path).name in _TABLES]
    rest = set(paths) - set(pictures) - set(tables)
    others = sorted(path for path in rest if not _is_housekeeping(path))
    unused = [path for name in own.names if _is_picture(path := own.path(name)) and path not in used]
    return ImageFolder(pictures, others, unused, bool(tables))


def _is_picture(path: str) -> bool:
    return _name(path).suffix.lower() in EXTENSIONS


def _paths(value: Any) -> Iterator[str]:
    """The paths of all pictures in a value of a row."""
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        yield value["path"]
    for item in value if isinstance(value, list) else ():
        yield from _paths(item)


def _title_column(names: Iterable[str]) -> str:
    """The column that is the title in the collection."""
    names = list(names)
    return dict(zip(standard_names(names), names, strict=True)).get("title", "title")


def _name(path: str) -> PurePosixPath:
    """The path without the archive that it is in."""
    return PurePosixPath(path.partition("::")[0].removeprefix("zip://"))


def _folder(path: str) -> str | None:
    """The name of the folder of a picture; None in the first folder of an archive or a repository."""
    inside = path.startswith("zip://")
    folder = _name(path).parent.name
    return None if folder in ("", ".") or (not inside and "@" in folder) else folder


def _title(path: str | None) -> str | None:
    return readable_name(_name(path).name) if path else None


def _is_housekeeping(path: str) -> bool:
    name = _name(path)
    return name.name in ("README.md", "LICENSE") or name.name.startswith(".") or "__MACOSX" in name.parts
