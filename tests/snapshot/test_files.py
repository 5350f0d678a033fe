"""Collections on disk: a save writes what changed, and a reader finds the old or the new one."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from collections_on_disk import compact_from, content, content_of, files_in, works
from faults import faulty
from manifests import record_file
from synthetic import make_collection

from artsim.collection import Collection
from artsim.errors import CollectionError
from artsim.snapshot import files, groups
from artsim.snapshot.files import read_collection

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

MADE = "generations/000001"


def test_what_is_saved_is_opened(folder: Path) -> None:
    collection = Collection.from_folder(folder)
    made = make_collection(spaces=2)
    assert content(collection) == content(made)
    for space, before in zip(collection.state.spaces, made.state.spaces, strict=True):
        assert space.index.kind == before.index.kind
        for name, rows in space.columns().items():
            np.testing.assert_array_equal(rows.all(), before.columns()[name].all())
            assert not rows.parts[0].flags.owndata  # memory-mapped


def test_an_edit_writes_the_metadata_alone(folder: Path) -> None:
    before = files_in(folder)
    collection = Collection.from_folder(folder)
    collection.edit("work-1-1", {"title": "Another"})
    collection.save()
    assert files_in(folder) == before - {f"{MADE}/metadata.parquet"} | {"generations/000002/metadata.parquet"}
    assert content_of(folder) == content(collection)


def test_a_removal_writes_metadata_calibrations_and_map(folder: Path) -> None:
    before = files_in(folder)
    collection = Collection.from_folder(folder)
    collection.remove(["work-1-1", "work-3-2"])
    expected = content(collection)
    collection.save()
    calibrations = {Path(name).name for name in before if name.endswith(".calibration.safetensors")}
    rewritten = {"metadata.parquet", "space-0.map.safetensors", *calibrations}
    assert files_in(folder) == {name for name in before if Path(name).name not in rewritten} | {
        f"generations/000002/{name}" for name in rewritten
    }
    assert content_of(folder) == content(collection) == expected


def test_added_works_are_parts_of_their_own(folder: Path) -> None:
    before = files_in(folder)
    collection = Collection.from_folder(folder)
    collection.add(works("new", "newer", spaces=2))
    collection.remove(["new"])
    collection.save()
    written = {"metadata.parquet", "vectors-000.arrow", "pictures-000.parquet", "space-0.map.safetensors"}
    indexes = {name for name in before if name.endswith(".faiss")}
    calibrations = {name for name in before if name.endswith(".calibration.safetensors")}
    written |= {Path(name).name for name in indexes | calibrations}
    gone = {f"{MADE}/metadata.parquet", f"{MADE}/space-0.map.safetensors", *indexes, *calibrations}
    assert files_in(folder) == before - gone | {f"generations/000002/{name}" for name in written}
    assert content_of(folder) == content(collection)


def test_parts_are_merged_while_a_collection_grows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MAX_PARTS", 4)
    collection = Collection.from_folder(folder)
    for number in range(9):
        collection.add(works(f"new-{number}", f"again-{number}", spaces=2))
        collection.remove([f"again-{number}"])
        expected = content(collection)
        collection.save()
        assert content_of(folder) == content(collection) == expected
        kinds = [Path(name).name.split("-")[0] for name in files_in(folder)]
        assert kinds.count("vectors") <= 4
        assert kinds.count("pictures") <= 4


@pytest.mark.parametrize(
    ("sizes", "first"),
    [
        ([80_000, 10, 10, 10], 1),
        ([80_000, 160, 30, 10], 1),
        ([80_000, 25_000, 100, 30], 2),
        ([20, 10, 5], 0),
        ([9, 1], 1),
    ],
)
def test_small_parts_are_merged_and_large_ones_left_alone(sizes: list[int], first: int) -> None:
    assert groups.merge_from(sizes) == first


def test_rows_of_removed_works_are_left_out_once_they_are_many(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    collection = Collection.from_folder(folder)
    collection.remove(collection.ids[3:18])
    collection.save()
    kept = files_in(folder)
    assert f"{MADE}/vectors-000.arrow" not in kept  # a third is gone
    assert f"{MADE}/pictures-000.parquet" in kept
    collection.remove(collection.ids[-10:])
    expected = content(collection)
    collection.save()
    assert f"{MADE}/pictures-000.parquet" not in files_in(folder)  # more than half
    assert content_of(folder) == content(collection) == expected
    assert "built again" not in caplog.text


def test_a_space_that_is_fitted_again_is_written_anew(tmp_path: Path) -> None:
    make_collection(spaces=2).save(tmp_path)
    collection = Collection.from_folder(tmp_path)
    collection.remove(["work-1-1"])
    collection.save()
    collection.add(works(*(f"new-{number}" for number in range(20)), spaces=2))
    expected = content(collection)
    collection.save()
    assert content_of(tmp_path) == content(collection) == expected
    assert [part.rows for part in collection.manifest.groups.vectors] == [64]


def test_a_collection_without_pictures_has_no_files_of_them(tmp_path: Path) -> None:
    make_collection(images="urls").save(tmp_path)
    collection = Collection.from_folder(tmp_path)
    collection.add(works("new"))
    collection.save()
    assert not [name for name in files_in(tmp_path) if "pictures" in name]
    assert content_of(tmp_path) == content(collection)
    with pytest.raises(CollectionError, match="holds no pictures"):
        collection.picture("new")


# --- Several at once ----------------------------------------------------------------------------------------------------


def test_a_save_that_finds_newer_contents_keeps_its_changes(folder: Path, tmp_path: Path) -> None:
    first, second = Collection.from_folder(folder), Collection.from_folder(folder)
    first.edit("work-1-1", {"title": "First"})
    second.edit("work-1-1", {"title": "Second"})
    first.save()
    with pytest.raises(CollectionError, match="was saved by another process since it was opened here"):
        second.save()
    assert content_of(folder) == content(first)
    second.save(tmp_path / "other")
    assert content_of(tmp_path / "other") == content(second)
    assert second.work("work-1-1")["title"] == "Second"


def test_an_open_collection_goes_on_while_others_remove_its_files(folder: Path) -> None:
    reader, writer = Collection.from_folder(folder), Collection.from_folder(folder)
    expected = content(Collection.from_folder(folder))
    writer.remove(writer.ids[5:40])
    writer.save()
    assert not [name for name in files_in(folder) if name.startswith(f"{MADE}/") and "safetensors" not in name]
    assert content(reader) == expected


@pytest.mark.parametrize("stage", ["damaged_files", "read_metadata", "read_vectors", "read_pictures"])
def test_a_collection_that_is_saved_while_it_is_opened_is_opened_as_it_is_then(
    folder: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Collection.from_folder(folder)
    writer.remove(writer.ids[5:40])
    original = getattr(files, stage)

    def save_first(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(files, stage, original)
        writer.save()
        return original(*arguments, **options)

    monkeypatch.setattr(files, stage, save_first)
    assert content(Collection.from_folder(folder)) == content(writer)


# --- Damage -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
@pytest.mark.parametrize("suffix", [".faiss", ".map.safetensors"])
def test_what_can_be_made_again_is_made_again(
    damage: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compact_from(20, monkeypatch)
    make_collection().save(tmp_path)
    before = content_of(tmp_path)
    (path,) = tmp_path.rglob(f"*{suffix}")
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9] if damage == "cut" else b"no such thing")
    collection = Collection.from_folder(tmp_path)
    assert content(collection) == before
    assert len(collection.map().order) == 45
    if suffix == ".faiss":
        assert "it is built again from the embedding columns" in caplog.text
    collection.edit("work-1-1", {"title": "Another"})
    collection.save()
    assert content_of(tmp_path) == content(collection)  # whole again


def test_an_index_of_other_works_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import faiss

    compact_from(20, monkeypatch)
    make_collection().save(tmp_path)
    before = content_of(tmp_path)
    (path,) = tmp_path.rglob("*.faiss")
    index = faiss.read_index(str(path))
    index.add(np.ones((1, index.d), np.float32))
    faiss.write_index(index, str(path))
    record_file(tmp_path, path.relative_to(tmp_path).as_posix())
    assert content_of(tmp_path) == before
    assert f"{path} cannot be used (it is not an index of 45 vectors" in caplog.text


def test_other_damage_is_named(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".arrow", ".parquet") or path.name == "space-0.safetensors":
            data = path.read_bytes()
            path.write_bytes(data[:-1] + b"x")
            with pytest.raises(CollectionError, match=rf"{path.name} has other contents .* Build or download"):
                read_collection(folder)
            path.write_bytes(data[:-9])
            with pytest.raises(CollectionError, match=rf"{path.name} has [\d,]+ bytes instead of [\d,]+. Build or"):
                read_collection(folder)
            path.unlink()
            with pytest.raises(CollectionError, match=f"{path.name} is missing. Build or download"):
                read_collection(folder)
            path.write_bytes(data)
    read_collection(folder)


# --- The folder ---------------------------------------------------------------------------------------------------------


def test_the_folder_itself_stays_and_nothing_is_written_beside_it(folder: Path) -> None:
    """As it must where a Docker volume is mounted on it."""
    (folder / "notes.txt").write_text("somebody's")
    identity, beside = folder.stat().st_ino, set(folder.parent.iterdir())
    collection = Collection.from_folder(folder)
    with faulty(folder) as watched:
        collection.edit("work-1-1", {"title": "Another"})
        collection.save()
    assert folder.stat().st_ino == identity
    assert set(folder.parent.iterdir()) == beside
    assert (folder / "notes.txt").read_text() == "somebody's"
    assert not [step for step in watched.log if step.endswith(f" {folder.parent.name}")]


def test_leftovers_of_killed_saves_are_removed(folder: Path) -> None:
    kept = files_in(folder)
    (folder / "generations" / "000007").mkdir()
    (folder / "generations" / "000007" / "metadata.parquet").write_bytes(b"half")
    (folder / MADE / "vectors-000.arrow.tmp").write_bytes(b"half")
    (folder / ".artsim.json.17.18.tmp").write_bytes(b"half")
    (folder / "data").mkdir()
    (folder / "data" / "train-00000-of-00001.parquet").write_bytes(b"of an older format")
    collection = Collection.from_folder(folder)
    collection.save()
    assert len(files_in(folder)) == len(kept)
    assert not (folder / "data").exists()
    assert not list(folder.glob(".artsim.json.*"))


@pytest.mark.parametrize("name", ["artsim.txt", "README.md", "data/picture.jpg"])
def test_a_folder_that_is_no_collection_is_left_as_it_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("somebody's")
    with pytest.raises(CollectionError, match="exists and is not a collection; it is left as it is"):
        make_collection().save(tmp_path)
    assert [entry for entry in tmp_path.rglob("*") if entry.is_file()] == [path]


def test_a_collection_of_an_older_format_is_replaced_by_a_new_one(folder: Path) -> None:
    manifest = json.loads((folder / "artsim.json").read_text())
    (folder / "artsim.json").write_text(json.dumps(manifest | {"format_version": 2}))
    with pytest.raises(CollectionError, match="was made by an older artsim, in another format; build it again"):
        Collection.from_folder(folder)
    made = make_collection()
    made.save(folder)
    assert content_of(folder) == content(made)


def test_what_a_damaged_manifest_names_is_kept_until_a_new_collection_is_there(folder: Path) -> None:
    before = files_in(folder)
    (folder / "artsim.json").write_text("half")
    with faulty(folder, "no space", at=12), pytest.raises(CollectionError, match="No space left"):
        make_collection().save(folder)
    assert before <= files_in(folder)
    make_collection().save(folder)
    assert not before & files_in(folder)


def test_a_copy_of_a_collection_is_a_collection(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    collection = Collection.from_folder(copy)
    collection.edit("work-1-1", {"title": "Another"})
    collection.save()
    assert content_of(copy) == content(collection)


@pytest.mark.parametrize("kind", ["whole", "compact"])
def test_a_compact_save_leaves_nothing_of_removed_works(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "compact":
        compact_from(20, monkeypatch)
    folder = make_collection(regions=True, images="bytes").save(tmp_path / "saved")
    collection = Collection.from_folder(folder)
    gone, row = collection.ids[7], np.array([7])
    space = collection.state.spaces[0]
    traces = [collection.picture(gone), *(rows.take(row).tobytes() for rows in space.columns().values())]
    traces = [trace for trace in traces if len(trace) > 12]  # what is longer is nowhere by chance

    def left() -> list[bool]:
        files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
        return [any(trace in file for file in files) for trace in traces]

    def ids() -> set[str]:
        tables = [pq.read_table(path) for path in folder.rglob("*.parquet")]
        return {identity for table in tables if "id" in table.column_names for identity in table["id"].to_pylist()}

    assert all(left()) and gone in ids()
    collection.remove([gone])
    collection.save()
    assert all(left()), "until it pays, which the test is about"
    (folder / "building").mkdir()
    (folder / "building" / "part").write_bytes(traces[0])
    collection.save(compact=True)
    assert not any(left()) and gone not in ids() and not (folder / "building").exists()
    others = content_of(folder)
    collection.save(compact=True)
    assert content_of(folder) == others and gone not in str(others)
    assert len(collection) == 44 and collection.search(work=collection.ids[7], k=3)


def test_a_compact_save_is_refused_like_any_other_when_somebody_else_has_saved(tmp_path: Path) -> None:
    folder = make_collection().save(tmp_path / "saved")
    mine, other = Collection.from_folder(folder), Collection.from_folder(folder)
    other.remove([other.ids[0]])
    other.save(compact=True)
    mine.remove([mine.ids[1]])
    with pytest.raises(CollectionError, match="saved by another process"):
        mine.save(compact=True)
    assert len(Collection.from_folder(folder)) == 44
