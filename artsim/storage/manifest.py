"""The manifest `artsim.json`: describes a saved collection, and verifies its files by size and sha256."""

from __future__ import annotations

import datetime
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from artsim.errors import CollectionError
from artsim.messages.message import Message
from artsim.storage.records import ColumnRecord as ColumnRecord
from artsim.storage.records import FileRecord, Groups, MilvusPlace, RecognitionRecord, SpaceRecord
from artsim.storage.records import PartRecord as PartRecord
from artsim.storage.records import RegionsRecord as RegionsRecord

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT_VERSION = 3  # the only one that is read: column groups in files of their own, compact vectors
FILE_NAME = "artsim.json"
SUBJECT_INDEX = "index/subject.faiss"
"""Published only: an index over the plain subject column of the first space, for users of plain `datasets`."""
T = TypeVar("T")
_MOST = 2**53  # bytes or rows
_ROWS_PER_BYTE = 100  # of a file that is compressed
_LONGEST_NAME, _LONGEST_VECTOR = 100, 1_000_000
_HASHED_UP_TO = 256_000_000  # larger files are checked by size when opened, by hash when fetched or on request

Images = Literal["bytes", "urls"]
"""Pictures are in the dataset, or only their addresses are, in the column `image_url`."""


@dataclass(frozen=True)
class Origin:
    """The Hub dataset repository and exact commit that a collection was opened from."""

    repo_id: str
    commit: str
    fetched: datetime.date | None = field(default=None, compare=False)
    """When it was fetched, if the Hub could not be asked for it this time."""

    def __str__(self) -> str:
        return f"{self.repo_id} at {self.commit[:12]}"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The content of `artsim.json`. What has a default here is known once the collection is saved."""

    title: str
    rows: int = 0
    """Number of works."""
    source: Mapping[str, str]
    """`name`, `homepage`, `description`, `fingerprint` of the source."""
    license: str
    created: str = ""
    """UTC date and time, ISO 8601."""
    images: Images = "bytes"
    groups: Groups = field(default_factory=Groups)
    spaces: tuple[SpaceRecord, ...] = ()
    recognition: RecognitionRecord | None = None
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    """Every other file of the collection, by its POSIX path."""
    retired: tuple[MilvusPlace, ...] = ()
    """Milvus collections of the generation before, for those who still have it open; the next save removes them."""
    generation: int = 0
    """How many times the collection was saved in its folder; new files are in `generations/` under this number."""
    format_version: int = FORMAT_VERSION
    artsim_version: str = ""

    @property
    def embeds_pictures(self) -> bool:
        """Whether the dataset holds the pictures themselves, not only their addresses."""
        return self.images == "bytes"

    @property
    def milvus(self) -> tuple[MilvusPlace, ...]:
        """The Milvus collections that the spaces are searched in."""
        return tuple(space.milvus.place for space in self.spaces if space.milvus is not None)

    @property
    def rebuildable(self) -> set[str]:
        """The files of all spaces that can be made again from the vector columns."""
        return {SUBJECT_INDEX, *(name for space in self.spaces for name in space.rebuildable)}

    @property
    def vector_columns(self) -> set[str]:
        """The names of all vector columns."""
        own = () if self.recognition is None else self.recognition.columns
        return {
            column.name for columns in (*(space.vector_columns for space in self.spaces), own) for column in columns
        }

    def map_of(self, space: str) -> str | None:
        """The file of the map of a space, if it has one."""
        return next((record.map for record in self.spaces if record.name == space), None)

    def with_only(self, spaces: Sequence[str]) -> Manifest:
        """With only the records of these spaces, in this order; one that was never saved has none."""
        records = {record.name: record for record in self.spaces}
        return replace(self, spaces=tuple(records[name] for name in spaces if name in records))

    def to_json(self) -> str:
        """The content of the file."""
        return _checked(Manifest).dump_json(self, indent=2, exclude_none=True).decode() + "\n"


@dataclass(frozen=True)
class _Version:
    format_version: int


@cache
def _checked(form: type[T]) -> TypeAdapter[T]:
    """Reads and writes a dataclass as JSON. pydantic checks every key and type of what is read."""
    from pydantic import TypeAdapter

    return TypeAdapter(form)


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
        if version < FORMAT_VERSION:
            raise CollectionError("{name} was made by an older artsim, in another format; build it again.", name=name)
        if version > FORMAT_VERSION:
            raise CollectionError(
                "{name} has format version {version}; this artsim reads up to {known}. Update artsim.",
                name=name,
                version=version,
                known=FORMAT_VERSION,
            )
        manifest = _checked(Manifest).validate_json(text)
        _check(manifest)
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


def _check(manifest: Manifest) -> None:
    """`ValueError` unless paths lie within the collection, names can be names of files, and numbers can be sizes."""
    for number in _numbers(manifest):
        if not (math.isfinite(number) and 0 <= number <= _MOST):
            raise ValueError(f"{number} is no number that it can hold")
    for name in manifest.files:
        if name.startswith("/") or set(name) & set("\\:\0") or ".." in name.split("/"):
            raise ValueError(f"{name} is not a path within the collection")
    if "name" not in manifest.source:
        raise ValueError("its source has no name")
    if not manifest.spaces:
        raise ValueError("it has no spaces")
    if not manifest.groups.metadata or not manifest.groups.vectors:
        raise ValueError("it names no files of metadata or vectors")
    named = [part.file for part in manifest.groups.parts]
    for name in (*named, *(name for space in manifest.spaces for name in space.files)):
        if name not in manifest.files:
            raise ValueError(f"{name} is not among its files")
    for part in manifest.groups.parts:
        if part.rows > _ROWS_PER_BYTE * manifest.files[part.file].size:
            raise ValueError(f"{part.file} cannot hold {part.rows:,} rows")
    if manifest.rows > sum(part.rows for part in manifest.groups.metadata):
        raise ValueError(f"it has no metadata of {manifest.rows:,} works")
    _check_spaces(manifest)


def _check_spaces(manifest: Manifest) -> None:
    names = [space.name for space in manifest.spaces]
    for name in names:  # files are named after it
        plain = all(character.isalnum() or character in "-_." for character in name)
        if not plain or not 0 < len(name) <= _LONGEST_NAME or name.startswith(".") or names.count(name) > 1:
            raise ValueError(f"{name!r} cannot be the name of a space")
    for space in manifest.spaces:
        boxes = () if space.regions is None else space.regions.boxes
        if space.regions is not None and not boxes:
            raise ValueError(f"{space.name} has regions without boxes")
        if any(not (left < right <= 1 and top < bottom <= 1) for left, top, right, bottom in boxes):
            raise ValueError(f"{space.name} has a region that is not within a picture")
        for column in space.vector_columns:
            if not 0 < column.length <= _LONGEST_VECTOR:
                raise ValueError(f"{column.name} cannot have vectors of {column.length} numbers")


def _numbers(value: Any) -> Iterator[float]:
    """All numbers in a manifest."""
    if isinstance(value, int | float):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _numbers(getattr(value, field.name))
    elif isinstance(value, dict | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _numbers(item)


def record_file(path: Path) -> FileRecord:
    """Size and sha256 of a file."""
    return FileRecord(path.stat().st_size, sha256(path))


def damaged_files(folder: Path, manifest: Manifest, *, thorough: bool = False) -> dict[str, str]:
    """The files that differ from the saved ones, each with the problem. `thorough` hashes large files as well."""
    problems: dict[str, str] = {}
    for name, record in manifest.files.items():
        path = folder / name
        if leads_out(folder, name):
            problems[name] = Message("is a link to a place outside of the collection, which is not followed")
        elif name == "README.md":  # the card may be edited by people
            continue
        elif not path.is_file():
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


def leads_out(folder: Path, name: str) -> bool:
    """Whether the file `name` of a collection is, or lies behind, a link that leads out of its `folder`.

    The Hub's client keeps the files of a commit as links to its own cache.
    """
    root = folder.resolve()
    if root.parent.name == "snapshots" and (root.parents[1] / "blobs").is_dir():
        root = root.parents[1]
    return not (folder / name).resolve().is_relative_to(root)
