"""Ingest: uploaded files are added, checked for duplicates, reported and cancelled; or they make a new collection."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import pytest
from odd_pictures import encode
from PIL import Image

from artsim import CollectionError, QueryError, open_collection
from artsim.curation import uploads
from artsim.curation.library import Library
from artsim.curation.session import EditSession
from artsim.curation.uploads import UploadFolder, UploadTooLarge, clean_name, role_of
from artsim.images.decode import load_image, to_file
from artsim.images.other_files import HEAD

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

TIMEOUT = 300.0  # seconds, for a loaded machine


@pytest.fixture
def session(copy: Path, tmp_path: Path, clip: Any) -> EditSession:
    """An edit session on a copy of 40 paintings in a folder of the user."""
    collection = open_collection(copy)
    collection.encoders.given[str(clip.id)] = clip  # loaded once for all tests
    return EditSession(collection, Library(tmp_path / "cache"), tmp_path / "cache", requested=str(copy))


@pytest.fixture(scope="module")
def scans(met_works: list[dict[str, Any]]) -> list[bytes]:
    """Twelve real paintings that the collection does not hold."""
    return [to_file(load_image(work["image"]["bytes"], short_side=64)) for work in met_works[60:72]]


def send(session: EditSession, files: dict[str, bytes], *, title: str | None = None) -> None:
    """Send all files at once, tables first, as the page does."""
    session.begin_ingest(title=title)
    session.ingest.expect(len(files))
    tables = [name for name, data in files.items() if role_of(data[:HEAD], name) == "table"]
    for name in sorted(files.keys() - tables):
        session.upload_folder.announce(name)
    for name in sorted(files, key=lambda name: name not in tables):
        path = session.upload_folder.place(len(files[name]))
        path.write_bytes(files[name])
        if name in tables:
            session.upload_folder.keep_table(name, path)
        else:
            session.ingest.receive(name, path)
    session.ingest.complete()


def outcomes(session: EditSession) -> dict[str, tuple[str, str | None]]:
    return {report.name: (report.outcome, report.work) for report in session.ingest.state().reports}


def finish(session: EditSession) -> Any:
    session.ingest.wait(TIMEOUT)
    state = session.ingest.state()
    assert session.ingest.over, state
    return state


def test_works_are_added_with_their_metadata_and_are_there_after_a_restart(
    session: EditSession, scans: list[bytes], copy: Path
) -> None:
    table = "file_name,title,artist,year,tags,frame\na.jpg,One,Ada,1901,Sea,gold\nb.jpg,,Ada,unknown,,gold\n"
    files = {f"scans/{letter}.jpg": data for letter, data in zip("abcdefghijkl", scans, strict=True)}
    send(session, {"scans/metadata.csv": table.encode(), **files})
    state = finish(session)
    assert (state.phase, state.total, state.done, state.added, state.reports) == ("done", 12, 12, 12, ())
    assert any("no column frame" in note for note in state.notes)
    assert any("year is a whole number, not 'unknown'" in note for note in state.notes)
    opened = open_collection(copy)
    assert opened.ids[40:] == [f"scans/{letter}.jpg" for letter in "abcdefghijkl"]
    work = opened.work("scans/a.jpg")
    assert (work["title"], work["artist"], work["year"], work["tags"]) == ("One", "Ada", 1901, ["Sea"])
    assert opened.work("scans/b.jpg")["title"] == "b"  # the file's name, where the table has none
    assert opened.picture("scans/c.jpg") == scans[2]


def test_rows_find_their_pictures_as_in_a_folder_and_the_owner_is_told(
    session: EditSession, scans: list[bytes], copy: Path
) -> None:
    rows = [r"C:\Photos\A.JPG", "/home/ada/scans/b.jpg", "C.jpg", "scans/d.jpg", "twin.jpg", "gone.jpg", "a.jpg"]
    table = "file_name,title\n" + "".join(f"{row},Row {number}\n" for number, row in enumerate(rows)) + "e.jpg\n"
    names = [
        f"my/{name}" for name in ("a.jpg", "scans/b.jpg", "c.jpg", "scans/d.jpg", "e.jpg", "1/twin.jpg", "2/twin.jpg")
    ]
    more = {"my/notes.csv": b"title\nA\n", "my/metadata.csv": table.encode("latin-1")}
    send(session, {**dict(zip(names, scans, strict=False)), **more})
    state = finish(session)
    opened = open_collection(copy)
    titles = [opened.work(name)["title"] for name in names]
    assert titles == ["Row 0", "Row 1", "Row 2", "Row 3", "e", "twin", "twin"]
    assert state.notes == (
        "notes.csv has no column file_name; its columns are title. Rename the one with the names of the picture files.",
        "Rows of the tables that found their pictures: 4.",
        "Pictures without a row: 3 (1/twin.jpg; 2/twin.jpg; e.jpg).",
        "Rows that name none of the pictures, or several: 2, such as twin.jpg (2 pictures).",
        "Rows for a picture that has a row already: 1, such as metadata.csv, line 8: a.jpg.",
        "Rows of the tables that cannot be read: 1, such as metadata.csv, line 9: 1 values instead of 2.",
    )


@pytest.mark.parametrize(
    ("name", "content", "role"),
    [
        ("scan0001", "jpeg", "picture"),
        ("scan.csv", "jpeg", "picture"),
        ("a.jpg", "text", "picture"),  # told by name what is wrong with it
        ("a.csv", "text", "table"),
        ("a.nef", "tiff", "other"),
        ("a.txt", "text", "other"),
    ],
)
def test_files_are_told_by_their_content(name: str, content: str, role: str) -> None:
    heads = {"jpeg": b"\xff\xd8\xff\xe0", "tiff": b"II*\0", "text": b"file_name,title\n"}
    assert role_of(heads[content], name) == role


def test_broken_files_and_duplicates_are_left_out_and_reported(
    session: EditSession, scans: list[bytes], paintings: Path
) -> None:
    painting = Image.open(paintings / "20.jpg")
    smaller = painting.resize((painting.width * 9 // 10, painting.height * 9 // 10))
    files = {
        "new.jpg": scans[0],
        "twice.jpg": scans[0],
        "same.jpg": (paintings / "11.jpg").read_bytes(),
        "scan.jpg": encode(smaller, "JPEG", quality=70),
        "broken.jpg": scans[1][:400],
        "empty.png": b"",
    }
    send(session, files)
    assert finish(session).added == 1
    found = outcomes(session)
    assert found["same.jpg"] == ("same-file", "11.jpg")
    assert found["twice.jpg"] == ("same-file", "new.jpg")
    assert found["scan.jpg"] == ("same-work", "20.jpg")
    assert {name for name, (outcome, _) in found.items() if outcome == "broken"} == {"broken.jpg", "empty.png"}
    relations = {report.name: report.relation for report in session.ingest.state().reports}
    assert relations["same.jpg"] == relations["twice.jpg"] == "same file"
    assert (relations["scan.jpg"], relations["broken.jpg"]) == ("same picture", None)
    assert len(session.collection) == 41


def test_duplicates_can_be_added_anyway(session: EditSession, paintings: Path, copy: Path) -> None:
    send(session, {"same.jpg": (paintings / "11.jpg").read_bytes(), "also.jpg": (paintings / "13.jpg").read_bytes()})
    assert finish(session).added == 0
    ingest = session.ingest
    [number] = [report.number for report in ingest.state().reports if report.name == "same.jpg"]
    ingest.include([number, 99])
    state = finish(session)
    assert [report.name for report in state.reports] == ["also.jpg"]
    assert open_collection(copy).ids[40:] == ["same.jpg"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_duplicate_that_is_added_anyway_while_a_save_runs_is_not_lost(
    session: EditSession, paintings: Path, scans: list[bytes], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def save() -> Path:
        monkeypatch.undo()
        session.ingest.include([report.number for report in session.ingest.state().reports])
        if fails:
            raise CollectionError("The disk is full.")
        return session.collection.save()

    monkeypatch.setattr(session.collection, "save", save)
    send(session, {"same.jpg": (paintings / "11.jpg").read_bytes(), "new.jpg": scans[0]})
    state = finish(session)
    if fails:  # it is offered again, and the next attempt saves everything
        assert (state.phase, state.added, outcomes(session)) == ("failed", 1, {"same.jpg": ("same-file", "11.jpg")})
        session.ingest.include([report.number for report in state.reports])
        state = finish(session)
    assert (state.phase, state.added, state.done, state.reports, session.unsaved) == ("done", 2, 2, (), ())
    assert open_collection(session.collection.folder).ids[40:] == ["new.jpg", "same.jpg"]


def test_cancelling_keeps_the_works_that_are_added(session: EditSession, scans: list[bytes]) -> None:
    session.begin_ingest()
    ingest = session.ingest
    for number, data in enumerate(scans):
        path = session.upload_folder.place(len(data))
        path.write_bytes(data)
        ingest.receive(f"{number}.jpg", path)
    deadline = time.monotonic() + TIMEOUT
    while ingest.state().added < 8 and time.monotonic() < deadline:  # added before the rest arrives
        time.sleep(0.05)
    with pytest.raises(CollectionError, match="being added"):
        session.begin_ingest()
    ingest.cancel()
    state = finish(session)
    assert state.phase == "cancelled"
    assert 8 <= state.added <= 12
    assert len(session.collection) == 40 + state.added


def test_a_new_collection_begins_with_its_first_pictures(session: EditSession, scans: list[bytes]) -> None:
    table = '{"file_name": "a.jpg", "title": "Eins", "artist": "Ada", "room": 3}\n'
    files = {f"{letter}.jpg": data for letter, data in zip("abcdefghijkl", scans, strict=True)}
    send(session, {"metadata.jsonl": table.encode(), **files, "bad.jpg": b"no"}, title="Neue Sammlung")
    state = finish(session)
    assert (state.phase, state.added, session.begun) == ("done", 12, "neue-sammlung")
    assert len(session.collection) == 40  # the open collection is unchanged
    assert session.unsaved == ()
    [own] = session.library.collections()
    assert (own.name, own.title, own.works) == ("neue-sammlung", "Neue Sammlung", 12)
    opened = open_collection(session.library.folder("neue-sammlung"))
    assert opened.work("a.jpg")["room"] == 3
    assert opened.work("b.jpg")["title"] == "b"
    assert opened.picture("b.jpg") == scans[1]
    assert len(opened.search(image=scans[4], k=3)) == 3
    assert opened.search(image=scans[4], k=1)[0].id == "e.jpg"


def test_a_new_collection_needs_a_title_and_a_picture_and_an_open_one_must_hold_pictures(session: EditSession) -> None:
    with pytest.raises(QueryError, match="needs a title"):
        session.begin_ingest(title=" ")
    send(session, {"bad.jpg": b"no"}, title="Empty")
    state = finish(session)
    assert (state.phase, state.added, session.begun) == ("done", 0, None)
    assert session.library.collections() == []
    session.collection.manifest = dataclasses.replace(session.collection.manifest, images="urls")
    with pytest.raises(CollectionError, match="holds no pictures"):
        session.begin_ingest()


def test_an_unreadable_table_is_reported_without_its_path(session: EditSession, scans: list[bytes]) -> None:
    send(session, {"metadata.csv": b"title,artist\nA,B\n", "a.jpg": scans[0]})
    state = finish(session)
    assert state.added == 1
    [note] = state.notes
    assert note.startswith("metadata.csv has no column file_name")


def test_a_failed_save_is_reported_and_the_works_stay_unsaved(
    session: EditSession, scans: list[bytes], copy: Path
) -> None:
    other = open_collection(copy)
    other.edit("05.jpg", {"title": "By another process"})
    other.save()
    send(session, {"a.jpg": scans[0]})
    state = finish(session)
    assert state.phase == "failed"
    assert f"{copy} was saved by another process since it was opened here" in state.failure
    assert len(session.collection) == 41
    assert [(change.verb, change.works) for change in session.unsaved] == [("added", ("a.jpg",))]
    with pytest.raises(CollectionError):  # the files of those works are still needed
        session.begin_ingest()
    assert session.collection.picture("a.jpg") == scans[0]
    session.undo()
    assert len(session.collection) == 40


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("scans/01.jpg", "scans/01.jpg"),
        ("../../etc/passwd", "etc/passwd"),
        ("C:\\Users\\ada\\a.jpg", "C:/Users/ada/a.jpg"),
        ("/absolute.jpg", "absolute.jpg"),
        ("a\x00b\n.jpg", "ab.jpg"),
        ("", "picture"),
        ("Cafe\u0301.jpg", "Café.jpg"),
    ],
)
def test_uploaded_names_are_cleaned(sent: str, kept: str) -> None:
    assert clean_name(sent) == kept


def test_uploads_are_limited_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lot = UploadFolder(tmp_path)
    for _ in range(3):
        lot.place(10).write_bytes(b"x")
    assert len(list(lot.folder.iterdir())) == 3
    with pytest.raises(UploadTooLarge, match="50 GB"):
        lot.place(60_000_000_000)
    monkeypatch.setattr(uploads, "MOST_FILES", 3)
    with pytest.raises(UploadTooLarge, match="At most 3 files"):
        lot.place(10)
    lot.remove()
    assert not lot.folder.exists()
