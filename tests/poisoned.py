"""Collections as a stranger may publish them: whole by their manifest, but with rows that hold no picture of their own."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from manifests import manifest_of, record_file


def poison(folder: Path, work: str, image: dict[str, Any] | str) -> None:
    """Put `image` in place of the picture of a work, and have the manifest say that the file is the right one.

    A text in place of the bytes, or of the whole, makes all pictures of the file such texts: a column has one type.
    """
    name = manifest_of(folder)["groups"]["pictures"][0]["file"]
    path = folder / name
    table = pq.read_table(path)
    ids, images = table.column("id").to_pylist(), table.column("image").to_pylist()
    place = table.schema.names.index("image")
    kind: pa.DataType = table.schema.field("image").type
    if isinstance(image, str):
        images, kind = [f"{name}.jpg" for name in ids], pa.string()
    elif isinstance(image["bytes"], str):
        kind = pa.struct({"bytes": pa.string(), "path": pa.string()})
        images = [{"bytes": f"{name}.jpg", "path": None} for name in ids]
    images[ids.index(work)] = image
    metadata = table.schema.metadata
    table = table.set_column(place, "image", pa.array(images, kind)).replace_schema_metadata(metadata)
    pq.write_table(table, path, row_group_size=8)
    record_file(folder, name)


def shapes(secret: Path) -> dict[str, dict[str, Any] | str]:
    """All the ways in which a row can name `secret` in place of holding its picture."""
    return {
        "path": {"bytes": None, "path": str(secret)},
        "text as bytes": {"bytes": str(secret), "path": None},
        "text": str(secret),
    }


SHAPES = tuple(shapes(Path()))
