"""Edits: change metadata, and remove and restore works."""

from pathlib import Path

import pyarrow as pa
import pytest
from synthetic import make_collection

from artsim import Collection, QueryError, open_collection
from artsim.columns import kind_of, read_value, write_value
from artsim.snapshot.works_map import draw_map
from artsim.storage.provenance import license_of


@pytest.fixture
def mine(copy: Path) -> Collection:
    return open_collection(copy)


def test_edited_metadata_is_saved_and_nothing_else_changes(mine: Collection, copy: Path) -> None:
    before = {identity: mine.work(identity) for identity in mine.ids}
    snapshot, picture = mine.state, mine.picture("03.jpg")
    changed = {"title": "Irises", "year": 1890, "tags": ["Flowers"], "medium": None}
    mine.edit("03.jpg", changed)
    assert snapshot.work(3) == before["03.jpg"]  # a running search keeps its state
    mine.save()
    opened = open_collection(copy)
    before["03.jpg"] |= changed | {"year_from": 1890, "year_to": 1890}
    assert {identity: opened.work(identity) for identity in opened.ids} == before
    assert opened.ids == list(before)
    assert opened.picture("03.jpg") == picture
    assert [match.id for match in opened.search(work="03.jpg", k=5)] == [m.id for m in mine.search(work="03.jpg", k=5)]


@pytest.mark.parametrize(
    ("identity", "values", "words"),
    [
        ("99.jpg", {"title": "A"}, "no work '99.jpg'"),
        ("03.jpg", {"colour": "red"}, "no column colour; its columns are id, title"),
        ("03.jpg", {"year": "about 1880"}, "does not fit its column"),
        ("03.jpg", {"tags": "Flowers"}, "does not fit its column"),
        ("03.jpg", {"id": "new"}, "id of a work cannot be changed"),
        ("03.jpg", {"sha256": "0"}, "sha256 of a work cannot be changed"),
    ],
)
def test_invalid_edits_are_refused_and_nothing_changes(
    mine: Collection, identity: str, values: dict[str, object], words: str
) -> None:
    before = mine.state
    with pytest.raises(QueryError, match=words):
        mine.edit(identity, values)
    assert mine.state is before


def test_removed_works_can_be_restored_with_their_vectors(mine: Collection, copy: Path) -> None:
    first, last = mine.work("05.jpg"), mine.work("31.jpg")
    pictures = mine.picture("05.jpg"), mine.picture("31.jpg")
    near = [match.id for match in mine.search(work="05.jpg", k=5, ranking="cosine")]
    taken = mine.remove(["31.jpg", "05.jpg"])
    assert len(mine) == 38
    assert mine.add(taken) == ["31.jpg", "05.jpg"]
    mine.save()
    opened = open_collection(copy)
    assert opened.ids[-2:] == ["31.jpg", "05.jpg"]
    assert (opened.work("05.jpg"), opened.work("31.jpg")) == (first, last)
    assert (opened.picture("05.jpg"), opened.picture("31.jpg")) == pictures
    assert [match.id for match in opened.search(work="05.jpg", k=5, ranking="cosine")] == near


def test_describe_changes_the_manifest_and_the_card(mine: Collection, copy: Path) -> None:
    mine.describe(title=" Small paintings ", license="cc0-1.0", description="Forty of them.")
    with pytest.raises(QueryError, match="needs a title"):
        mine.describe(title="  ")
    mine.save()
    manifest = open_collection(copy).manifest
    assert (manifest.title, manifest.license) == ("Small paintings", "cc0-1.0")
    assert manifest.source["description"] == "Forty of them."
    assert "# Small paintings\n\nForty of them." in (copy / "README.md").read_text(encoding="utf-8")


