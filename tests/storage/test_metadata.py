"""Metadata in parquet."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Features, List, Value

from artsim.errors import CollectionError
from artsim.storage.metadata import Metadata, read_metadata, write_metadata

FEATURES: dict[str, Any] = {"id": Value("string"), "year": Value("int32"), "tags": List(Value("string"))}
TABLE = pa.table({"id": ["a", "b"], "year": [1600, None], "tags": [["x"], None]}).cast(
    Features(FEATURES).arrow_schema.remove_metadata()
)


def test_metadata_comes_back_with_its_features_and_without_the_hidden_columns(tmp_path: Path) -> None:
    path = tmp_path / "metadata.parquet"
    write_metadata(path, Metadata(TABLE, FEATURES, np.array([5, 2]), np.array([1, 0])))
    assert pq.read_schema(path).names == ["id", "year", "tags", "physical_row", "picture_row"]
    read = read_metadata([path])
    assert read.table == TABLE
    assert dict(read.features) == FEATURES
    assert read.physical_row is not None
    assert read.picture_row is not None
    assert (read.physical_row.tolist(), read.picture_row.tolist()) == ([5, 2], [1, 0])


@pytest.mark.parametrize("rows", [[0, 0], [-1, 0], [None, 0]])
def test_row_numbers_of_strangers_are_checked(rows: list[int], tmp_path: Path) -> None:
    path = tmp_path / "metadata.parquet"
    pq.write_table(TABLE.append_column("physical_row", pa.array(rows, pa.int64())), path)
    with pytest.raises(CollectionError, match="is not a file of metadata"):
        read_metadata([path])
