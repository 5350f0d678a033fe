"""Collections that are searched on Milvus: the same answers as with FAISS, through every change, save and accident."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from collections_on_disk import compact_from, works
from milvus_lite_files import lite_file
from synthetic import make_collection

from artsim.cli.info import as_text, read_info
from artsim.collection import Collection
from artsim.errors import CollectionError
from artsim.hub.layout import write_published
from artsim.index import CompactIndex, MilvusIndex, milvus
from artsim.index.milvus_collection import MilvusCollection, names_at
from artsim.index.milvus_server import server_at
from artsim.snapshot.files import read_collection, read_state, save_collection
from artsim.snapshot.milvus_files import is_searched_in
from artsim.storage.manifest import read_manifest

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

SEARCHES: tuple[dict[str, Any], ...] = (
    {},
    {"preset": "color"},
    {"ranking": "cosine"},
    {"ranking": "likeness", "aspects": {"style": 1}},
    {"where": {"style": ["baroque", "Cubism"]}},
    {"where": {"tags": "odd", "year": (1500, 1800)}, "ranking": "likeness"},
    {"where": {"artist": "Renamed"}},
)


@pytest.fixture(params=["whole", "compact"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "compact":
        compact_from(20, monkeypatch)
    return request.param


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[str]:
    with lite_file(tmp_path / "works.db") as path:
        yield f"milvus:{path}"


def saved(folder: Path, index: str = "faiss", **options: Any) -> Collection:
    made = make_collection(artists=12, **options)
    save_collection(made.state, made.manifest, folder, index=index)
    return Collection.from_folder(folder)


def assert_same_answers(one: Collection, other: Collection) -> None:
    assert one.ids == other.ids
    assert one.state.table.equals(other.state.table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(milvus, "_FEW", 0)  # Milvus is asked, however few works a filter leaves
        for number, search in enumerate(SEARCHES):
            identity = one.ids[-(number % 2)]
            found = [one.search(work=identity, k=8, **search), other.search(work=identity, k=8, **search)]
            assert [match.id for match in found[0]] == [match.id for match in found[1]], search
            assert [match.score for match in found[0]] == pytest.approx([match.score for match in found[1]], abs=1e-4)


def change(collection: Collection, number: int) -> None:
    collection.add(works(f"new-{number}", f"newer-{number}"))
    collection.edit(collection.ids[3], {"artist": "Renamed", "style": "Baroque"})
    collection.remove(collection.ids[10:13])


def at(lite: str) -> list[str]:
    return names_at(server_at(lite.removeprefix("milvus:")), "artsim_")


def test_answers_are_those_of_faiss_before_and_after_changes_saved_or_not(kind: str, lite: str, tmp_path: Path) -> None:
    plain, searched = saved(tmp_path / "plain"), saved(tmp_path / "searched", lite)
    assert isinstance(searched.state.spaces[0].index, MilvusIndex)
    assert searched.state.spaces[0].index.kind == ("exact" if kind == "whole" else "compact")
    assert_same_answers(plain, searched)
    old = Collection.from_folder(tmp_path / "searched")
    for number in range(2):
        for collection in (plain, searched):
            change(collection, number)
        assert_same_answers(plain, searched)
        for collection in (plain, searched):
            collection.save()
        assert_same_answers(plain, searched)
        assert_same_answers(plain, Collection.from_folder(tmp_path / "searched"))
        plain.edit(plain.ids[3], {"artist": "again"})
        searched.edit(searched.ids[3], {"artist": "again"})
    if kind == "compact":
        assert_same_answers(Collection.from_folder(saved(tmp_path / "first").folder or Path()), old)
        assert len(at(lite)) == 1


@pytest.mark.usefixtures("kind")
def test_a_compact_save_leaves_no_entity_of_removed_works_and_a_removed_encoder_none_of_its_own(
    lite: str, tmp_path: Path
) -> None:
    searched = saved(tmp_path / "searched", lite, spaces=2)
    assert len(at(lite)) == 2
    searched.remove([searched.ids[7]])
    searched.save()

    def entities() -> list[int]:
        return [MilvusCollection(server_at(lite.removeprefix("milvus:")), name, 0).count() for name in at(lite)]

    assert 60 in entities(), "those of before, which the test is about"
    searched.save(compact=True)
    assert entities() == [59, 59]
    searched.keep_encoders(["space-1"])
    searched.save()
    searched.save()  # the one after it removes what is no longer searched
    assert at(lite) == [searched.manifest.spaces[0].milvus.collection]
    assert len(Collection.from_folder(tmp_path / "searched").search(work=searched.ids[7], k=3)) == 3


def test_the_manifest_points_to_the_server_and_no_index_file_is_written(lite: str, tmp_path: Path, kind: str) -> None:
    saved(tmp_path / "searched", lite)
    record = json.loads((tmp_path / "searched" / "artsim.json").read_text())["spaces"][0]
    assert "index" not in record
    assert record["milvus"]["uri"] == "../works.db"
    assert (record["milvus"]["entities"], record["milvus"]["collection"]) == (60, *at(lite))
    assert set(record["milvus"]["fields"].values()) == {"year", "artist", "style", "tags", "nothing", "everything"}
    assert not list((tmp_path / "searched").rglob("*.faiss"))
    assert f"index on Milvus at ../works.db, in {at(lite)[0]}" in as_text(read_info(str(tmp_path / "searched")))
    assert is_searched_in(read_collection(tmp_path / "searched", on_milvus=False)[0], lite)
    assert not is_searched_in(read_collection(tmp_path / "searched", on_milvus=False)[0], "faiss")


def test_a_fill_that_died_goes_on_and_the_rest_of_another_is_removed(
    lite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact_from(20, monkeypatch)
    monkeypatch.setattr(MilvusCollection, "batch", property(lambda self: 10))
    write, written, most = MilvusCollection.write, [], 2

    def dying(self: MilvusCollection, entities: Any, edition: int = 0) -> None:
        if len(written) == most:
            raise KeyboardInterrupt
        written.append(entities.places.tolist())
        write(self, entities, edition)

    monkeypatch.setattr(MilvusCollection, "write", dying)
    for scatter in (1.0, 2.0):
        written.clear()
        most = 2 * int(scatter)
        with pytest.raises(KeyboardInterrupt):
            saved(tmp_path / "searched", lite, scatter=scatter)
        assert len(at(lite)) == 1, "that of the other content is gone"
    written.clear()
    most = 99
    searched = saved(tmp_path / "searched", lite, scatter=2.0)
    assert [places[0] for places in written] == [30, 40, 50], "the last that was written is written again"
    assert_same_answers(saved(tmp_path / "plain"), searched)


def test_what_no_generation_uses_is_removed_one_save_later(
    lite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact_from(20, monkeypatch)
    searched, old = saved(tmp_path / "searched", lite), Collection.from_folder(tmp_path / "searched")
    (first,) = at(lite)
    searched.remove(searched.ids[:30])
    searched.save()
    assert len(at(lite)) == 2, "half of the entities led nowhere"
    assert len(old.search(work=old.ids[0], k=50)) == 50, "who has the old state open goes on"
    searched.edit(searched.ids[0], {"artist": "Renamed"})
    searched.save()
    assert first not in at(lite)
    assert len(at(lite)) == 1
    plain = saved(tmp_path / "plain")
    plain.remove(plain.ids[:30])
    plain.edit(plain.ids[0], {"artist": "Renamed"})
    assert_same_answers(plain, searched)


def test_a_copy_on_disk_gets_entities_of_its_own_and_leaves_those_of_the_other(
    lite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact_from(20, monkeypatch)
    searched = saved(tmp_path / "searched", lite)
    shutil.copytree(tmp_path / "searched", tmp_path / "copy")
    copy = Collection.from_folder(tmp_path / "copy")
    for collection in (copy, searched):
        for _ in range(3):
            collection.edit(collection.ids[0], {"artist": "Renamed"})
            collection.save()
    elsewhere = searched.save(tmp_path / "elsewhere")
    assert len(at(lite)) == 3
    assert_same_answers(searched, copy)
    assert_same_answers(searched, Collection.from_folder(elsewhere))


def test_a_column_that_no_longer_fits_is_left_to_the_filter_of_the_table(
    lite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact_from(20, monkeypatch)
    searched = saved(tmp_path / "searched", lite)
    searched.edit(searched.ids[0], {"nothing": "x" * 70_000})
    searched.save()
    record = read_manifest(tmp_path / "searched").spaces[0].milvus
    assert record is not None
    assert "nothing" not in record.fields.values()
    assert len(searched.search(work=searched.ids[1], where={"nothing": "x" * 70_000})) == 1


def test_what_is_not_there_is_one_sentence_and_a_build_fills_it_again(
    lite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact_from(20, monkeypatch)
    saved(tmp_path / "searched", lite)
    (name,) = at(lite)
    server_at(lite.removeprefix("milvus:")).call("drop_collection", name)
    with pytest.raises(CollectionError, match=rf"no Milvus collection {name} .* repeat artsim build"):
        Collection.from_folder(tmp_path / "searched")
    state, manifest = read_collection(tmp_path / "searched", on_milvus=False)
    assert isinstance(state.spaces[0].index, CompactIndex)
    assert not is_searched_in(state, lite)
    save_collection(state, manifest, tmp_path / "searched", index=lite)
    assert_same_answers(saved(tmp_path / "plain"), Collection.from_folder(tmp_path / "searched"))
    manifest = read_manifest(tmp_path / "searched")
    assert manifest.spaces[0].milvus is not None
    record = replace(manifest.spaces[0], milvus=replace(manifest.spaces[0].milvus, uri="../other.db"))
    (tmp_path / "searched" / "artsim.json").write_text(replace(manifest, spaces=(record,)).to_json())
    with pytest.raises(
        CollectionError, match=r"other\.db is missing, or no file of Milvus Lite, which .*searched is searched in"
    ):
        Collection.from_folder(tmp_path / "searched")
    assert not (tmp_path / "other.db").exists()


def test_a_collection_goes_back_to_faiss(lite: str, tmp_path: Path, kind: str) -> None:
    searched = saved(tmp_path / "searched", lite)
    save_collection(searched.state, searched.manifest, tmp_path / "searched", index="faiss")
    back = Collection.from_folder(tmp_path / "searched")
    assert not isinstance(back.state.spaces[0].index, MilvusIndex)
    assert len(list((tmp_path / "searched").rglob("*.faiss"))) == (kind == "compact")
    assert_same_answers(saved(tmp_path / "plain"), back)
    back.save()
    assert at(lite) == []


def test_what_is_published_names_no_server_and_nothing_from_the_hub_is_searched_on_one(
    lite: str, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "searched", lite)
    manifest = read_manifest(tmp_path / "searched")
    monkeypatch.setattr("artsim.snapshot.space_files.open_milvus", None)
    state = read_state(tmp_path / "searched", manifest)
    public = write_published(state, manifest, tmp_path / "searched", tmp_path / "public")
    assert "milvus" not in public.to_json()
    assert [name for name in public.files if name == "index/space-0.faiss"] == ["index/space-0.faiss"] * (
        kind == "compact"
    )
