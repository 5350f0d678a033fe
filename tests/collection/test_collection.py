"""A collection on disk and in use: its files, verification, changes, saving and recovery."""

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from manifests import manifest_of, record_of, rewrite
from poisoned import SHAPES, poison, shapes

from artsim import ArtsimError, Collection, CollectionError, EncoderError, ImageError, QueryError, open_collection
from artsim.encoders.color import DIMS
from artsim.images.decode import load_image
from artsim.images.thumbnails import SMALL
from artsim.ui.thumbnail_cache import Thumbnails

FIRST = "generations/000001"
SPACE, MAP = f"{FIRST}/clip.safetensors", f"{FIRST}/clip.map.safetensors"
METADATA, VECTORS, RECOGNITION, PICTURES = (
    f"{FIRST}/{name}"
    for name in ("metadata.parquet", "vectors-000.arrow", "recognition-000.arrow", "pictures-000.parquet")
)
CALIBRATION = f"{FIRST}/clip.calibration.safetensors"
FILES = [CALIBRATION, MAP, SPACE, METADATA, PICTURES, RECOGNITION, VECTORS]


def ids(matches: Any) -> list[str]:
    return [match.id for match in matches]


# --- Files on disk ---------------------------------------------------------------------------------------------------


def test_the_files_are_those_of_the_design(saved: Path) -> None:
    files = [path for path in saved.rglob("*") if path.is_file()]
    names = sorted(path.relative_to(saved).as_posix() for path in files)
    assert names == [".lock", "README.md", "artsim.json", *FILES]
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o644"}
    assert not list(saved.parent.glob(".*"))


def test_the_manifest_describes_the_collection(saved: Path, clip: Any, checkpoint: Any) -> None:
    manifest = manifest_of(saved)
    plain = {name: manifest[name] for name in ("format_version", "rows", "images", "license")}
    assert plain == {"format_version": 3, "rows": 40, "images": "bytes", "license": "unknown"}
    assert manifest["source"]["name"].startswith("folder:")
    assert manifest["created"].endswith("+00:00")
    (space,) = manifest["spaces"]
    assert (space["encoder"], space["revision"]) == (str(checkpoint("clip")), clip.revision)
    assert (space["metric"], space["index_type"]) == ("inner_product", "exact")
    assert "regions" not in space
    assert space["dims"] == {**clip.dims, "color": DIMS}
    names = {what: column["name"] for what, column in space["columns"].items()}
    expected = {aspect: f"clip_{aspect}" for aspect in (*clip.dims, "density")}
    assert names == expected | {"color": "palette_color"}
    assert manifest["files"] == {name: record_of(saved / name) for name in ("README.md", *FILES)}


# --- Opening -----------------------------------------------------------------------------------------------------------


def test_open_len_ids_work(collection: Collection, paintings: Path, met_works: list[dict[str, Any]]) -> None:
    assert len(collection) == 40
    assert collection.ids == [f"{number:02d}.jpg" for number in range(40)]
    assert (collection.work("03.jpg")["year"], collection.work("05.jpg")["year"]) == (None, met_works[5]["year"])
    assert collection.work("05.jpg")["tags"] == met_works[5]["tags"]
    assert collection.image("03.jpg").mode == "RGB"
    for identity in ("00.jpg", "31.jpg", "32.jpg", "39.jpg"):  # on both sides of a row group's end
        assert collection.picture(identity) == (paintings / identity).read_bytes()
    for look in (collection.work, collection.picture, collection.image):
        with pytest.raises(QueryError, match=r"There is no work '99\.jpg' in this collection"):
            look("99.jpg")


def test_a_collection_opens_from_within_its_folder_with_another_card_and_more_in_its_manifest(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy / "README.md").write_text("# My paintings\n", encoding="utf-8")  # people may edit it
    rewrite(copy, lambda manifest: manifest.update(mood="sombre"))  # as a later version may write
    for folder, name in ((copy, "."), (copy / "generations", "..")):
        monkeypatch.chdir(folder)
        assert len(open_collection(name)) == 40


