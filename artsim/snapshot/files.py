"""Save and open a collection: the files of `docs/architecture.md`, verified when they are opened."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from artsim.encoders.protocol import ASPECTS, Aspect, Blocks
from artsim.errors import CollectionError
from artsim.files.atomic import recover_folder, replacing_folder, writing
from artsim.index import build_index, load_index
from artsim.snapshot.region_index import IndexedRegions, build_region_index, load_regions, save_regions
from artsim.snapshot.space import Space
from artsim.snapshot.space_statistics import SpaceStatistics, load_statistics, save_statistics
from artsim.snapshot.state import State
from artsim.snapshot.works_map import save_map
from artsim.storage.card_figures import Figures
from artsim.storage.dataset_card import dataset_card
from artsim.storage.manifest import (
    FILE_NAME,
    Manifest,
    RegionsRecord,
    SpaceRecord,
    damaged_files,
    read_manifest,
    record_files,
)
from artsim.storage.shards import (
    ROW_GROUP,
    Shards,
    ShardWriter,
    dataset_schema,
    metadata_features,
    whole_rows,
)
from artsim.version import VERSION

log = logging.getLogger(__name__)


def read_collection(folder: Path, *, thorough: bool = False) -> tuple[State, Manifest]:
    """Read and verify the collection saved in `folder`; returns its state and manifest.

    A missing or damaged index is built again from the embedding columns (in memory, with a warning); any other damage
    raises `CollectionError`. `thorough` also hashes large files.
    """
    with writing(folder):
        recover_folder(folder)
    manifest = read_manifest(folder)
    problems = damaged_files(folder, manifest, thorough=thorough)
    for name, problem in problems.items():
        if name not in manifest.indexes:
            raise CollectionError(f"{folder / name} {problem}. Build or download the collection again.")
    return read_state(folder, manifest, damaged_indexes=problems), manifest


def read_state(folder: Path, manifest: Manifest, *, damaged_indexes: Mapping[str, str]) -> State:
    """Read the state saved in `folder`, whose files were already compared with `manifest`. Nothing is written there.

    `damaged_indexes` maps each unusable index file to its problem. Raises `CollectionError` if the files do not belong
    together.
    """
    shards = Shards([folder / name for name in manifest.data_files])
    if len(shards) != manifest.rows:
        raise CollectionError(
            f"{folder / 'data'} holds {len(shards)} works, but {folder / FILE_NAME} says {manifest.rows}. Build it again."
        )
    vectors = {column for record in manifest.spaces for column in record.vector_columns}
    features = metadata_features(shards.schema, vectors)
    if missing := vectors - set(shards.schema.names):
        raise CollectionError(f"{folder / 'data'} lacks the columns {', '.join(sorted(missing))}. Build it again.")
    table = shards.columns(list(features)).combine_chunks()  # thousands of small chunks would slow every reader down
    spaces = tuple(_open_space(folder, record, shards, damaged_indexes) for record in manifest.spaces)
    return State(table, spaces, features, shards.picture)


def _open_space(folder: Path, record: SpaceRecord, shards: Shards, problems: Mapping[str, str]) -> Space:
    statistics = load_statistics(folder / record.statistics)
    columns: dict[Aspect, str] = {aspect: record.columns[aspect] for aspect in ASPECTS if aspect in record.columns}
    _check_record(folder, record, statistics, shards)

    path = folder / record.index
    if record.index in problems:
        log.warning("%s %s; it is built again from the embedding columns.", path, problems[record.index])
        blocks: Blocks = {aspect: shards.vectors(column) for aspect, column in columns.items()}
        index = build_index(statistics.index_vectors(blocks), kind=record.index_type)
    else:
        index = load_index(path)
    if len(statistics) != len(shards):
        raise CollectionError(
            f"The statistics of {folder} are of {len(statistics)} works, but its data has {len(shards)}: they do not belong "
            "together. Build the collection again."
        )
    if (len(index), index.dimension) != (len(shards), statistics.dimension):
        raise CollectionError(
            f"{path} has {len(index)} rows of {index.dimension} numbers, but there are {len(shards)} works with "
            f"{statistics.dimension}: they do not belong together. Delete it to have it built again."
        )
    regions = None
    if record.regions is not None:
        regions = _open_regions(folder, record.regions, shards, problems.get(record.regions.index))
    return Space(statistics, index, record.encoder, record.revision, columns, shards.vectors, regions)


def _open_regions(folder: Path, record: RegionsRecord, shards: Shards, problem: str | None) -> IndexedRegions:
    """The regions of a space; `problem` describes damage of their index file."""
    statistics = load_regions(folder / record.statistics)
    rows, length = len(shards) * len(record.boxes), getattr(shards.schema.field(record.column).type, "list_size", 0)
    fits = record.dim == len(statistics.mean) and record.dim * len(record.boxes) == length
    if record.metric != "inner_product" or not fits:
        raise CollectionError(
            f"The regions of {folder} do not belong together: {len(record.boxes)} of {record.dim} numbers compared by "
            f"{record.metric} in {FILE_NAME}, {len(statistics.mean)} numbers in their statistics, {length} for all regions "
            "of a work in the data. Build the collection again."
        )
    path = folder / record.index
    if problem is not None:
        log.warning("%s %s; it is built again from the embedding columns.", path, problem)
        index = build_region_index(statistics, shards.vectors(record.column))
    else:
        index = load_index(path)
    if (len(index), index.dimension) != (rows, record.dim):
        raise CollectionError(
            f"{path} has {len(index)} rows of {index.dimension} numbers, but there are {rows} regions with {record.dim}: "
            "they do not belong together. Delete it to have it built again."
        )
    return IndexedRegions(record.boxes, statistics, index, record.column, shards.vectors)


def _check_record(folder: Path, record: SpaceRecord, statistics: SpaceStatistics, shards: Shards) -> None:
    """Raises `CollectionError` unless metric and dimensions agree in the manifest, the statistics and the data."""
    if record.metric != "inner_product":
        raise CollectionError(
            f"{folder / FILE_NAME} says that {record.name} is compared by {record.metric}; only inner_product is known. "
            "Update artsim, or build the collection again."
        )
    measured = {str(aspect): length for aspect, length in statistics.raw_dims.items()}
    stored = {
        aspect: getattr(shards.schema.field(column).type, "list_size", 0) for aspect, column in record.columns.items()
    }
    if not dict(record.dims) == measured == stored:
        raise CollectionError(
            f"The dimensions of {record.name} differ: {dict(record.dims)} in {folder / FILE_NAME}, {measured} in its "
            f"statistics, {stored} in the data. Build the collection again."
        )


def save_collection(state: State, manifest: Manifest, target: Path) -> Manifest:
    """Write everything to a new folder, which then replaces `target`. Returns the manifest as written."""
    from safetensors import SafetensorError

    check_target(target)
    vectors = {column: block for space in state.spaces for column, block in _vector_columns(space).items()}
    with replacing_folder(target) as folder:
        with_images = manifest.embeds_pictures
        writer = ShardWriter(
            folder,
            dataset_schema(state.schema, {name: v.shape[1] for name, v in vectors.items()}, images=with_images),
        )
        for table in _tables(state, vectors, with_images=with_images):
            writer.write(table)
        writer.close()
        try:
            records = tuple(_save_space(space, folder) for space in state.spaces)
            save_map(state, folder, target)
        except (RuntimeError, SafetensorError) as error:  # raised by FAISS and safetensors when the disk is full
            raise OSError(" ".join(str(error).split())) from error
        for path in (folder / "index").glob("*.safetensors"):
            path.chmod(0o644)  # safetensors writes files that only their owner can read
        manifest = dataclasses.replace(
            manifest,
            rows=len(state),
            spaces=records,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            format_version=2 if any(record.regions for record in records) else 1,
            artsim_version=VERSION,
            files={},
        )
        (folder / "README.md").write_text(collection_card(state, manifest), encoding="utf-8")
        manifest = dataclasses.replace(manifest, files=record_files(folder))
        (folder / FILE_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def collection_card(
    state: State, manifest: Manifest, *, repo_id: str | None = None, evaluation: Figures | None = None
) -> str:
    """The dataset card of a collection. See `dataset_card`."""
    return dataset_card(
        manifest,
        schema=state.schema,
        block_dims=[space.statistics.dims_by_aspect for space in state.spaces],
        first_id=str(state.table.column("id")[0].as_py()) if len(state) else "",
        repo_id=repo_id,
        evaluation=evaluation,
    )


def check_target(target: Path) -> None:
    """Raises `CollectionError` if `target` holds anything but a collection: it is never overwritten."""
    if target.is_file() or (target.is_dir() and any(target.iterdir()) and not (target / FILE_NAME).is_file()):
        raise CollectionError(f"{target} exists and is not a collection; it is left as it is. Give another folder.")


def _vector_columns(space: Space) -> dict[str, np.ndarray]:
    blocks = space.raw_blocks()
    columns = {space.columns[aspect]: blocks[aspect] for aspect in space.columns}
    if space.regions is not None:
        columns[space.regions.column] = space.regions.raw()
    return columns


def _tables(state: State, vectors: Mapping[str, np.ndarray], *, with_images: bool) -> Iterator[pa.Table]:
    """The rows of the collection, at most `ROW_GROUP` at a time."""
    for start in range(0, len(state), ROW_GROUP):
        stop = min(start + ROW_GROUP, len(state))
        pictures = [state.pictures(row) for row in range(start, stop)] if with_images else None
        blocks = {name: block[start:stop] for name, block in vectors.items()}
        yield from whole_rows(state.table.slice(start, stop - start), pictures, blocks)


def _save_space(space: Space, folder: Path) -> SpaceRecord:
    """Write the index and the statistics."""
    (folder / "index").mkdir(exist_ok=True)
    record = SpaceRecord(
        name=space.name,
        encoder=space.encoder,
        revision=space.revision,
        columns={str(aspect): column for aspect, column in space.columns.items()},
        dims={str(aspect): length for aspect, length in space.statistics.raw_dims.items()},
        index=f"index/{space.name}.faiss",
        index_type=space.index.kind,
        statistics=f"index/{space.name}.safetensors",
        regions=None if space.regions is None else _regions_record(space.name, space.regions),
    )
    space.index.save(folder / record.index)
    save_statistics(space.statistics, folder / record.statistics)
    if space.regions is not None and record.regions is not None:
        space.regions.index.save(folder / record.regions.index)
        save_regions(space.regions.statistics, folder / record.regions.statistics)
    return record


def _regions_record(name: str, regions: IndexedRegions) -> RegionsRecord:
    return RegionsRecord(
        column=regions.column,
        boxes=regions.boxes,
        dim=len(regions.statistics.mean),
        index=f"index/{name}.regions.faiss",
        index_type=regions.index.kind,
        statistics=f"index/{name}.regions.safetensors",
    )


def load_dataset_with_indexes(folder: Path, manifest: Manifest) -> Any:
    """The parquet files as a `datasets.Dataset`, each space's FAISS index attached under its name.

    `CollectionError` when a row names its picture by a path: `datasets` would open it, or publish it with `push_to_hub`.
    """
    from datasets import load_dataset

    # Given only the folder, `datasets` could load its cached copy of another folder of the same name.
    files = [str(folder / name) for name in sorted(manifest.files) if name.startswith("data/")]
    dataset = load_dataset("parquet", data_files=files, split="train", features=_plain_features(Path(files[0])))
    if "image" in dataset.column_names and (named := _pictures_by_path(dataset.data.column("image"))):
        raise CollectionError(
            f"{folder / 'data'} names {named} pictures by a path in place of holding them, and no such path is followed. "
            "Remove these works, or build the collection again."
        )
    for record in manifest.spaces:
        dataset.load_faiss_index(record.name, folder / record.index)
    return dataset


def _plain_features(path: Path) -> Any:
    """Columns by their Arrow types: pictures in `image`, and nowhere else anything that `datasets` opens files for.

    What the file says of its columns itself is a stranger's word, and may make a picture or a film of any of them.
    """
    from datasets import Features, Image

    schema = pq.read_schema(path).remove_metadata()
    features = Features.from_arrow_schema(schema)
    return Features({name: Image() if name == "image" else feature for name, feature in features.items()})


def _pictures_by_path(column: pa.ChunkedArray) -> int:
    """How many rows have a path and no bytes. No picture is read for it."""
    named = 0
    for chunk in column.chunks:
        by_path = pc.and_(pc.is_null(pc.struct_field(chunk, "bytes")), pc.is_valid(pc.struct_field(chunk, "path")))
        named += pc.sum(by_path).as_py() or 0
    return named
