"""Open a collection from the Hub: pinned, fetched once, verified once, offline afterwards, with clear errors."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hub_server import HubServer
from hub_server.faults import Fault

import artsim
from artsim.errors import CollectionError, EncoderError, HubError
from artsim.web.hub_client import WITHIN

REPO = "artist/stripes"
STATISTICS = "index/clip.safetensors"
SHARD = "data/train-00000-of-00001.parquet"


@pytest.fixture
def published(hub: HubServer, stripes: Path) -> HubServer:
    """The Hub with the published collection; the requests of publishing are cleared."""
    artsim.publish(stripes, REPO)
    hub.clear_requests()
    return hub


def downloads(hub: HubServer) -> list[str]:
    """Files that were fetched by GET."""
    return [r.path.split("/", 6)[-1] for r in hub.requests if r.route == "resolve" and r.method == "GET"]


def nearest(collection: artsim.Collection, work: str = "2.jpg") -> list[str]:
    return [match.id for match in collection.search(work=work, k=5)]


def test_what_was_published_is_what_is_opened_and_fetched_once(published: HubServer, stripes: Path) -> None:
    here, there = artsim.open_collection(stripes), artsim.open_collection(REPO)
    assert there.ids == here.ids
    assert nearest(there) == nearest(here)
    assert there.picture("0.jpg") == here.picture("0.jpg")
    assert there.work("1.jpg")["title"] == "Stripes 1"
    assert there.origin == artsim.collection.Origin(REPO, published.commits(REPO, "dataset")[0].sha)
    assert here.origin is None
    fitted = ["index/clip.calibration.safetensors", "index/clip.map.safetensors", STATISTICS]
    files = ["README.md", "artsim.json", SHARD, *fitted]  # not index/subject.faiss
    assert sorted(downloads(published)) == sorted(files)
    published.clear_requests()
    artsim.open_collection(REPO)
    assert [(r.method, r.route) for r in published.requests] == [("GET", "info")]


def test_the_commit_is_pinned_and_a_commit_or_tag_can_be_requested(published: HubServer, stripes: Path) -> None:
    old = artsim.open_collection(REPO)
    assert old.origin is not None
    published.repo(REPO, "dataset").tags["v1"] = old.origin.commit
    changed = artsim.open_collection(stripes)
    changed.remove(["5.jpg"])
    changed.save()
    artsim.publish(stripes, REPO)

    assert len(old) == 6
    assert old.picture("5.jpg")
    assert len(artsim.open_collection(REPO)) == 5
    for revision in (old.origin.commit, "v1"):
        assert len(artsim.open_collection(REPO, revision=revision)) == 6
    with pytest.raises(HubError, match=r"there is no such revision\. Give a branch, a tag or a whole commit id"):
        artsim.open_collection(REPO, revision="v2")
    with pytest.raises(CollectionError, match="which has no revisions"):
        artsim.open_collection(stripes, revision="main")


def test_offline_the_cache_is_enough(published: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    online = artsim.open_collection(REPO)
    published.clear_requests()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    offline = artsim.open_collection(REPO)
    assert (offline.origin, nearest(offline)) == (online.origin, nearest(online))
    with pytest.raises(HubError, match=r"it is not in the cache, and the Hub is switched off here \(HF_HUB_OFFLINE is"):
        artsim.open_collection("artist/other")
    assert published.requests == []


def test_without_the_hub_the_last_fetched_commit_is_opened(
    published: HubServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsim.web.retries.RETRIES", 1)
    artsim.open_collection(REPO)
    published.inject(Fault("*", status=503, times=None))
    assert len(artsim.open_collection(REPO)) == 6
    with pytest.raises(HubError, match="Opening artist/other, which is no folder here, failed: the Hub answered 503"):
        artsim.open_collection("artist/other")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("info", status=503),
        Fault("tree", status=503),
        Fault("resolve", method="HEAD", path=SHARD, status=503),
        Fault("resolve", "drop", method="GET", path=SHARD),
        Fault("resolve", "cut", path=SHARD),
        Fault("resolve", "corrupt", path=SHARD),
        Fault("resolve", "wrong_size", method="GET", path=SHARD),
        Fault("resolve", "corrupt", path=STATISTICS),
        Fault("resolve", method="GET", path="artsim.json", status=429, retry_after=0),
    ],
    ids=lambda fault: f"{fault.route}-{fault.kind}-{fault.method}-{fault.path[:6]}",
)
def test_a_transfer_fault_is_repaired(published: HubServer, fault: Fault) -> None:
    armed = published.inject(fault)
    opened = artsim.open_collection(REPO)
    assert armed.hits == 1
    assert opened.folder is not None
    for path in (SHARD, STATISTICS):
        assert (opened.folder / path).read_bytes() == published.files(REPO, "dataset")[path]


def test_a_file_damaged_in_the_cache_is_fetched_again_and_only_that(published: HubServer) -> None:
    folder = artsim.open_collection(REPO).folder
    assert folder is not None
    blob = (folder / SHARD).resolve()
    blob.write_bytes(blob.read_bytes()[:-100])
    published.clear_requests()
    assert len(artsim.open_collection(REPO)) == 6
    assert downloads(published) == [SHARD]


def test_damaged_data_on_the_hub_raises_a_one_line_error(published: HubServer) -> None:
    published.add_commit(REPO, "dataset", {SHARD: b"PAR1 nonsense"})
    with pytest.raises(
        CollectionError, match=rf"^{SHARD} of artist/stripes at .* has 13 bytes instead of .* on the Hub is damaged"
    ):
        artsim.open_collection(REPO)


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_an_index_that_is_missing_or_damaged_on_the_hub_is_built_again(
    hub: HubServer, compact: Path, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    from huggingface_hub import HfApi

    index = "index/space-0.faiss"
    artsim.publish(compact, REPO)
    if harm == "missing":
        HfApi().delete_file(index, REPO, repo_type="dataset")
    else:
        data = hub.files(REPO, "dataset")[index]
        hub.add_commit(REPO, "dataset", {index: data[:-9] + b"otherwise"})
    opened = artsim.open_collection(REPO)
    assert nearest(opened, "work-20-2") == nearest(artsim.open_collection(compact), "work-20-2")
    assert "it is built again from the embedding columns" in caplog.text


def test_files_are_hashed_once(published: HubServer, artsim_cache: Path) -> None:
    folder = artsim.open_collection(REPO).folder
    assert folder is not None
    blob = (folder / SHARD).resolve()
    data, before = blob.read_bytes(), blob.stat()
    place = pq.read_metadata(blob).row_group(0).column(1).data_page_offset + 100  # in the pictures
    blob.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))  # damage by the disk keeps size and time
    assert len(artsim.open_collection(REPO)) == 6
    published.clear_requests()

    artsim.open_collection(REPO, verify=True)

    assert downloads(published) == [SHARD]
    assert blob.read_bytes() == data
    assert str(blob) in json.loads((artsim_cache / "verified.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("field", "value", "message", "fetched"),
    [
        ("format_version", 99, r"artsim\.json of artist/stripes at .* has format version 99; .* Update artsim", 1),
        ("metric", "l2", "is compared by l2", 6),
        ("dims", {"subject": 25}, "dimensions", 6),
    ],
)
def test_a_newer_format_is_refused_before_anything_large_is_fetched_and_an_inconsistent_space_after(
    published: HubServer, field: str, value: object, message: str, fetched: int
) -> None:
    data = json.loads(published.files(REPO, "dataset")["artsim.json"])
    (data if field == "format_version" else data["spaces"][0])[field] = value
    published.add_commit(REPO, "dataset", {"artsim.json": json.dumps(data).encode()})
    with pytest.raises(CollectionError, match=message):
        artsim.open_collection(REPO)
    assert len(downloads(published)) == fetched


def test_kinds_of_missing_collections_have_different_errors(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add_repo("artist/pictures", "dataset", {"a.txt": b"a"})
    hub.add_repo("visitor/secret", "dataset", {"artsim.json": b"{}"}, private=True)
    hub.add_repo("museum/gated", "dataset", {"artsim.json": b"{}"}, gated="manual")
    missing = ", which is no folder here, failed: the Hub has no such repository"
    for name, error, message in (
        ("artist/pictures", CollectionError, r"is a dataset, but not a collection .* --source hub:artist/pictures"),
        ("artist/nothing", HubError, f"Opening artist/nothing{missing}"),
        ("visitor/secret", HubError, f"Opening visitor/secret{missing}"),
        ("no-such-folder", CollectionError, "no-such-folder does not exist"),
        ("artist/so nice", HubError, "is not an id on the Hub"),
    ):
        with pytest.raises(error, match=message):
            artsim.open_collection(name)
    monkeypatch.setenv("HF_TOKEN", hub.other_token)
    with pytest.raises(HubError, match="the repository is gated"):
        artsim.open_collection("museum/gated")


def test_without_its_encoder_a_collection_is_browsed_and_searched_by_work(published: HubServer, pictures: Path) -> None:
    opened = artsim.open_collection(REPO)
    assert opened.manifest.spaces[0].encoder == "./clip"
    assert opened.image("0.jpg").size == (48, 64)
    assert len(opened.search(work="0.jpg", k=3, where={"artist": ["Painter 1"]})) == 3
    with pytest.raises(EncoderError, match=r"The encoder \./clip cannot be loaded") as said:
        opened.search(image=pictures / "0.jpg")
    assert "\n" not in str(said.value)


def test_with_its_encoder_a_collection_is_searched_by_pictures_at_the_exact_revision(
    hub: HubServer, hub_clip: str, hub_stripes: Path, pictures: Path
) -> None:
    artsim.publish(hub_stripes, REPO)
    sha = hub.commits(hub_clip, "model")[0].sha
    hub.add_commit(hub_clip, "model", {"config.json": b"{}"})  # a later commit does not matter
    opened = artsim.open_collection(REPO)
    assert opened.manifest.spaces[0].revision == sha
    assert opened.search(image=pictures / "4.jpg")[0].id == "4.jpg"


def test_a_collection_from_the_hub_is_saved_elsewhere_never_into_the_cache(
    published: HubServer, tmp_path: Path
) -> None:
    opened = artsim.open_collection(REPO)
    folder = opened.folder
    opened.remove(["1.jpg"])
    with pytest.raises(
        CollectionError, match=r"was opened from the Hub \(artist/stripes at .*\): give save\(\) a folder"
    ):
        opened.save()
    opened.save(tmp_path / "mine")
    assert opened.origin is None
    assert folder is not None and len(artsim.open_collection(REPO)) == 6
    assert len(artsim.open_collection(tmp_path / "mine")) == 5


# --- A Hub that is silent, slow, wrong or absent ----------------------------------------------------------------------

FAULTS = (
    Fault("*", "slow", seconds=20, times=None),
    Fault("info", "trickle", seconds=0.3, times=None),
    Fault("resolve", "trickle", seconds=0.3, path="artsim.json", times=None),
    Fault("*", "drop", times=None),
    Fault("*", "portal", times=None),
    Fault("*", status=429, retry_after=60, times=None),
    Fault("*", status=401, times=None),
    Fault("resolve", status=404, times=None),
    Fault("resolve", "cut", path=SHARD, times=None),
)
PLAIN = (0, 1, 4, 8)
"""The places of those that a plain run tries: a silent Hub, a byte now and then, a log-in page, a cut."""


@pytest.mark.parametrize("known", [True, False], ids=["cached", "not cached"])
@pytest.mark.parametrize(
    "fault",
    [fault if place in PLAIN else pytest.param(fault, marks=pytest.mark.sweep) for place, fault in enumerate(FAULTS)],
    ids=lambda fault: f"{fault.route}-{fault.kind}-{fault.status}-{fault.path[:6]}",
)
def test_whatever_the_hub_does_a_cached_commit_is_opened_and_another_refused_with_a_sentence(
    published: HubServer, stripes: Path, fault: Fault, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsim.web.retries.RETRIES", 1)
    for name, seconds in (("_TIMEOUT_S", 0.4), ("_DEADLINE_S", 0.6), ("_LONGEST_S", 0.7)):
        monkeypatch.setattr(f"artsim.hub.fetch.{name}", seconds)
    if known:
        artsim.open_collection(REPO)
    changed = artsim.open_collection(stripes)
    changed.remove(["5.jpg"])
    changed.save()
    artsim.publish(stripes, REPO)
    published.inject(fault)
    started = time.monotonic()
    if known:
        opened = artsim.open_collection(REPO)
        assert (len(opened), len(nearest(opened))) == (6, 5)
        assert opened.origin is not None and opened.origin.fetched == datetime.now(UTC).date()
    else:
        with pytest.raises((HubError, CollectionError)) as said:
            artsim.open_collection(REPO)
        assert "\n" not in str(said.value)
    assert time.monotonic() - started < 15  # of the 20 and more that it would take
    if fault.kind != "trickle":  # what was left to itself asks the Hub of no other test
        for thread in threading.enumerate():
            if thread.name == WITHIN:
                thread.join(5)


def test_a_commit_that_was_fetched_in_part_is_not_opened(published: HubServer) -> None:
    old = artsim.open_collection(REPO)
    assert old.folder is not None
    published.add_commit(REPO, "dataset", {"artsim.json": published.files(REPO, "dataset")["artsim.json"] + b"\n"})
    incomplete = artsim.open_collection(REPO).folder
    assert incomplete is not None and incomplete != old.folder
    (incomplete / SHARD).unlink()
    published.inject(Fault("*", "drop", times=None))
    opened = artsim.open_collection(REPO)
    assert opened.folder == old.folder
    assert opened.origin is not None and opened.origin.fetched is not None
