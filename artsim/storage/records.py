"""The records of a manifest: files, column groups, columns and spaces."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from artsim.index.protocol import IndexKind

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


@dataclass(frozen=True)
class MilvusRecord:
    """The Milvus collection that a space is searched in, instead of a file."""

    uri: str
    """Address of the server, without secrets, or the path of a file of Milvus Lite, from the collection's folder."""
    collection: str
    entities: int
    dimension: int
    fields: Mapping[str, str]
    """Field of metadata -> the column that it holds."""

    @property
    def place(self) -> MilvusPlace:
        return MilvusPlace(self.uri, self.collection)


@dataclass(frozen=True)
class MilvusPlace:
    """A Milvus collection by its server and name."""

    uri: str
    collection: str


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
    """Number format that the encoder computed in; float32 if it is not recorded."""
    calibration: str | None = None
    """File of what scores are calibrated by."""
    milvus: MilvusRecord | None = None
    """Where it is searched, if not by `index` or by comparing all."""

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
