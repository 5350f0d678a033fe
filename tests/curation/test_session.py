"""Edit session: changes are saved automatically, can be undone until then, and go to a copy if the original is protected."""

import time
from pathlib import Path
from typing import Any

import pytest
from served import settings_of
from synthetic import make_collection

from artsim import Collection, CollectionError, QueryError, open_collection
from artsim.curation import session as module
from artsim.curation.library import Library
from artsim.curation.session import EditSession, editable_columns
from artsim.ui.launch import _open_another
from artsim.ui.startup import open_or_build
from artsim.web.hub_token import current_token

TIMEOUT = 300.0  # seconds, for a loaded machine


def session_on(folder: Path, cache: Path, *, requested: str | None) -> EditSession:
    return EditSession(open_collection(folder), Library(cache), cache, requested=requested)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def session(copy: Path, cache: Path) -> EditSession:
    """An edit session on a folder of the user that the app was started with."""
    return session_on(copy, cache, requested=str(copy))


def test_edited_text_is_converted_to_the_type_of_its_column(session: EditSession, copy: Path) -> None:
    session.edit("03.jpg", {"title": "Irises", "year": "1890", "tags": "Flowers\n\nVases\n", "medium": ""})
    with pytest.raises(QueryError, match="year is a whole number, not 'about 1880'"):
        session.edit("03.jpg", {"title": "Lost", "year": "about 1880"})
    session.save()
    work = open_collection(copy).work("03.jpg")
    assert (work["title"], work["year"], work["tags"], work["medium"]) == ("Irises", 1890, ["Flowers", "Vases"], None)
    assert editable_columns(session.collection) == ["title", "artist", "year", "medium", "tags"]


def test_changes_can_be_undone_one_by_one_until_they_are_saved(session: EditSession) -> None:
    collection, title = session.collection, session.collection.work("03.jpg")["title"]
    name = collection.manifest.title
    session.edit("03.jpg", {"title": title})  # changes nothing
    assert session.unsaved == ()
    session.edit("03.jpg", {"title": "Irises"})
    session.remove(["03.jpg", "04.jpg", "04.jpg"])
    session.describe(title="Mine", license="cc0-1.0", description="", homepage="")
    changes = [(change.verb, len(change.works)) for change in session.unsaved]
    assert changes == [("edited", 1), ("removed", 2), ("described", 0)]
    session.undo()
    assert collection.manifest.title == name
    session.undo()
    assert len(collection) == 40
    assert collection.work("03.jpg")["title"] == "Irises"
    session.undo()
    assert collection.work("03.jpg")["title"] == title
    session.remove(["04.jpg"])
    session.save()
    with pytest.raises(QueryError, match="nothing to undo"):
        session.undo()