def test_large_files_are_hashed_on_request(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from artsim.storage import manifest

    monkeypatch.setattr(manifest, "_HASHED_UP_TO", 10)  # as if every file were over 256 MB
    contents = bytearray((copy / PICTURES).read_bytes())
    contents[len(contents) // 3] ^= 1
    (copy / PICTURES).write_bytes(contents)
    open_collection(copy)
    with pytest.raises(CollectionError, match="sha256 differs"):
        open_collection(copy, verify=True)


def test_a_folder_without_a_manifest_says_how_to_make_a_collection(copy: Path, tmp_path: Path) -> None:
    (copy / "artsim.json").unlink()
    with pytest.raises(CollectionError, match=r"holds no collection .*artsim build"):
        open_collection(copy)
    with pytest.raises(CollectionError, match=r"does not exist .*artsim build"):
        open_collection(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(CollectionError, match="file"):
        open_collection(tmp_path / "file")


TEXTS = ["", "{", "[]", '{"format_version": 3}', '{"format_version": "one"}', "\udcff"]
VALUES = [{"spaces": []}, {"spaces": [{}]}, {"files": []}, {"files": {}}, {"files": {"a": {"size": 1}}}]


@pytest.mark.parametrize("damage", [*TEXTS, *VALUES], ids=repr)
def test_a_damaged_manifest_is_named(damage: Any, copy: Path) -> None:
    text = damage if isinstance(damage, str) else json.dumps(manifest_of(copy) | damage)
    (copy / "artsim.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CollectionError, match=r"artsim\.json (is damaged|cannot be read)"):
        open_collection(copy)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda manifest: manifest.update(rows=41), r"it has no metadata of 41 works"),
        (lambda manifest: manifest["spaces"][0]["dims"].update(style=7), "The dimensions of clip differ: .*'style': 7"),
        (
            lambda manifest: manifest["spaces"][0]["columns"]["style"].update(name="clip_mood"),
            "does not hold 40 vectors clip_mood of",
        ),
    ],
    ids=["rows", "statistics", "column"],
)
def test_a_manifest_that_does_not_fit_the_files_is_refused(change: Any, reason: str, copy: Path) -> None:
    rewrite(copy, change)
    with pytest.raises(CollectionError, match=reason):
        open_collection(copy)


@pytest.mark.parametrize("path", ["../secret.parquet", "/etc/passwd", "data/../../x.faiss", "C:\\x", "data\\x"])
def test_paths_of_a_manifest_cannot_leave_the_collection(path: str, copy: Path) -> None:
    rewrite(copy, lambda manifest: manifest["files"].update({path: {"size": 1, "sha256": "0"}}))
    with pytest.raises(CollectionError, match="is not a path within the collection"):
        open_collection(copy)


def test_works_of_another_version_of_the_encoder_open_but_refuse_picture_queries(copy: Path, paintings: Path) -> None:
    rewrite(copy, lambda manifest: manifest["spaces"][0].update(revision="sha256:0000000000000000"))
    collection = open_collection(copy)
    assert len(collection.search(work="05.jpg")) == 10  # no encoder needed
    with pytest.raises(EncoderError, match="their vectors cannot be compared"):
        collection.search(image=paintings / "05.jpg")


# --- Changing ----------------------------------------------------------------------------------------------------------


def test_add_search_save_open(copy: Path, met_works: list[dict[str, Any]]) -> None:
    collection = open_collection(copy)
    new = met_works[100]["image"]["bytes"]
    found = collection.add([{"image": new, "id": "new", "title": "A new one", "year": 1777, "tags": ["Added"]}])
    assert found == ["new"]
    assert len(collection) == 41
    for each in (collection, open_collection(collection.save())):
        assert len(each) == 41
        match = each.search(image=new, k=1)[0]
        assert (match.id, match.work["title"], match.work["year"]) == ("new", "A new one", 1777)
        assert match.cosine == pytest.approx(1, abs=1e-4)
        assert each.picture("new") == new
        assert ids(each.search(work="05.jpg", where={"tags": "Added"})) == ["new"]
        assert match.work["sha256"] == hashlib.sha256(new).hexdigest()


def test_works_are_added_as_path_bytes_and_picture(copy: Path, tmp_path: Path, met_works: Any) -> None:
    collection = open_collection(copy)
    assert collection.add([]) == []
    path = tmp_path / "mill.jpg"
    path.write_bytes(met_works[50]["image"]["bytes"])
    image = load_image(met_works[51]["image"]["bytes"], short_side=64)
    added = collection.add([{"image": each} for each in (path, str(path), path.read_bytes(), image)])
    assert added == ["mill.jpg", "mill.jpg-1", "added-1", "added-2"]
    assert collection.add([{"image": image, "id": 7}]) == ["7"]
    assert collection.ids[-5:] == [*added, "7"]
    assert collection.picture("mill.jpg") == path.read_bytes()
    assert collection.search(image=image, k=1)[0].cosine == pytest.approx(1, abs=0.01)


@pytest.mark.slow
def test_adding_grows_the_space_step_by_step(copy: Path, met_works: Any) -> None:
    """Also beyond a refit of the statistics; the scores stay exact."""
    collection = open_collection(copy)
    before = collection.state.spaces[0].statistics.transforms["subject"][0].mean
    for numbers in (range(40, 52), [52], [53, 54], range(55, 64)):
        collection.add([{"image": met_works[n]["image"]["bytes"], "id": f"met-{n}"} for n in numbers])
    assert len(collection) == 64
    (space,) = collection.state.spaces
    assert not np.array_equal(before, space.statistics.transforms["subject"][0].mean), "refitted"
    raw = {aspect: rows.all().astype(np.float32) for aspect, rows in space.raw_blocks().items()}
    index_vectors = space.statistics.index_vectors(raw)
    np.testing.assert_allclose(space.index.vectors(np.arange(64)), index_vectors, atol=1e-5)
    match = collection.search(work="met-60", preset="subject", k=1)[0]
    assert collection.search(image=met_works[60]["image"]["bytes"], k=1)[0].id == "met-60"
    block = space.statistics.split(index_vectors)["subject"]
    assert match.aspects["subject"] == pytest.approx(float(block[60] @ block[match.row]), abs=1e-4)


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        ({"id": "05.jpg"}, r"There is a work '05\.jpg' in this collection already"),
        ({"id": "1"}, "There is a work '1' in this collection already"),
        ({"id": "new", "painter": "x"}, "has no column painter; its columns are id, "),
        ({"id": "new", "year": "long ago"}, "A value does not fit its column"),
        ({"id": "new", "image": None}, "needs an image"),
        ({"id": "new", "image": 3}, "needs an image"),
        ({"id": "new", "image": Path("gone.jpg")}, "does not exist"),
    ],
    ids=str,
)
def test_invalid_works_are_refused_and_nothing_is_added(work: Any, reason: str, copy: Path, painting: bytes) -> None:
    collection = open_collection(copy)
    with pytest.raises(ArtsimError, match=reason):
        collection.add([{"image": painting, "id": 1}, {"image": painting, **work}])
    assert len(collection) == 40


