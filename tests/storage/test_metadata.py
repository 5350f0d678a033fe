"""Metadata in parquet."""

from decimal import Decimal
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


def test_columns_that_datasets_has_no_feature_for_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "metadata.parquet"
    prices = [Decimal("1.50"), None]
    table = TABLE.append_column("price", pa.array(prices, pa.decimal128(9, 2)))
    pq.write_table(table.append_column("short", pa.array(prices, pa.decimal32(9, 2))), path)
    read = read_metadata([path])
    assert (list(read.features), len(read.features), "short" in read.features) == (read.table.column_names, 4, False)
    assert dict(read.features) == {**FEATURES, "price": Value("decimal128(9, 2)")}
    assert "are left out: ['short']" in caplog.text
