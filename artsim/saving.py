"""A collection to disk and back: the files of `docs/architecture.md`, verified on the way in."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from artsim.card import dataset_card
from artsim.collection import Collection, Pictures
from artsim.contents import Contents, IndexedSpace
from artsim.encoders.base import ASPECTS, Aspect, Blocks
from artsim.errors import CollectionError
from artsim.index import build_index, load_index
from artsim.manifest import FILE_NAME, Manifest, SpaceRecord, damaged_files, read_manifest, record_files
from artsim.space import load_space, save_space
from artsim.storage import (
    ROW_GROUP,
    Shards,
    ShardWriter,
    dataset_schema,
    recover_folder,
    replacing_folder,
    vector_column,
)
from artsim.version import VERSION

log = logging.getLogger(__name__)


def open_folder(folder: Path, *, thorough: bool = False) -> Collection:
    """The collection saved in `folder`, verified against its manifest.

    A missing or damaged index is built again from the embedding columns (in memory, with a warning); anything else that
    is wrong raises `CollectionError`. `thorough` hashes large files as well.
    """
    recover_folder(folder)
    manifest = read_manifest(folder)
    problems = damaged_files(folder, manifest, thorough=thorough)
    indexes = {record.index for record in manifest.spaces}
    for name, problem in problems.items():
        if name not in indexes:
            raise CollectionError(f"{folder / name} {problem}. Build or download the collection again.")
    shards = Shards(sorted((folder / "data").glob("train-*.parquet")))
    if len(shards) != manifest.rows:
        raise CollectionError(
            f"{folder / 'data'} holds {len(shards)} works, but {folder / FILE_NAME} says {manifest.rows}. Build it again."
        )
    vectors = {column for record in manifest.spaces for column in record.columns.values()}
    names = [name for name in shards.schema.names if name not in vectors and name != "image"]
    table = shards.columns(names)
    spaces = tuple(_open_space(folder, record, shards, problems) for record in manifest.spaces)
    contents = Contents(table, spaces, _features(shards, names))
    return Collection(contents=contents, pictures=shards.picture, manifest=manifest, folder=folder)


def _features(shards: Shards, names: list[str]) -> Mapping[str, Any]:
    from datasets import Features

    features = Features.from_arrow_schema(shards.schema)
    return {name: features[name] for name in names}


def _open_space(folder: Path, record: SpaceRecord, shards: Shards, problems: Mapping[str, str]) -> IndexedSpace:
    space = load_space(folder / record.statistics)
    columns: dict[Aspect, str] = {aspect: record.columns[aspect] for aspect in ASPECTS if aspect in record.columns}

    def load_vectors(column: str) -> np.ndarray:
        from artsim.storage import column_vectors

        return column_vectors(shards.columns([column]).column(column))

    blocks: Blocks | None = None
    if record.index in problems:
        log.warning(
            "%s %s; it is built again from the embedding columns.", folder / record.index, problems[record.index]
        )
        blocks = {aspect: load_vectors(column) for aspect, column in columns.items()}
        index = build_index(space.place(blocks), kind=record.index_type)
    else:
        index = load_index(folder / record.index)
    for what, count in (("index", len(index)), ("statistics", len(space))):
        if count != len(shards):
            raise CollectionError(
                f"The {what} of {folder} has {count} rows, but its data has {len(shards)} works: they do not belong "
                f"together. Delete {folder / getattr(record, what)} to have the index built again, or build the collection again."
            )
    if index.dimension != space.dimension:
        raise CollectionError(
            f"{folder / record.index} has {index.dimension} dimensions, its statistics {space.dimension}: they do not "
            "belong together. Build the collection again."
        )
    return IndexedSpace(space, index, record.encoder, record.revision, columns, load_vectors)


def save_collection(contents: Contents, pictures: Pictures, manifest: Manifest, target: Path) -> Manifest:
    """Write everything into a new folder, then put it in the place of `target`. Returns the manifest as written."""
    check_target(target)
    vectors = {column: block for indexed in contents.spaces for column, block in _vector_columns(indexed).items()}
    with replacing_folder(target) as folder:
        with_images = manifest.images == "bytes"
        writer = ShardWriter(
            folder,
            dataset_schema(contents.schema, {name: v.shape[1] for name, v in vectors.items()}, images=with_images),
        )
        for table in _tables(contents, pictures if with_images else None, vectors):
            writer.write(table)
        writer.close()
        records = tuple(_save_space(indexed, folder) for indexed in contents.spaces)
        manifest = dataclasses.replace(
            manifest,
            rows=len(contents),
            spaces=records,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            artsim_version=VERSION,
            files={},
        )
        (folder / "README.md").write_text(dataset_card(manifest, contents), encoding="utf-8")
        manifest = dataclasses.replace(manifest, files=record_files(folder))
        (folder / FILE_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def check_target(target: Path) -> None:
    """`CollectionError` when `target` holds something that is not a collection: it is never overwritten."""
    if target.is_file() or (target.is_dir() and any(target.iterdir()) and not (target / FILE_NAME).is_file()):
        raise CollectionError(f"{target} exists and is not a collection; it is left as it is. Give another folder.")


def _vector_columns(indexed: IndexedSpace) -> dict[str, np.ndarray]:
    blocks = indexed.raw_blocks()
    return {indexed.columns[aspect]: blocks[aspect] for aspect in indexed.columns}


def _tables(contents: Contents, pictures: Pictures | None, vectors: Mapping[str, np.ndarray]) -> Iterator[pa.Table]:
    """The collection's rows, `ROW_GROUP` at a time."""
    ids = contents.table.column("id").to_pylist()
    for start in range(0, len(contents), ROW_GROUP):
        table = contents.table.slice(start, ROW_GROUP)
        rows = range(start, start + len(table))
        if pictures is not None:
            images = pa.array(
                [{"bytes": pictures(row), "path": Path(ids[row]).name} for row in rows],
                pa.struct({"bytes": pa.binary(), "path": pa.string()}),
            )
            table = table.append_column("image", images)
        for name, block in vectors.items():
            table = table.append_column(name, vector_column(block[start : start + len(table)]))
        yield table


def _save_space(indexed: IndexedSpace, folder: Path) -> SpaceRecord:
    (folder / "index").mkdir(exist_ok=True)
    record = SpaceRecord(
        name=indexed.name,
        encoder=indexed.encoder,
        revision=indexed.revision,
        columns={str(aspect): column for aspect, column in indexed.columns.items()},
        dims={aspect: len(mean) for aspect, mean in indexed.space.means.items()},
        index=f"index/{indexed.name}.faiss",
        index_type=indexed.index.kind,
        statistics=f"index/{indexed.name}.safetensors",
    )
    indexed.index.save(folder / record.index)
    save_space(indexed.space, folder / record.statistics)
    return record


def load_dataset_with_indexes(folder: Path, manifest: Manifest) -> Any:
    """The parquet files as a `datasets.Dataset`, each space's FAISS index attached under its name."""
    from datasets import load_dataset

    dataset = load_dataset(str(folder), split="train")
    for record in manifest.spaces:
        dataset.load_faiss_index(record.name, folder / record.index)
    return dataset
