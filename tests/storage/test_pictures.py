"""Pictures in parquet files, read one at a time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artsim.errors import CollectionError, ImageError
from artsim.storage import pictures as module
from artsim.storage.pictures import NewPictures, Pictures, StoredPictures, writing_pictures


def picture(number: int) -> bytes:
    return bytes([number]) * (100 + number)


def write(folder: Path, count: int) -> list[tuple[Path, int]]:
    with writing_pictures(folder) as writer:
        for number in range(count):
            writer.write(f"folder/work {number}.jpg", picture(number))
    return writer.files


def test_row_groups_hold_few_pictures_and_few_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROW_GROUP_BYTES", 500)
    monkeypatch.setattr(module, "FILE_BYTES", 4000)
    files = write(tmp_path, 60)
    assert [path.name for path, _ in files] == ["pictures-000.parquet", "pictures-001.parquet"]
    assert sum(rows for _, rows in files) == 60
    for path, rows in files:
        metadata = pq.read_metadata(path)
        assert metadata.num_rows == rows
        sizes = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
        assert max(sizes) <= 4
    stored = Pictures(tuple(StoredPictures(path) for path, _ in files), np.arange(60))
    assert [stored(row) for row in range(60)] == [picture(row) for row in range(60)]


def test_pictures_of_several_parts_without_removed_ones_survive_the_removal_of_their_files(tmp_path: Path) -> None:
    (path, _), *_ = write(tmp_path, 40)
    pictures = (
        Pictures.of(StoredPictures(path)).only(np.array([0, 33, 39])).appended([lambda: b"new", lambda: b"newer"])
    )
    path.unlink()
    assert [pictures(row) for row in range(len(pictures))] == [picture(0), picture(33), picture(39), b"new", b"newer"]
    assert pictures.only(np.array([4, 1]))(0) == b"newer"
    assert isinstance(pictures.parts[1], NewPictures)


@pytest.mark.parametrize("kind", ["path", "text as bytes", "text"])
def test_a_path_in_place_of_a_picture_is_never_followed(kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    images = {
        "path": pa.array(
            [{"bytes": None, "path": str(secret)}], pa.struct({"bytes": pa.binary(), "path": pa.string()})
        ),
        "text as bytes": pa.array([{"bytes": str(secret), "path": None}]),
        "text": pa.array([str(secret)]),
    }
    pq.write_table(pa.table({"id": ["a work"], "image": images[kind]}), tmp_path / "pictures.parquet")
    with pytest.raises(ImageError, match="does not hold the picture of 'a work', and a path"):
        StoredPictures(tmp_path / "pictures.parquet")(0)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no pictures")
    pq.write_table(pa.table({"id": ["a work"]}), tmp_path / "other.parquet")
    for name in ("text.parquet", "other.parquet", "missing.parquet"):
        with pytest.raises(CollectionError, match=f"{name} is not a file of pictures"):
            StoredPictures(tmp_path / name)