def test_remove_search_save_open(copy: Path, paintings: Path) -> None:
    collection = open_collection(copy)
    collection.remove(["00.jpg", "05.jpg", "33.jpg"])
    for each in (collection, open_collection(collection.save()), collection):  # the third time as it was saved in place
        assert len(each) == 37
        assert "05.jpg" not in each.ids
        for identity in each.ids:  # rows have moved: every work still has its own picture and vector
            assert each.picture(identity) == (paintings / identity).read_bytes()
        assert each.search(image=paintings / "20.jpg", k=1)[0].id == "20.jpg"
        with pytest.raises(QueryError, match="There is no work"):
            each.search(work="05.jpg")


@pytest.fixture
def secret(tmp_path: Path, painting: bytes) -> Path:
    """A picture of this machine that is in no collection."""
    path = tmp_path / "private.jpg"
    path.write_bytes(painting)
    return path


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_that_names_a_file_of_this_machine_gives_no_picture(copy: Path, secret: Path, shape: str) -> None:
    """Collections are passed on: whoever wrote this one wants a file of whoever opens it."""
    poison(copy, "05.jpg", shapes(secret)[shape])
    collection = open_collection(copy)
    thumbnails = Thumbnails(collection, copy.parent / "thumbnails")
    refused = pytest.raises(ImageError, match=r"^The collection does not hold the picture of '05\.jpg', and a path in")
    with refused:
        collection.picture("05.jpg")
    with refused:
        collection.image("05.jpg")
    with refused:
        collection.search(work="05.jpg", region=(0, 0, 0.5, 0.5))
    with refused:
        collection.explain(work="05.jpg", match="06.jpg")
    assert thumbnails.path("05.jpg", SMALL) is None
    if shape == "path":  # a column of texts holds no pictures at all
        assert thumbnails.path("06.jpg", SMALL) is not None
        assert collection.duplicates() == []  # such a work is like nothing, and stops nothing


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_that_names_a_file_of_this_machine_is_not_saved_anywhere(copy: Path, secret: Path, shape: str) -> None:
    poison(copy, "05.jpg", shapes(secret)[shape])
    there = copy.parent / "there"
    collection = open_collection(copy)
    with pytest.raises(ImageError, match="Remove the work, or build the collection again"):
        collection.save(there)
    assert not [path for path in there.rglob("*") if path.is_file() and path.name != ".lock"]
    if shape == "path":
        collection.remove(["05.jpg"])
        collection.save(there)
        assert len(open_collection(there)) == 39


