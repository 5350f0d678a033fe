"""A collection as a plain `datasets.Dataset`: nothing of it makes `datasets` open a file of this machine."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from manifests import manifest_of, record_file
from poisoned import poison, shapes
from synthetic import make_collection

from artsim import ArtsimError, open_collection

pytestmark = pytest.mark.slow  # the file takes more than a few seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_collection(artists=3).save(tmp_path / "made-up")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARTSIM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("shape", ["path", "text"])
def test_a_row_that_names_a_file_of_this_machine_is_in_no_dataset(folder: Path, shape: str, painting: bytes) -> None:
    secret = folder.parent / "secret.jpg"
    secret.write_bytes(painting)
    poison(folder, "work-1-2", shapes(secret)[shape])
    with pytest.raises(ArtsimError, match="a path in its place is never followed"):
        open_collection(folder).dataset()


def test_no_other_column_of_a_dataset_is_opened_as_a_picture(folder: Path) -> None:
    """The features in a parquet file may call any column a picture, which is then opened wherever it names one."""
    name = manifest_of(folder)["groups"]["metadata"][0]["file"]
    table = pq.read_table(folder / name)
    titles = pa.array(["/etc/passwd"] * len(table))
    place = table.schema.names.index("title")
    described = json.loads(table.schema.metadata[b"huggingface"])
    described["info"]["features"]["title"] = {"_type": "Image"}
    table = table.set_column(place, "title", titles).replace_schema_metadata({"huggingface": json.dumps(described)})
    pq.write_table(table, folder / name)
    record_file(folder, name)
    dataset = open_collection(folder).dataset()
    assert dataset[5]["title"] == "/etc/passwd"
    assert dataset[5]["image"].size == (48, 32)


def test_the_cache_holds_one_copy_of_a_collection_the_newest(folder: Path, own_cache: Path) -> None:
    collection = open_collection(folder)
    before = collection.dataset()
    collection.remove(["work-0-0"])
    collection.save()
    assert len(collection.dataset()) == len(before) - 1 == 14
    assert before[0]["id"] == "work-0-0"  # it stays open
    assert len(list(own_cache.rglob("*.arrow"))) == 1
