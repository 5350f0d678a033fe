"""The manifest `artsim.json`: describes a saved collection, and verifies its files by size and sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from artsim.errors import CollectionError
from artsim.messages.message import Message

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT_VERSION = 2  # the newest that is read; 2 adds regions to 1, and is written only for collections with regions
FILE_NAME = "artsim.json"
T = TypeVar("T")
_HASHED_UP_TO = 256_000_000  # larger files are checked by size when opened, by hash when fetched or on request

Images = Literal["bytes", "urls"]
"""Pictures are in the dataset, or only their addresses are, in the column `image_url`."""


@dataclass(frozen=True)
class RegionsRecord:
    """The regions of a space: row `work * len(boxes) + region` of the index is one region of one work."""

    column: str
    """Embedding column: for each work, its concatenated region vectors."""
    boxes: tuple[tuple[float, float, float, float], ...]
    """(left, top, right, bottom) of each region, fractions of the picture's width and height."""
    dim: int
    """Length of a region vector."""
    index: str
    index_type: str
    statistics: str
    metric: str = "inner_product"


@dataclass(frozen=True)
class SpaceRecord:
    """One space: its encoder, embedding columns and files."""

    name: str
    encoder: str
    revision: str
    columns: Mapping[str, str]
    """Aspect -> name of its embedding column in the dataset."""
    dims: Mapping[str, int]
    """Aspect -> length of its vectors."""
    index: str
    index_type: str
    statistics: str
    metric: str = "inner_product"
    regions: RegionsRecord | None = None

    @property
    def indexes(self) -> tuple[str, ...]:
        """The files that can be rebuilt from the embedding columns."""
        return (self.index,) if self.regions is None else (self.index, self.regions.index)

    @property
    def vector_columns(self) -> tuple[str, ...]:
        """All embedding columns, that of the regions included."""
        return (*self.columns.values(), *(() if self.regions is None else (self.regions.column,)))


@dataclass(frozen=True)
class FileRecord:
    """Size in bytes and sha256 of a file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Origin:
    """The Hub dataset repository and exact commit that a collection was opened from."""

    repo_id: str
    commit: str

    def __str__(self) -> str:
        return f"{self.repo_id} at {self.commit[:12]}"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The content of `artsim.json`. What has a default here is known once the collection is saved."""

    title: str
    rows: int = 0
    source: Mapping[str, str]
    """`name`, `homepage`, `description`, `fingerprint` of the source."""
    license: str
    created: str = ""
    """UTC date and time, ISO 8601."""
    images: Images = "bytes"
    spaces: tuple[SpaceRecord, ...] = ()
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    """Every other file of the collection, by its POSIX path."""
    format_version: int = 1
    artsim_version: str = ""

    @property
    def embeds_pictures(self) -> bool:
        """Whether the dataset holds the pictures themselves, not only their addresses."""
        return self.images == "bytes"

    @property
    def indexes(self) -> set[str]:
        """The files of all spaces that can be rebuilt from the embedding columns, maps included."""
        return {name for space in self.spaces for name in (*space.indexes, map_name(space.name))}

    @property
    def data_files(self) -> list[str]:
        """The parquet files, in the order of their rows."""
        return sorted(name for name in self.files if name.startswith("data/"))

    def to_json(self) -> str:
        """The content of the file. `regions` is left out where there are none: readers of version 1 do not know the key."""
        return _checked(Manifest).dump_json(self, indent=2, exclude_none=True).decode() + "\n"


@dataclass(frozen=True)
class _Version:
    format_version: int


@cache
def _checked(form: type[T]) -> TypeAdapter[T]:
    """Reads and writes a dataclass as JSON. pydantic checks every key and type of what is read."""
    from pydantic import TypeAdapter

    return TypeAdapter(form)


def map_name(space: str) -> str:
    """The file of the map of a space, if it has one: see `artsim.snapshot.works_map`."""
    return f"index/{space}.map.safetensors"


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest in `folder`. `CollectionError` when it is missing, damaged, or written by a newer artsim."""
    path = folder / FILE_NAME
    try:
        return parse_manifest(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        problem = Message("holds no collection") if folder.is_dir() else Message("does not exist")
        raise CollectionError(
            "{folder} {problem} (no {file}). Make one with: python -m artsim build --source "
            "folder:PICTURES --out {folder}",
            folder=folder,
            problem=problem,
            file=FILE_NAME,
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError("{path} cannot be read ({reason}).", path=path, reason=str(error)) from error


def parse_manifest(text: str, name: str) -> Manifest:
    """Parse a manifest; `name` names it in errors. `CollectionError` when it is damaged, or written by a newer artsim."""
    try:
        version = _checked(_Version).validate_json(text).format_version
        if version > FORMAT_VERSION:
            raise CollectionError(
                "{name} has format version {version}; this artsim reads up to {known}. Update artsim.",
                name=name,
                version=version,
                known=FORMAT_VERSION,
            )
        manifest = _checked(Manifest).validate_json(text)
        _check_paths(manifest)
        return manifest
    except ValueError as error:
        raise CollectionError(
            "{name} is damaged ({reason}); build or download the collection again.",
            name=name,
            reason=first_problem(error),
        ) from error


def first_problem(error: Exception) -> str:
    """The problem in one line; the first, such as `spaces.0.index: Field required`, if pydantic found several."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    problem = error.errors(include_url=False)[0]
    return ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"])))


def _check_paths(manifest: Manifest) -> None:
    """`ValueError` unless every path lies within the collection, and the files of each space are listed."""
    for name in manifest.files:
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise ValueError(f"{name} is not a path within the collection")
    if not manifest.spaces:
        raise ValueError("it has no spaces")
    for space in manifest.spaces:
        statistics = (space.statistics,) if space.regions is None else (space.statistics, space.regions.statistics)
        for name in (*space.indexes, *statistics):
            if name not in manifest.files:
                raise ValueError(f"{name} is not among its files")


def record_files(folder: Path) -> dict[str, FileRecord]:
    """Size and sha256 of every file below `folder` except the manifest, by POSIX path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != FILE_NAME)
    return {path.relative_to(folder).as_posix(): FileRecord(path.stat().st_size, sha256(path)) for path in paths}


def damaged_files(folder: Path, manifest: Manifest, *, thorough: bool = False) -> dict[str, str]:
    """The files that differ from the saved ones, each with the problem. `thorough` hashes large files as well."""
    problems: dict[str, str] = {}
    for name, record in manifest.files.items():
        if name == "README.md":  # the card may be edited by people
            continue
        path = folder / name
        if not path.is_file():
            problems[name] = Message("is missing")
        elif path.stat().st_size != record.size:
            problems[name] = Message(
                "has {found:,} bytes instead of {expected:,}", found=path.stat().st_size, expected=record.size
            )
        elif (thorough or record.size <= _HASHED_UP_TO) and sha256(path) != record.sha256:
            problems[name] = Message("has other contents than when it was saved (its sha256 differs)")
    return problems


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
