"""Vector columns in Arrow files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from artsim.errors import CollectionError
from artsim.storage.vector_files import kinds_of, vectors_of, writing_vectors

KINDS = {"a": (np.dtype(np.float16), 5), "b": (np.dtype(np.uint8), 3), "c": (np.dtype(np.float32), 1)}


def rows(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: (100 * rng.random((count, dim))).astype(dtype) for name, (dtype, dim) in KINDS.items()}


def write(path: Path, columns: dict[str, np.ndarray], step: int) -> None:
    with writing_vectors(path, KINDS, chunk=16) as writer:
        for start in range(0, len(columns["a"]), step):
            writer.write({name: column[start : start + step] for name, column in columns.items()})
        assert writer.rows == len(columns["a"])


def test_columns_come_back_memory_mapped_in_chunks(tmp_path: Path) -> None:
    path, columns = tmp_path / "vectors.arrow", rows(40)
    write(path, columns, 7)
    read = vectors_of(path)
    assert kinds_of(read) == KINDS
    for name, column in columns.items():
        assert [len(part) for part in read[name]] == [16, 16, 8]
        np.testing.assert_array_equal(np.concatenate(read[name]), column)
        assert not any(part.flags.owndata or part.flags.writeable for part in read[name])
    path.unlink()  # a save removes files that others have opened
    np.testing.assert_array_equal(np.concatenate(read["b"]), columns["b"])


def test_no_rows_are_no_rows(tmp_path: Path) -> None:
    write(tmp_path / "vectors.arrow", rows(0), 1)
    assert [part.shape for part in vectors_of(tmp_path / "vectors.arrow")["a"]] == [(0, 5)]


def arrow_file(path: Path, column: pa.Array, compression: str | None = None) -> Path:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    table = pa.table({"a": column})
    with pa.ipc.new_file(str(path), table.schema, options=options) as writer:
        writer.write_table(table)
    return path


@pytest.mark.parametrize(
    "kind", ["cut", "text", "missing", "a value lacks", "a row lacks", "float64", "strings", "zstd"]
)
def test_any_other_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "vectors.arrow"
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(4000, np.float32)), 4)
    if kind == "cut":
        write(path, rows(40), 40)
        path.write_bytes(path.read_bytes()[:-400])
    elif kind == "text":
        path.write_text("no vectors " * 100)
    elif kind == "a value lacks":
        arrow_file(path, pa.FixedSizeListArray.from_arrays(pa.array([1.0, None], pa.float32()), 2))
    elif kind == "a row lacks":
        arrow_file(path, pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)))
    elif kind == "float64":
        arrow_file(path, vectors.cast(pa.list_(pa.float64(), 4)))
    elif kind == "strings":
        arrow_file(path, pa.array(["a"]))
    elif kind == "zstd":
        arrow_file(path, vectors, "zstd")
    with pytest.raises(CollectionError, match=r"vectors\.arrow is not a file of vectors"):
        vectors_of(path)