def test_invalid_removals_are_refused_and_nothing_is_removed(copy: Path) -> None:
    collection = open_collection(copy)
    collection.remove([])
    with pytest.raises(QueryError, match=r"There is no work '99\.jpg'"):
        collection.remove(["05.jpg", "99.jpg"])
    with pytest.raises(CollectionError, match="A collection cannot be empty"):
        collection.remove(collection.ids)
    assert len(collection) == 40


def test_saving_elsewhere_makes_an_independent_collection(copy: Path, tmp_path: Path) -> None:
    collection = open_collection(copy)
    collection.remove(["05.jpg"])
    assert collection.save(tmp_path / "deep" / "other") == tmp_path / "deep" / "other"
    assert len(open_collection(copy)) == 40
    assert len(open_collection(tmp_path / "deep" / "other")) == 39
    assert collection.folder == tmp_path / "deep" / "other"


def test_saving_over_something_else_is_refused(collection: Collection, tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("dear diary", encoding="utf-8")
    for target in (tmp_path, tmp_path / "diary.txt"):
        with pytest.raises(CollectionError, match="exists and is not a collection; it is left as it is"):
            collection.save(target)
    with pytest.raises(CollectionError, match="cannot be written"):
        collection.save(tmp_path / "diary.txt" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]


def test_saving_follows_a_linked_folder(copy: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(copy, target_is_directory=True)
    collection = open_collection(link)
    collection.remove(["05.jpg"])
    collection.save()
    assert link.is_symlink()
    assert len(open_collection(link)) == len(open_collection(copy)) == 39


def test_searches_go_on_while_works_are_added_and_removed(copy: Path, met_works: Any) -> None:
    collection = open_collection(copy)
    stop = threading.Event()

    def look() -> set[int]:
        lengths = set()
        while not stop.is_set():
            matches = collection.search(work="05.jpg", k=100)
            lengths.add(len(matches))
            assert len(set(ids(matches))) == len(matches)
            assert all(match.work["id"] == match.id for match in matches)
        return lengths

    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        try:
            for number in range(40, 46):
                collection.add([{"image": met_works[number]["image"]["bytes"], "id": f"met-{number}"}])
            collection.remove(["00.jpg", "met-41"])
        finally:
            stop.set()
        lengths = looking[0].result() | looking[1].result()
    assert lengths <= {39, 40, 41, 42, 43, 44, 45}
    assert len(lengths) > 1
    assert len(collection) == 44