def test_changes_are_saved_automatically_and_when_the_app_stops(
    session: EditSession, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the first attempt fails, as with a disk that was full."""
    attempts: list[str] = []

    def save(*where: Path) -> Path:
        attempts.append(session.problem)
        if len(attempts) == 1:
            raise CollectionError("The disk is full.")
        return Collection.save(session.collection, *where)

    monkeypatch.setattr(session.collection, "save", save)
    monkeypatch.setattr(module, "SAVED_AFTER", 0.2)
    session.remove(["04.jpg"])
    session.remove(["05.jpg"])
    deadline = time.monotonic() + TIMEOUT
    while session.unsaved and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(open_collection(copy)) == 38
    assert session.saved_in is None
    assert attempts == ["", "The disk is full."] and not session.problem
    monkeypatch.setattr(module, "SAVED_AFTER", TIMEOUT)
    session.remove(["06.jpg"])
    session.close()
    assert len(open_collection(copy)) == 37


def test_a_change_of_the_default_makes_a_copy_that_is_opened_from_then_on(copy: Path, cache: Path) -> None:
    session = session_on(copy, cache, requested=None)
    settings = settings_of(ARTSIM_CACHE=str(cache))
    assert session.is_copied
    assert session.library.opened(None) is None
    session.remove(["04.jpg"])
    session.save()
    assert (len(open_collection(copy)), len(session.collection), session.is_copied) == (40, 39, False)

    opened = open_or_build(settings)  # the next start
    assert opened.own == session.own == "paintings0"
    assert len(opened.collection) == 39
    assert opened.collection.folder == cache / "collections" / "own" / "paintings0"
    again = EditSession(opened.collection, Library(cache), cache, requested=None, own=opened.own)
    again.remove(["05.jpg"])
    again.save()
    assert [(own.name, own.works) for own in again.library.collections()] == [("paintings0", 38)]

    again.library.open(None, None)  # back to the default; the copy stays
    assert again.library.opened(None) is None
    again.library.open(None, "paintings0")
    assert len(open_or_build(settings).collection) == 38
    assert again.library.opened("someone/else") is None  # nothing is chosen for another start


def test_a_damaged_copy_does_not_keep_the_app_from_starting(
    copy: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session = session_on(copy, cache, requested=str(copy))
    own = session.library.folder("mine")
    session.collection.save(own)
    session.library.open(str(copy), "mine")
    next(own.rglob("metadata.parquet")).write_bytes(b"spoilt")
    opened = open_or_build(settings_of("--collection", str(copy), ARTSIM_CACHE=str(cache)))
    assert opened.own is None
    assert opened.collection.folder == copy
    assert "The requested collection is opened instead" in caplog.text


def test_if_another_collection_cannot_be_opened_the_current_one_stays_open(copy: Path, cache: Path) -> None:
    library = Library(cache)
    open_collection(copy).save(library.folder("mine"))
    library.open("no-such-folder", "mine")
    settings = settings_of("--collection", "no-such-folder", ARTSIM_CACHE=str(cache))
    before = open_or_build(settings)
    library.open("no-such-folder", None)
    assert _open_another(before, settings) is before
    assert library.opened("no-such-folder") == before.own == "mine"


def test_an_own_collection_is_opened_with_the_encoder_that_is_asked_for(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = Library(cache)
    make_collection(spaces=2).save(library.folder("mine"))
    library.open(None, "mine")
    for asked, encoder in (("auto", "made-up-0"), ("made-up-1", "made-up-1"), ("space-1", "made-up-1")):
        opened = open_or_build(settings_of("--encoder", asked, ARTSIM_CACHE=str(cache)))
        assert opened.encoder == opened.collection.state.spaces[0].encoder == encoder
    assert "is not used" not in caplog.text
    assert open_or_build(settings_of("--encoder", "other", ARTSIM_CACHE=str(cache))).encoder == "made-up-0"
    assert "was made with made-up-0 and made-up-1, so --encoder other is not used" in caplog.text


def test_only_collections_in_the_library_can_be_opened(cache: Path) -> None:
    for name in ("../elsewhere", "no-such", "", "."):
        with pytest.raises(CollectionError, match="no own collection"):
            Library(cache).open(None, name)


def test_names_in_the_library_are_plain_and_unused(cache: Path) -> None:
    library = Library(cache)
    assert library.free_name("Sammlung Ä / Öl") == "sammlung-a-ol"
    assert library.free_name("絵画") == "collection"
    library.folder("collection").mkdir(parents=True)
    assert library.free_name("絵画") == "collection-2"


def published(session: EditSession) -> Any:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if session.publication is not None and session.publication.over:
            return session.publication
        time.sleep(0.02)
    raise AssertionError("it never ended")


def test_publishing_saves_changes_and_uses_the_given_licence(session: EditSession, hub: Any) -> None:
    session.edit("03.jpg", {"title": "Irises"})
    session.publish("artist/mine", private=True, license="cc-by-4.0")
    done = published(session)
    assert (done.failure, done.url) == ("", f"{hub.url}/datasets/artist/mine")
    assert done.sent == done.total > 0
    assert session.unsaved == ()
    opened = open_collection("artist/mine")
    assert opened.work("03.jpg")["title"] == "Irises"
    assert opened.manifest.license == "cc-by-4.0"
    assert hub.repo("artist/mine", "dataset").private


def test_a_typed_token_is_used_once_and_not_stored(
    session: EditSession, hub: Any, caplog: pytest.LogCaptureFixture
) -> None:
    session.publish("visitor/mine", private=False, license="unknown", token=hub.other_token)
    assert published(session).url == f"{hub.url}/datasets/visitor/mine"
    assert hub.other_token not in caplog.text
    assert hub.other_token not in repr(session.publication)
    assert current_token() == hub.token
    session.publish("visitor/other", private=False, license="unknown")  # the token of this machine has no rights there
    assert "may not write to visitor" in published(session).failure


def test_a_failed_publication_reports_the_reason(session: EditSession, hub: Any) -> None:
    session.publish("artist/mine", private=False, license="unknown", token="hf_artist_read")
    assert "may only read" in published(session).failure
