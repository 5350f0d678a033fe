"""The published layout: columns and files for plain `datasets` and FAISS, small, the same each time; read like a local one."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import synthetic
from hub_server import HubServer

import artsim
from artsim.errors import CollectionError
from artsim.hub.layout import publishing_folder, write_published
from artsim.snapshot import dataset_rows as rows_module
from artsim.snapshot.files import read_collection
from artsim.snapshot.groups import vectors_copy
from artsim.storage import dataset_files
from artsim.storage.manifest import Manifest, parse_manifest

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

REPO = "artist/made-up"
WORKS = 480


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved collection of two spaces that are kept whole, with long subject vectors, without pictures."""
    monkeypatch.setattr(synthetic, "DIMS", {**synthetic.DIMS, "subject": 800})
    return synthetic.make_collection(spaces=2, images="urls").save(tmp_path / "whole")


def published(folder: Path, target: Path) -> Manifest:
    """The files that publishing sends of the collection in `folder`, in `target`."""
    state, manifest = read_collection(folder)
    manifest = write_published(state, manifest, folder, target)
    (target / "artsim.json").write_text(manifest.to_json())
    return manifest


def row_groups(path: Path) -> Iterator[pq.RowGroupMetaData]:
    metadata = pq.read_metadata(path)
    return (metadata.row_group(number) for number in range(metadata.num_row_groups))


def test_columns_stand_in_order_and_row_i_is_work_i_in_every_file(compact: Path, tmp_path: Path) -> None:
    state, _ = read_collection(compact)
    manifest = published(compact, tmp_path)
    assert sorted(manifest.files) == [
        "data/train-00000-of-00001.parquet",
        "index/space-0.calibration.safetensors",
        "index/space-0.faiss",
        "index/space-0.map.safetensors",
        "index/space-0.regions.safetensors",
        "index/space-0.safetensors",
        "index/subject.faiss",
    ]
    table = pq.read_table(tmp_path / "data")
    metadata = [name for name in state.schema if name != "id"]
    vectors = ["space_0_subject", "space_0_density", "space_0_compact", "space_0_regions"]
    assert table.schema.names == ["id", "image", *metadata, *vectors]
    assert [str(table.schema.field(name).type.value_type) for name in vectors] == ["float", "float", "uint8", "uint8"]
    assert table.column("id").equals(state.table.column("id"))

    subject = np.stack(table.column("space_0_subject").to_numpy())
    flat = faiss.read_index(str(tmp_path / "index/subject.faiss"))
    assert (type(flat), flat.metric_type) == (faiss.IndexFlatIP, faiss.METRIC_INNER_PRODUCT)
    np.testing.assert_array_equal(flat.reconstruct_n(0, flat.ntotal), subject)
    assert faiss.read_index(str(tmp_path / "index/space-0.faiss")).ntotal == WORKS  # without removed ones

    there = artsim.open_collection(tmp_path)
    here = artsim.open_collection(compact)
    for row in (0, 3, WORKS - 1):
        identity = here.ids[row]
        assert there.picture(identity) == here.picture(identity)
        assert [match.id for match in there.search(work=identity)] == [match.id for match in here.search(work=identity)]


def test_wide_blocks_and_long_subject_vectors_are_in_half_precision(whole: Path, tmp_path: Path) -> None:
    published(whole, tmp_path)
    schema = pq.read_schema(tmp_path / "data" / "train-00000-of-00001.parquet")
    vectors = [field for field in schema if pa.types.is_fixed_size_list(field.type)]
    assert [field.name for field in vectors] == [
        *("space_0_subject", "space_0_density", "space_0_style", "palette_color", "space_0_layout"),
        *("space_1_subject", "space_1_density", "space_1_style", "space_1_layout"),
    ]
    assert [str(field.type.value_type) for field in vectors[:3]] == ["halffloat", "float", "halffloat"]
    assert "image" not in schema.names
    assert faiss.read_index(str(tmp_path / "index/subject.faiss")).d == 800
    there, here = artsim.open_collection(tmp_path), artsim.open_collection(whole)
    query = {"work": "work-3-1", "encoder": "fusion"}
    assert [match.id for match in there.search(**query)] == [match.id for match in here.search(**query)]


def test_a_compact_collection_is_small_on_the_hub(compact: Path, tmp_path: Path) -> None:
    manifest = published(compact, tmp_path)
    sizes: dict[str, int] = {}
    for group in row_groups(tmp_path / manifest.groups.vectors[0].file):
        for number in range(group.num_columns):
            column = group.column(number)
            name = column.path_in_schema.split(".")[0]
            sizes[name] = sizes.get(name, 0) + column.total_compressed_size
    index = sum(manifest.files[f"index/space-0.{kind}"].size for kind in ("faiss", "map.safetensors"))
    # What was fitted (`index/space-0.safetensors`) does not grow with the works.
    assert (sizes["space_0_density"] + sizes["space_0_compact"] + index) / WORKS < 1500
    assert sizes["space_0_regions"] / WORKS < 2500
    assert manifest.files["index/space-0.safetensors"].size < 2_000_000


def test_the_same_works_give_the_same_data_whatever_was_saved(compact: Path, tmp_path: Path) -> None:
    first = published(compact, tmp_path / "first")
    copy = artsim.open_collection(compact)
    copy.edit(copy.ids[0], {"title": "Another"})
    folder = copy.save(tmp_path / "copy")  # in one part, without removed works
    copy.edit(copy.ids[0], {"title": "Study <0> & more"})
    copy.save()
    assert copy.manifest.generation == 2
    second = published(folder, tmp_path / "second")
    for name in ("data/train-00000-of-00001.parquet", "index/subject.faiss"):
        assert first.files[name] == second.files[name]


