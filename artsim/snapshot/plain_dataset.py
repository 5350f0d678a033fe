"""A saved collection as a plain `datasets.Dataset`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa

from artsim.files.atomic import new_file, remove_tree
from artsim.files.cache import cache_folder, is_whole, making
from artsim.snapshot.dataset_rows import dataset_rows, dataset_schema
from artsim.snapshot.files import read_state
from artsim.storage.manifest import Manifest


def load_plain_dataset(folder: Path, manifest: Manifest) -> Any:
    """All works in `folder` with the columns of a published dataset, memory-mapped from a copy in the cache.

    Each space has a FAISS index (inner product) over its plain subject column, under the name of that column. Raises
    `ImageError` when a row holds no picture: a path in its place is never followed.
    """
    import faiss
    from datasets import Dataset

    copies = cache_folder() / "datasets" / _hash(str(folder.resolve()))
    copy = copies / f"{_hash(manifest.to_json())}.arrow"
    if not is_whole(copy):
        _write(folder, manifest, copy)
        for other in copies.glob("*.arrow"):  # of earlier versions
            if other != copy:
                remove_tree(other)
    dataset = Dataset.from_file(str(copy))
    for space in manifest.spaces:
        dataset.add_faiss_index(space.columns["subject"].name, metric_type=faiss.METRIC_INNER_PRODUCT)
    return dataset


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(folder: Path, manifest: Manifest, copy: Path) -> None:
    state = read_state(folder, manifest)
    schema = dataset_schema(state, pictures=manifest.embeds_pictures)
    with making(copy) as new, new_file(new) as file, pa.ipc.new_stream(file, schema) as writer:
        for table in dataset_rows(state, schema):
            writer.write_table(table)
