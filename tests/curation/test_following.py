"""A process that serves what another one saves."""

import json
import threading
from pathlib import Path

import pytest
from synthetic import make_collection

from artsim import open_collection
from artsim.curation.following import FolderFollower
from artsim.errors import CollectionError
from artsim.snapshot import works_map


def test_what_another_process_saves_is_found_and_shown_here_and_a_running_search_keeps_its_state(copy: Path) -> None:
    owners, here = open_collection(copy), open_collection(copy)
    follower, before = FolderFollower(here), here.state
    assert not follower.look() and here.state is before
    kept, gone = owners.ids[5], owners.ids[0]
    owners.edit(kept, {"title": "A quite new title"})
    owners.remove([gone])
    owners.describe(title="Renamed")
    owners.save()
    assert follower.look() and not follower.look()
    assert here.work(kept)["title"] == "A quite new title" and gone not in here.ids and here.manifest.title == "Renamed"
    assert here.search(work=kept, k=3) == owners.search(work=kept, k=3)
    assert [match.id for match in here.search(text="quite new")][:1] == [kept]
    assert before.pictures(before.row_of(gone))  # its file is removed, and still open


def test_it_follows_by_itself_until_it_is_stopped(copy: Path) -> None:
    owners, here = open_collection(copy), open_collection(copy)
    follower = FolderFollower(here, every=0.01)
    follower.start()
    try:
        for count in (39, 38):
            owners.remove(owners.ids[:1])
            owners.save()
            assert _within_seconds(lambda count=count: len(here) == count)
    finally:
        follower.stop()
    assert _within_seconds(lambda: all(thread.name != "following" for thread in threading.enumerate()))


def test_what_cannot_be_opened_or_has_other_encoders_leaves_what_is_served_as_it_is(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here = open_collection(copy)
    follower, manifest = FolderFollower(here), copy / "artsim.json"
    whole = manifest.read_text(encoding="utf-8")
    manifest.write_text(whole[:100], encoding="utf-8")  # while it is copied
    with pytest.raises(CollectionError):
        follower.look()
    other = json.loads(whole)
    other["spaces"][0]["revision"] = "another"
    manifest.write_text(json.dumps(other), encoding="utf-8")
    assert not follower.look() and not follower.look()
    assert caplog.text.count("other encoders") == 1 and len(here.search(work=here.ids[0], k=3)) == 3
    manifest.unlink()
    assert not follower.look()


def _within_seconds(is_so: object) -> bool:
    assert callable(is_so)
    pause = threading.Event()
    return any(is_so() or pause.wait(0.05) for _ in range(600))


def test_the_order_of_encoders_is_followed_unless_this_process_prefers_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_collection(spaces=2).save(tmp_path / "two")
    owners, here, prefers = (open_collection(folder) for _ in range(3))
    prefers.prefer("space-1")
    here.map()
    for order in (["space-1", "space-0"], ["space-0", "space-1"]):
        owners.keep_encoders(order)
        owners.save()
        assert FolderFollower(here).look() and [space.name for space in here.state.spaces] == order
        with monkeypatch.context() as patched:
            patched.setattr(works_map, "draw_map", None)
            assert len(here.map().order) == len(here), "the map that was saved"
        assert FolderFollower(prefers).look() and prefers.state.spaces[0].name == "space-1"


def test_a_removed_encoder_needs_a_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = make_collection(spaces=2).save(tmp_path / "two")
    owners, here = open_collection(folder), open_collection(folder)
    owners.keep_encoders(["space-1"])
    owners.save()
    assert not FolderFollower(here).look() and "other encoders" in caplog.text
    assert len(here.search(work=here.ids[0], k=3)) == 3
