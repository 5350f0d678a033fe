"""A collection in published layout as a plain `datasets.Dataset`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from artsim.errors import CollectionError
from artsim.storage.manifest import Manifest


def load_dataset_with_indexes(folder: Path, manifest: Manifest) -> Any:
    """The parquet files as a `datasets.Dataset`, each space's FAISS index attached under its name.

    `CollectionError` when a row names its picture by a path: `datasets` would open it, or publish it with `push_to_hub`.
    """
    from datasets import load_dataset

    # Given only the folder, `datasets` could load its cached copy of another folder of the same name.
    files = [str(folder / part.file) for part in manifest.groups.metadata]
    dataset = load_dataset("parquet", data_files=files, split="train", features=_plain_features(Path(files[0])))
    if "image" in dataset.column_names and (named := _pictures_by_path(dataset.data.column("image"))):
        raise CollectionError(
            f"{folder / 'data'} names {named} pictures by a path in place of holding them, and no such path is followed. "
            "Remove these works, or build the collection again."
        )
    for record in manifest.spaces:
        if record.index is not None:
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
