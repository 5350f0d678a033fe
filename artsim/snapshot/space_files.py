"""The files of one space: what was fitted, the fast-scan codes of a compact index, and the map of works."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from artsim.embedding.preprocessing import recorded_preprocessing
from artsim.embedding.vector_columns import compact_column, density_column, region_column, vector_columns
from artsim.errors import CollectionError
from artsim.files.atomic import new_file
from artsim.index import CompactIndex, MilvusIndex, Rows, build_first_pass, read_first_pass, refilled_first_pass
from artsim.snapshot.calibration import calibration_bytes, load_calibration
from artsim.snapshot.generations import Generation
from artsim.snapshot.groups import WrittenVectors
from artsim.snapshot.milvus_files import open_milvus, write_milvus
from artsim.snapshot.region_index import load_regions, regions_bytes
from artsim.snapshot.space import Space, open_space
from artsim.snapshot.space_statistics import SpaceStatistics
from artsim.snapshot.state import Stored
from artsim.snapshot.statistics_file import load_statistics, statistics_bytes
from artsim.storage.manifest import FILE_NAME, ColumnRecord, RegionsRecord, SpaceRecord

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Before:
    """A space as it was read, and its record."""

    space: Space
    record: SpaceRecord


def write_space(
    space: Space,
    vectors: WrittenVectors,
    stored: Stored | None,
    generation: Generation,
    *,
    table: pa.Table,
    milvus: str | None = None,
) -> SpaceRecord:
    """Write what `stored` lacks of a space beside its vectors. Its map is written apart.

    `milvus`: the address of the Milvus server that it is searched on, with the metadata `table` of the works.
    """
    before = _before(space.name, stored)
    searched = None
    if milvus is not None:
        known = None if before is None or vectors.moved else before.record.milvus
        column = vectors.columns[density_column(space.name)]
        searched = write_milvus(space.index, column, table, milvus, generation.target, known)
    if before is not None and before.space.statistics is space.statistics:
        statistics = before.record.statistics
    else:
        statistics = _write(f"{space.name}.safetensors", statistics_bytes(space.statistics), generation)
    return SpaceRecord(
        name=space.name,
        encoder=space.encoder,
        revision=space.revision,
        dims={str(aspect): length for aspect, length in space.statistics.raw_dims.items()},
        columns=_column_records(space),
        statistics=statistics,
        index_type=space.index.kind,
        index=_write_first_pass(space, vectors, before, generation) if milvus is None else None,
        regions=_write_regions(space, before, generation),
        preprocessing=str(space.preprocessing),
        precision=space.precision,
        calibration=_write_calibration(space, before, generation),
        milvus=searched,
    )


def _before(name: str, stored: Stored | None) -> _Before | None:
    if stored is None:
        return None
    spaces = {space.name: space for space in stored.state.spaces}
    records = {record.name: record for record in stored.manifest.spaces}
    return _Before(spaces[name], records[name]) if name in spaces else None


def _write(name: str, content: bytes, generation: Generation) -> str:
    path = generation.folder / name
    with new_file(path) as file:
        file.write(content)
    return generation.add(path)


def _write_first_pass(
    space: Space, vectors: WrittenVectors, before: _Before | None, generation: Generation
) -> str | None:
    index = space.index.local if isinstance(space.index, MilvusIndex) else space.index
    if not isinstance(index, CompactIndex):
        return None
    first_pass = index.first_pass
    if first_pass is None:  # it was searched on Milvus
        first_pass = build_first_pass(vectors.columns[compact_column(space.name)], index.bits)
    elif vectors.moved:
        first_pass = refilled_first_pass(first_pass, vectors.columns[compact_column(space.name)], index.bits)
    elif (
        before is not None
        and isinstance(before.space.index, CompactIndex)
        and before.space.index.first_pass is first_pass
        and before.record.index is not None
    ):
        return before.record.index
    import faiss

    path = generation.folder / f"{space.name}.faiss"
    with new_file(path) as file:
        faiss.write_index(first_pass, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
    return generation.add(path)


def _write_regions(space: Space, before: _Before | None, generation: Generation) -> RegionsRecord | None:
    regions = space.regions
    if regions is None:
        return None
    known = None if before is None else before.space.regions
    if before is not None and before.record.regions is not None and known and known.statistics is regions.statistics:
        statistics = before.record.regions.statistics
    else:
        statistics = _write(f"{space.name}.regions.safetensors", regions_bytes(regions.statistics), generation)
    column = _record(region_column(space.name), regions.vectors)
    return RegionsRecord(column, regions.boxes, column.length // len(regions.boxes), statistics)


def _write_calibration(space: Space, before: _Before | None, generation: Generation) -> str | None:
    calibration = space.calibration
    if calibration is None:
        return None
    if before is not None and before.space.calibration is calibration:
        return before.record.calibration
    return _write(f"{space.name}.calibration.safetensors", calibration_bytes(calibration), generation)


def _column_records(space: Space) -> dict[str, ColumnRecord]:
    """The vector columns of a space, those of regions apart, by what they hold."""
    names = {str(aspect): name for aspect, name in vector_columns(space.name).items()}
    names |= {"compact": compact_column(space.name), "density": density_column(space.name)}
    columns = space.columns()
    return {what: _record(name, columns[name]) for what, name in names.items() if name in columns}


def _record(name: str, rows: Rows) -> ColumnRecord:
    return ColumnRecord(name, rows.parts[0].dtype.name, rows.dimension)  # type: ignore[arg-type]  # see VectorType


def read_space(
    folder: Path,
    record: SpaceRecord,
    columns: Mapping[str, Rows],
    problems: Mapping[str, str],
    *,
    on_milvus: bool = True,
) -> Space:
    """A space from its files and vectors. An index among `problems` is made again, with a warning.

    Unless `on_milvus`, one that is searched on Milvus is searched here, and no server is asked for anything.
    """
    statistics = load_statistics(folder / record.statistics)
    _check_record(folder, record, statistics)
    regions = None if record.regions is None else load_regions(folder / record.regions.statistics)
    if record.regions is not None and regions is not None:
        expected = (record.regions.dim, region_column(record.name), record.regions.dim * len(record.regions.boxes))
        found = (regions.dimension, record.regions.column.name, record.regions.column.length)
        if expected != found:
            raise CollectionError(
                f"The regions of {folder} do not belong together: {found} in their files, {expected} in {FILE_NAME}. Build "
                "the collection again."
            )
    milvus = record.milvus if on_milvus else None
    space = open_space(
        statistics,
        record.encoder,
        record.revision,
        columns,
        first_pass=_read_first_pass(folder, record, columns, problems),
        scanned=milvus is None,
        regions=regions,
        boxes=() if record.regions is None else record.regions.boxes,
    )
    if milvus is not None:
        space = replace(space, index=open_milvus(milvus, folder.resolve(), space.index, space.density))
    calibration = None if record.calibration is None else load_calibration(folder / record.calibration, len(space))
    preprocessing = recorded_preprocessing(record.preprocessing) or space.preprocessing
    precision = record.precision or "float32"
    return replace(space, calibration=calibration, preprocessing=preprocessing, precision=precision)


def _check_record(folder: Path, record: SpaceRecord, statistics: SpaceStatistics) -> None:
    """Raises `CollectionError` unless manifest and statistics agree on metric, dimensions and columns."""
    if record.metric != "inner_product":
        raise CollectionError(
            f"{folder / FILE_NAME} says that {record.name} is compared by {record.metric}; only inner_product is known. "
            "Update artsim, or build the collection again."
        )
    names = vector_columns(record.name)
    expected: dict[str, tuple[str, str | None, int]] = {
        "density": (density_column(record.name), "float32", len(statistics.aspects)),
        "subject": (names["subject"], None, statistics.raw_dims["subject"]),
    }
    if statistics.bits is None:
        expected |= {aspect: (names[aspect], None, statistics.raw_dims[aspect]) for aspect in statistics.aspects}
    else:
        expected["compact"] = (compact_column(record.name), "uint8", statistics.dimension)
    found = {what: (column.name, column.type, column.length) for what, column in record.columns.items()}
    dims = {str(aspect): length for aspect, length in statistics.raw_dims.items()}
    fits = expected.keys() == found.keys() and all(
        (name, length) == (found[what][0], found[what][2]) and kind in (None, found[what][1])
        for what, (name, kind, length) in expected.items()
    )
    if not fits or dims != dict(record.dims) or statistics.name != record.name:
        raise CollectionError(
            f"The dimensions of {record.name} differ: {dict(record.dims)} and {found} in {folder / FILE_NAME}, {dims} and "
            f"{expected} by its statistics. Build the collection again."
        )


def _read_first_pass(
    folder: Path, record: SpaceRecord, columns: Mapping[str, Rows], problems: Mapping[str, str]
) -> Any:
    """FAISS's index of a compact space; None where there is none, or none that can be used."""
    if record.index is None:
        return None
    path, codes = folder / record.index, columns[record.columns["compact"].name]
    problem = problems.get(record.index)
    if problem is None:
        try:
            return read_first_pass(path, codes.stored, codes.dimension)
        except (OSError, ValueError, RuntimeError) as error:
            problem = f"cannot be used ({' '.join(str(error).split())})"
    log.warning("%s %s; it is built again from the embedding columns.", path, problem)
    return None