def pieces(path: Path) -> dict[int, int]:
    """Hash -> bytes of each column of each row group."""
    data, found = path.read_bytes(), {}
    for group in row_groups(path):
        for column in map(group.column, range(group.num_columns)):
            piece = data[column.data_page_offset :][: column.total_compressed_size]
            found[zlib.crc32(piece)] = len(piece)
    return found


def test_an_edit_and_a_removal_change_little_of_the_data(compact: Path, tmp_path: Path) -> None:
    collection = artsim.open_collection(compact)

    def written(name: str) -> dict[int, int]:
        write_published(collection.state, collection.manifest, compact, tmp_path / name)
        return pieces(tmp_path / name / "data" / "train-00000-of-00001.parquet")

    before = written("before")
    collection.edit(collection.ids[100], {"title": "Another title"})
    edited = written("edited")
    assert sum(size for piece, size in edited.items() if piece not in before) < 0.001 * sum(edited.values())
    collection.remove(collection.ids[:1])
    without = written("without")
    assert sum(size for piece, size in without.items() if piece not in edited) < 0.2 * sum(without.values())


def test_row_groups_and_files_stay_small_whatever_the_pictures_weigh(
    compact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "PORTION_BYTES", 50_000)
    monkeypatch.setattr(dataset_files, "FILE_BYTES", 400_000)
    manifest = published(compact, tmp_path)
    assert len(manifest.groups.vectors) > 3
    assert manifest.groups.pictures == manifest.groups.metadata == manifest.groups.vectors
    for part in manifest.groups.vectors:
        assert manifest.files[part.file].size < 400_000 + 100_000
        groups = list(row_groups(tmp_path / part.file))
        assert sum(group.num_rows for group in groups) == part.rows
        assert max(group.num_rows for group in groups) < 16
        encodings = {column.encodings for group in groups for column in map(group.column, range(group.num_columns))}
        assert not any("DICTIONARY" in encoding for several in encodings for encoding in several)
    there = artsim.open_collection(tmp_path)
    assert there.ids == artsim.open_collection(compact).ids
    assert there.search(work=there.ids[7])[0].id != there.ids[7]


@pytest.mark.parametrize("harm", ["cut", "written to", "of another file"])
def test_a_copy_of_the_vectors_that_is_damaged_or_foreign_is_made_again(
    harm: str, compact: Path, whole: Path, tmp_path: Path
) -> None:
    manifest = published(compact, tmp_path / "compact")
    expected = [match.id for match in artsim.open_collection(tmp_path / "compact").search(work="work-30-1")]
    copy = vectors_copy(manifest.files[manifest.groups.vectors[0].file])
    data = copy.read_bytes()
    time = copy.stat().st_mtime_ns
    artsim.open_collection(tmp_path / "compact")
    assert copy.stat().st_mtime_ns == time
    if harm == "cut":
        copy.write_bytes(data[:-1000])
    elif harm == "written to":
        copy.write_bytes(data[:100_000] + bytes(len(data) - 200_000) + data[-100_000:])
    else:
        other = published(whole, tmp_path / "other")
        artsim.open_collection(tmp_path / "other")
        vectors_copy(other.files[other.groups.vectors[0].file]).replace(copy)
    assert [match.id for match in artsim.open_collection(tmp_path / "compact").search(work="work-30-1")] == expected
    assert copy.read_bytes() == data


def test_dataset_has_the_columns_of_a_published_one_whatever_the_layout(compact: Path, tmp_path: Path) -> None:
    published(compact, tmp_path)
    here, there = (artsim.open_collection(folder).dataset() for folder in (compact, tmp_path))
    assert here.features == there.features
    assert here.column_names == pq.read_schema(tmp_path / "data" / "train-00000-of-00001.parquet").names
    assert here[WORKS - 1]["id"] == "work-4-3"
    assert here[5]["image"].size == (48, 32)
    for dataset in (here, there):
        query = np.float32(dataset[WORKS - 1]["space_0_subject"])
        cosines, nearest = dataset.get_nearest_examples("space_0_subject", query, k=3)
        assert nearest["id"][0] == "work-4-3"
        assert cosines[0] == pytest.approx(1, abs=1e-5)


def test_a_collection_of_the_old_format_is_to_be_built_again(hub: HubServer, compact: Path, tmp_path: Path) -> None:
    again = r"artsim\.json.* was made by an older artsim, in another format; build it again\.$"
    old = b'{"format_version": 2, "title": "Old", "rows": 3}'
    (tmp_path / "artsim.json").write_bytes(old)
    hub.add_repo(REPO, "dataset", {"artsim.json": old})
    for name in (tmp_path, REPO):
        with pytest.raises(CollectionError, match=again):
            artsim.open_collection(name)
    with pytest.raises(CollectionError, match=again):
        artsim.publish(tmp_path, REPO)
    artsim.publish(compact, REPO)  # in its place
    assert parse_manifest(hub.files(REPO, "dataset")["artsim.json"].decode(), "").rows == WORKS
    assert len(artsim.open_collection(REPO)) == WORKS


def test_one_process_at_a_time_publishes_a_collection_and_what_a_killed_one_left_is_removed(
    whole: Path, artsim_cache: Path
) -> None:
    with publishing_folder(whole) as target:
        published(whole, target)
        with (
            pytest.raises(
                CollectionError, match=rf"is locked: process {os.getpid()} on .* has been publishing {whole}"
            ),
            publishing_folder(whole),
        ):
            pass
        shutil.copytree(target / "data", artsim_cache / "left")
    assert not (target / "data").exists()
    shutil.move(artsim_cache / "left", target / "data")
    with publishing_folder(whole):
        assert not (target / "data").exists()
