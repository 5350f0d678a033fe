"""The manifest `artsim.json`: describes a saved collection, and verifies its files by size and sha256."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from artsim.errors import CollectionError
from artsim.index.protocol import IndexKind
from artsim.messages.message import Message

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT_VERSION = 3  # the only one that is read: column groups in files of their own, compact vectors
FILE_NAME = "artsim.json"
SUBJECT_INDEX = "index/subject.faiss"
"""Published only: an index over the plain subject column of the first space, for users of plain `datasets`."""
T = TypeVar("T")
_HASHED_UP_TO = 256_000_000  # larger files are checked by size when opened, by hash when fetched or on request

Images = Literal["bytes", "urls"]
"""Pictures are in the dataset, or only their addresses are, in the column `image_url`."""


VectorType = Literal["float32", "float16", "uint8"]


@dataclass(frozen=True)
class PartRecord:
    """One file of a column group, and how many rows it holds."""

    file: str
    rows: int


@dataclass(frozen=True)
class Groups:
    """The files of each column group, in the order of their rows.

    On disk, each group has files of its own: `metadata` one row for each work, the others also rows of removed works, as
    the hidden columns of the metadata say. Published, the same files hold all groups, and row i is work i in each.
    """

    metadata: tuple[PartRecord, ...] = ()
    vectors: tuple[PartRecord, ...] = ()
    pictures: tuple[PartRecord, ...] = ()
    """Empty where only the addresses of the pictures are known."""
    recognition: tuple[PartRecord, ...] = ()
    """What works are recognised by, in the rows of `vectors`. Empty where the collection recognises none."""

    @property
    def parts(self) -> tuple[PartRecord, ...]:
        return (*self.metadata, *self.vectors, *self.pictures, *self.recognition)


@dataclass(frozen=True)
class ColumnRecord:
    """A vector column: its name, and the number type and length of its vectors."""

    name: str
    type: VectorType
    length: int


@dataclass(frozen=True)
class RegionsRecord:
    """The regions of a space: its vector column holds, for each work, the concatenated vectors of all boxes."""

    column: ColumnRecord
    boxes: tuple[tuple[float, float, float, float], ...]
    """(left, top, right, bottom) of each region, fractions of the picture's width and height."""
    dim: int
    """Length of a stored region vector."""
    statistics: str
    """File of what was fitted."""


@dataclass(frozen=True, kw_only=True)
class SpaceRecord:
    """One space: its encoder, vector columns and files."""

    name: str
    encoder: str
    revision: str
    dims: Mapping[str, int]
    """Aspect -> length of its raw vectors."""
    columns: Mapping[str, ColumnRecord]
    """What a vector column holds (subject, density, compact, ...) -> the column."""
    statistics: str
    """File of what was fitted."""
    index_type: IndexKind
    index: str | None = None
    """File of the fast-scan codes of a compact index; an exact one is made when the collection is opened."""
    map: str | None = None
    """File of the map of works."""
    metric: str = "inner_product"
    regions: RegionsRecord | None = None
    preprocessing: str | None = None
    """Version of what is done to a picture before it is embedded."""
    precision: str | None = None
    """Number format that the encoder computed in."""
    calibration: str | None = None
    """File of what scores are calibrated by."""

    @property
    def rebuildable(self) -> tuple[str, ...]:
        """The files that can be made again from the vector columns."""
        return tuple(name for name in (self.index, self.map) if name is not None)

    def without(self, damaged: Collection[str]) -> SpaceRecord:
        """Without the `damaged` among the files that can be made again, so that a save writes them anew."""
        return dataclasses.replace(
            self,
            index=None if self.index in damaged else self.index,
            map=None if self.map in damaged else self.map,
        )

    @property
    def vector_columns(self) -> tuple[ColumnRecord, ...]:
        """All vector columns, that of the regions included."""
        return (*self.columns.values(), *(() if self.regions is None else (self.regions.column,)))

    @property
    def files(self) -> tuple[str, ...]:
        """The files of this space alone."""
        more = (self.calibration, None if self.regions is None else self.regions.statistics)
        return (self.statistics, *self.rebuildable, *(name for name in more if name is not None))


@dataclass(frozen=True)
class RecognitionRecord:
    """The columns of the group `recognition`."""

    columns: tuple[ColumnRecord, ...]
    revision: str
    """Identifies how its vectors were made: those of another revision are not compared."""


@dataclass(frozen=True)
class FileRecord:
    """Size in bytes and sha256 of a file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> FileRecord:
        return cls(len(content), hashlib.sha256(content).hexdigest())


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
    """Number of works."""
    source: Mapping[str, str]
    """`name`, `homepage`, `description`, `fingerprint` of the source."""
    license: str
    created: str = ""
    """UTC date and time, ISO 8601."""
    images: Images = "bytes"
    groups: Groups = Groups()
    spaces: tuple[SpaceRecord, ...] = ()
    recognition: RecognitionRecord | None = None
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    """Every other file of the collection, by its POSIX path."""
    generation: int = 0
    """How many times the collection was saved in its folder; new files are in `generations/` under this number."""
    format_version: int = FORMAT_VERSION
    artsim_version: str = ""

    @property
    def embeds_pictures(self) -> bool:
        """Whether the dataset holds the pictures themselves, not only their addresses."""
        return self.images == "bytes"

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
    if not manifest.groups.metadata or not manifest.groups.vectors:
        raise ValueError("it names no files of metadata or vectors")
    named = [part.file for part in manifest.groups.parts]
    for name in (*named, *(name for space in manifest.spaces for name in space.files)):
        if name not in manifest.files:
            raise ValueError(f"{name} is not among its files")


def record_file(path: Path) -> FileRecord:
    """Size and sha256 of a file."""
    return FileRecord(path.stat().st_size, sha256(path))


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