def test_what_a_source_says_of_its_works_is_not_said_of_those_that_are_added(
    mine: Collection, copy: Path, painting: bytes
) -> None:
    mine.describe(license="cc0-1.0", description="Forty of them.", homepage="https://museum.example")
    mine.add(mine.remove(["05.jpg"]))
    assert mine.manifest.license == "cc0-1.0", "a work that is back is no other"
    mine.remove(["07.jpg"])
    mine.add([{"id": "07.jpg", "image": painting}])
    assert license_of(mine.work("07.jpg"), mine.manifest) == "", "another picture under its id is"
    mine.add([{"id": "new", "image": painting}])
    mine.save()
    opened = open_collection(copy)
    licences = {
        identity: license_of(opened.work(identity), opened.manifest) for identity in ("05.jpg", "06.jpg", "new")
    }
    assert licences == {"05.jpg": "cc0-1.0", "06.jpg": "cc0-1.0", "new": ""}
    card = (copy / "README.md").read_text(encoding="utf-8")
    assert "license: unknown" in card and "under the licence" not in card
    assert "describes as: “Forty of them.”" in card and card.count("Forty of them.") == 1
    opened.describe(license="cc-by-4.0", description="All of ours.")
    opened.add([{"id": "newer", "image": painting}])
    assert license_of(opened.work("newer"), opened.manifest) == "cc-by-4.0", "the owner said so of all"
    opened.describe(license="cc0-1.0")
    assert license_of(opened.work("new"), opened.manifest) == "cc0-1.0", "and may say so again"
    assert opened.manifest.source["description"] == "All of ours."


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("title", "Cypresses", "Cypresses"),
        ("year", 1889, "1889"),
        ("year", None, ""),
        ("tags", ["Men", "Dogs"], "Men\nDogs"),
    ],
)
def test_values_are_written_as_text_and_read_back(mine: Collection, column: str, value: object, text: str) -> None:
    kind = mine.state.table.schema.field(column).type
    assert write_value(value) == text
    assert read_value(text, kind, column) == value


def test_a_text_that_does_not_fit_its_column_is_refused() -> None:
    for text in ("about 1880", "18.5", "99999999999999999999"):
        with pytest.raises(QueryError, match="year is a whole number, not"):
            read_value(text, pa.int32(), "year")
    with pytest.raises(QueryError, match="shown is yes or no, not 'perhaps'"):
        read_value("perhaps", pa.bool_(), "shown")
    assert read_value("Yes", pa.bool_(), "shown") is True
    assert kind_of(pa.struct({"a": pa.int64()})) is None


def test_a_preferred_encoder_answers_and_draws_the_map_but_the_saved_collection_stays_as_it_is(tmp_path: Path) -> None:
    folder = make_collection(spaces=2).save(tmp_path / "two")
    opened = open_collection(folder)
    names, saved_map = [space.name for space in opened.state.spaces], opened.manifest.map_of("space-0")
    first = opened.map().order.tolist()
    opened.prefer("space-1")
    assert {match.encoder for match in opened.search(work="work-0-0")} == {"space-1"}
    assert opened.map().order.tolist() == draw_map(opened.state.spaces[0]).order.tolist() != first
    opened.edit("work-0-0", {"title": "Another"})
    opened.save()
    assert {match.encoder for match in opened.search(work="work-0-0")} == {"space-1"}
    again = open_collection(folder)
    assert [record.name for record in again.manifest.spaces] == [space.name for space in again.state.spaces] == names
    assert again.manifest.map_of("space-0") == saved_map is not None
    assert again.map().order.tolist() == first
    opened.remove(["work-0-1"])
    opened.save()
    again = open_collection(folder)
    assert again.manifest.map_of("space-0") is not None and len(again.map().order) == len(again) == 44


def test_encoders_are_put_in_another_order_without_writing_vectors_and_removed_with_theirs(tmp_path: Path) -> None:
    folder = make_collection(spaces=2).save(tmp_path / "two")
    collection = open_collection(folder)
    work, groups = collection.ids[0], collection.manifest.groups
    second = [match.id for match in collection.search(work=work, encoder="space-1")]
    assert [match.id for match in collection.search(work=work)] != second
    collection.keep_encoders(["space-1", "space-0"])
    collection.save()
    assert (collection.manifest.groups.vectors, collection.manifest.groups.pictures) == (
        groups.vectors,
        groups.pictures,
    )
    again = open_collection(folder)
    assert [space.name for space in again.state.spaces] == ["space-1", "space-0"]
    assert [match.id for match in again.search(work=work)] == second
    assert len(again.map().cells) == len(again)

    assert again.manifest.map_of("space-0") is not None, "for the way back"
    again.keep_encoders(["space-1"])
    again.save()
    for opened in (again, open_collection(folder)):
        assert [match.id for match in opened.search(work=work)] == second
        assert not any("space-0" in name for name in opened.manifest.vector_columns)
    assert not any(b"space-0" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_encoders_that_are_not_there_named_twice_or_none_are_refused(tmp_path: Path) -> None:
    collection = make_collection(spaces=2)
    for names in ([], ["space-0", "space-0"], ["space-0", "made-up-0"]):
        with pytest.raises(QueryError, match="each encoder to keep once"):
            collection.keep_encoders(names)
    with pytest.raises(QueryError, match=r"no encoder 'clip'"):
        collection.keep_encoders(["clip"])
    assert len(collection.state.spaces) == 2
    collection.keep_encoders(["space-1"])  # before it was ever saved
    saved = open_collection(collection.save(tmp_path / "one"))
    assert [space.name for space in saved.state.spaces] == ["space-1"]
