"""The manifest `artsim.json`: describes a saved collection, and verifies its files by size and sha256."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artsim.errors import CollectionError
from artsim.messages.message import Message

FORMAT_VERSION = 2  # the newest that is read; 2 adds regions to 1, and is written only for collections with regions
FILE_NAME = "artsim.json"
_HASHED_UP_TO = 256_000_000  # larger files are checked by size when opened, by hash when fetched or on request


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


@dataclass(frozen=True)
class Manifest:
    """The content of `artsim.json`."""

    title: str
    rows: int
    source: Mapping[str, str]
    """`name`, `homepage`, `description`, `fingerprint` of the source."""
    license: str
    created: str
    """UTC date and time, ISO 8601."""
    images: str
    """"bytes": pictures are in the dataset; "urls": only their addresses, in the column `image_url`."""
    spaces: tuple[SpaceRecord, ...]
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    """Every other file of the collection, by its POSIX path."""
    format_version: int = 1
    artsim_version: str = ""

    @property
    def has_pictures(self) -> bool:
        """Whether the pictures themselves are in the dataset."""
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
        data = dataclasses.asdict(self)
        for space in data["spaces"]:
            if space["regions"] is None:  # readers of version 1 do not know this key
                del space["regions"]
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


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
        data: dict[str, Any] = json.loads(text)
        version = int(data["format_version"])
        if version > FORMAT_VERSION:
            raise CollectionError(
                "{name} has format version {version}; this artsim reads up to {known}. Update artsim.",
                name=name,
                version=version,
                known=FORMAT_VERSION,
            )
        known = {field.name for field in dataclasses.fields(Manifest)}
        data = {key: value for key, value in data.items() if key in known}
        data["spaces"] = tuple(_parse_space(space) for space in data["spaces"])
        data["files"] = {path: FileRecord(**record) for path, record in data["files"].items()}
        manifest = Manifest(**data)
        _check_paths(manifest)
        return manifest
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CollectionError(
            "{name} is damaged ({reason}); build or download the collection again.", name=name, reason=str(error)
        ) from error


def _parse_space(data: Mapping[str, Any]) -> SpaceRecord:
    regions = data.get("regions")
    if regions is not None:
        regions = RegionsRecord(**{**regions, "boxes": tuple(_box(values) for values in regions["boxes"])})
    return SpaceRecord(**{**data, "regions": regions})


def _box(values: Sequence[float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in values)
    return left, top, right, bottom


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
