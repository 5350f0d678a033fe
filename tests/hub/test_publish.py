"""Publishing: one commit of the differences, never repeated, and the local folder stays unchanged."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import HubServer
from hub_server.faults import Fault
from poisoned import poison

import artsim
from artsim.errors import CollectionError, HubError, ImageError
from artsim.hub.access import write_problem
from artsim.storage.manifest import parse_manifest

REPO = "artist/stripes"
FILES = {
    "README.md",
    "artsim.json",
    "data/train-00000-of-00001.parquet",
    "index/clip.calibration.safetensors",
    "index/clip.map.safetensors",
    "index/clip.safetensors",
    "index/subject.faiss",
}


def commits(hub: HubServer) -> list[str]:
    """Titles of the commits, without the initial one of the Hub."""
    return [commit.title for commit in hub.commits(REPO, "dataset")][:-1]


def uploaded_bytes(hub: HubServer) -> int:
    return sum(request.received for request in hub.requests if request.route == "lfs_upload")


def file_hashes(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_collection_is_published_as_one_commit_and_another_time_as_none(hub: HubServer, stripes: Path) -> None:
    pushed = artsim.publish(stripes, REPO)

    assert commits(hub) == ["Publish Stripes: 6 works"]
    assert set(pushed.sent) == FILES
    assert pushed.commit == hub.commits(REPO, "dataset")[0].sha
    assert pushed.url == f"{hub.url}/datasets/{REPO}"
    there = hub.files(REPO, "dataset")
    assert set(there) == FILES | {".gitattributes"}
    manifest = parse_manifest(there["artsim.json"].decode(), "artsim.json")
    assert set(manifest.files) == FILES - {"artsim.json"}
    for path, record in manifest.files.items():
        assert (record.size, record.sha256) == (len(there[path]), hashlib.sha256(there[path]).hexdigest()), path
    tree = hub.commits(REPO, "dataset")[0].tree
    assert [path for path in sorted(FILES) if tree[path].lfs] == sorted(FILES - {"README.md", "artsim.json"})
    hub.clear_requests()

    again = artsim.publish(stripes, REPO)

    assert (again.changed, again.commit) == (False, pushed.commit)
    assert len(commits(hub)) == 1
    assert {request.route for request in hub.requests}.isdisjoint({"commit", "lfs_upload", "create"})


def test_what_was_opened_from_the_hub_is_published_elsewhere_as_the_same_files(hub: HubServer, stripes: Path) -> None:
    artsim.publish(stripes, REPO)
    folder = artsim.open_collection(REPO).folder
    assert folder is not None and not (folder / "index/subject.faiss").exists()
    artsim.publish(folder, "artist/copy")
    before, after = (hub.files(repo, "dataset") for repo in (REPO, "artist/copy"))
    different = {name for name in FILES if before[name] != after[name]}
    assert different == {"README.md", "artsim.json"}  # which name the repository


def test_only_what_changed_is_sent_and_what_vanished_is_deleted(hub: HubServer, stripes: Path) -> None:
    artsim.publish(stripes, REPO)
    hub.add_commit(
        REPO,
        "dataset",
        {"LICENSE": b"CC0", "data/train-00001-of-00002.parquet": b"PAR1 old", "index/old.faiss": b"\0old"},
    )
    (stripes / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# By hand\n", encoding="utf-8")
    hub.clear_requests()

    pushed = artsim.publish(stripes, REPO)

    assert set(pushed.sent) == {"README.md", "artsim.json"}
    assert set(pushed.deleted) == {"data/train-00001-of-00002.parquet", "index/old.faiss"}
    assert len(commits(hub)) == 3
    there = hub.files(REPO, "dataset")
    assert set(there) == FILES | {".gitattributes", "LICENSE"}
    assert there["README.md"] == b"---\nlicense: cc0-1.0\n---\n# By hand\n"
    assert uploaded_bytes(hub) == 0


def test_publishing_again_repairs_what_was_changed_or_damaged_on_the_hub(
    hub: HubServer, stripes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    artsim.publish(stripes, REPO)
    artsim.publish(stripes, REPO)
    assert "was edited on the Hub" not in caplog.text
    good = hub.files(REPO, "dataset")
    hub.add_commit(REPO, "dataset", {"README.md": good["README.md"] + b"\nBy hand, on the website.\n"})
    assert artsim.publish(stripes, REPO).sent == ("README.md",)
    assert "The card of artist/stripes was edited on the Hub. It is replaced now" in caplog.text
    hub.add_commit(REPO, "dataset", {"artsim.json": b"{", "index/clip.safetensors": b"\0"})
    assert set(artsim.publish(stripes, REPO).sent) == {"artsim.json", "index/clip.safetensors"}
    assert hub.files(REPO, "dataset") == good


@pytest.mark.parametrize(
    "fault",
    [
        Fault("commit", status=429, retry_after=0),
        Fault("commit", "drop"),
        Fault("commit", status=500, times=2),
        Fault("info", status=503),
        Fault("lfs_upload", "wrong_size", method="PUT"),
        Fault("create", status=503),
        Fault("whoami", status=503),
    ],
    ids=lambda fault: f"{fault.route}-{fault.kind}-{fault.status}",
)
def test_transient_faults_are_retried(hub: HubServer, stripes: Path, fault: Fault) -> None:
    armed = hub.inject(fault)
    pushed = artsim.publish(stripes, REPO)
    assert armed.hits == fault.times
    assert len(commits(hub)) == 1
    assert pushed.commit == hub.commits(REPO, "dataset")[0].sha


def test_a_lost_response_does_not_make_a_second_commit(hub: HubServer, stripes: Path) -> None:
    armed = hub.inject(Fault("commit", "lost_answer"))
    pushed = artsim.publish(stripes, REPO)
    assert armed.hits == 1
    assert len(commits(hub)) == 1
    assert pushed.commit == hub.commits(REPO, "dataset")[0].sha
    assert set(pushed.sent) == FILES
    assert [request.route for request in hub.requests].count("commit") == 1


def test_a_concurrent_commit_is_built_upon(hub: HubServer, stripes: Path) -> None:
    artsim.publish(stripes, REPO)
    (stripes / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# By hand\n", encoding="utf-8")
    hub.clear_requests()
    hub.inject(Fault("commit", "slow", seconds=1.0))
    pushing = threading.Thread(target=artsim.publish, args=(stripes, REPO))
    pushing.start()
    while not any(request.route == "preupload" for request in hub.requests):
        time.sleep(0.01)
    hub.add_commit(REPO, "dataset", {"NOTE": b"theirs"}, title="Theirs")
    pushing.join()

    assert commits(hub) == ["Publish Stripes: 6 works", "Theirs", "Publish Stripes: 6 works"]
    assert [request.status for request in hub.requests if request.route == "commit"] == [412, 200]
    there = hub.files(REPO, "dataset")
    assert there["NOTE"] == b"theirs"
    assert there["README.md"].endswith(b"# By hand\n")


def test_an_unavailable_hub_is_a_one_line_error_and_another_try_sends_only_what_is_missing(
    hub: HubServer, stripes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsim.web.retries.RETRIES", 2)
    before = file_hashes(stripes)
    armed = hub.inject(Fault("commit", status=503, times=3))
    with pytest.raises(
        HubError, match=r"^Publishing to artist/stripes failed: the Hub answered 503 .* Try again later\.$"
    ):
        artsim.publish(stripes, REPO)
    assert armed.hits == 3
    assert commits(hub) == []
    assert file_hashes(stripes) == before
    hub.clear_requests()
    artsim.publish(stripes, REPO)
    assert uploaded_bytes(hub) == 0  # the large files were there already
    assert len(commits(hub)) == 1


def test_progress_is_reported_in_bytes(hub: HubServer, stripes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artsim.hub.commit._LARGE", 4000)
    told: list[tuple[int, int]] = []
    artsim.publish(stripes, REPO, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) > 2
    assert {total for _, total in told} == {told[-1][0]}
    assert told[-1][0] == sum(len(data) for path, data in hub.files(REPO, "dataset").items() if path in FILES)


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (None, "There is no Hub token on this machine"),
        ("other_token", "You are visitor on the Hub and may not write to artist; you may write to visitor."),
        ("hf_nobody", "The Hub does not accept the token of this machine"),
    ],
)
def test_a_token_without_rights_is_refused_before_anything_happens(
    hub: HubServer, stripes: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, sentence: str
) -> None:
    if token is None:
        monkeypatch.delenv("HF_TOKEN")
    else:
        monkeypatch.setenv("HF_TOKEN", getattr(hub, token, token))
    with pytest.raises(HubError) as refused:
        artsim.publish(stripes, REPO)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not hub.exists(REPO, "dataset")
    assert {request.route for request in hub.requests} <= {"whoami"}


@pytest.mark.parametrize("repo_id", ["stripes", "artist/a/b", "artist/so nice", ""])
def test_a_malformed_id_is_refused_without_asking_the_hub(hub: HubServer, stripes: Path, repo_id: str) -> None:
    with pytest.raises(HubError, match="is not an id on the Hub: give NAMESPACE/NAME"):
        artsim.publish(stripes, repo_id)
    assert hub.requests == []


def test_a_dataset_that_is_no_collection_is_never_overwritten_but_an_empty_one_is_filled(
    hub: HubServer, stripes: Path
) -> None:
    hub.add_repo(REPO, "dataset", {"data/train-00000-of-00001.parquet": b"PAR1 precious"})
    with pytest.raises(HubError, match="exists on the Hub and is not a collection"):
        artsim.publish(stripes, REPO)
    assert hub.files(REPO, "dataset")["data/train-00000-of-00001.parquet"] == b"PAR1 precious"
    hub.add_repo("artist/new", "dataset", {"README.md": b"---\nlicense: mit\n---\n"})  # made on the website
    assert artsim.publish(stripes, "artist/new").changed


def test_private_is_applied_on_request_and_never_undone(
    hub: HubServer, stripes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    artsim.publish(stripes, REPO, private=True)
    assert hub.repo(REPO, "dataset").private
    artsim.publish(stripes, REPO)
    assert hub.repo(REPO, "dataset").private

    artsim.publish(stripes, "artist/open")
    assert not hub.repo("artist/open", "dataset").private
    artsim.publish(stripes, "artist/open", private=True)
    assert hub.repo("artist/open", "dataset").private
    assert "artist/open was public and is private now" in caplog.text


def test_what_is_damaged_or_would_be_refused_is_not_published(
    hub: HubServer, stripes: Path, artsim_cache: Path
) -> None:
    manifest, statistics = stripes / "artsim.json", next(stripes.rglob("clip.safetensors"))
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("cc0-1.0", "Public Domain"), encoding="utf-8")
    with pytest.raises(HubError, match=r"The Hub knows no licence 'Public Domain'\. Give --license"):
        artsim.publish(stripes, REPO)
    manifest.write_text(text, encoding="utf-8")
    whole = statistics.read_bytes()
    statistics.write_bytes(whole[:-1])
    with pytest.raises(CollectionError, match=r"clip\.safetensors has .* so the collection is not published"):
        artsim.publish(stripes, REPO)
    statistics.write_bytes(whole)
    poison(stripes, "2.jpg", {"bytes": None, "path": "/etc/passwd"})
    with pytest.raises(ImageError, match=r"does not hold the picture of '2\.jpg', and a path in its place is never"):
        artsim.publish(stripes, REPO)
    assert not hub.exists(REPO, "dataset")
    assert not list(artsim_cache.rglob("*.parquet"))  # the published files are in the cache only meanwhile


def test_paths_of_local_folders_are_not_published(
    hub: HubServer, stripes: Path, checkpoint: Callable[[str], Path], pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    artsim.publish(stripes, REPO)
    there = hub.files(REPO, "dataset")
    for secret in (str(checkpoint("clip").parent), str(pictures.parent)):
        assert secret.encode() not in there["artsim.json"] + there["README.md"]
    manifest = parse_manifest(there["artsim.json"].decode(), "artsim.json")
    assert manifest.spaces[0].encoder == "./clip"
    assert manifest.source["name"] == f"folder:{pictures.name}"
    assert "users of artist/stripes can browse it and search by its works" in caplog.text


def account(role: str, *scopes: tuple[str, str, str], org: str | None = "write") -> dict:
    """The Hub's whoami-v2 of a user `ada`, a member of `museum`; scopes are (type, name, permission)."""
    scoped = [{"entity": {"type": kind, "name": name}, "permissions": [may]} for kind, name, may in scopes]
    token = {"displayName": "laptop", "role": role, "fineGrained": {"global": [], "scoped": scoped}}
    orgs = [{"name": "museum", "roleInOrg": org}] if org else []
    return {"name": "ada", "orgs": orgs, "auth": {"accessToken": token}}


@pytest.mark.parametrize(
    ("whoami", "repo_id", "problem"),
    [
        (account("write"), "ada/works", None),
        (account("write"), "museum/works", None),
        (account("write", org="read"), "museum/works", "may only read in museum"),
        (account("write"), "louvre/works", "may not write to louvre; you may write to ada, museum."),
        (account("read"), "ada/works", "The Hub token 'laptop' of ada may only read"),
        (account("fineGrained"), "ada/works", "has no write permission for ada/works"),
        (account("fineGrained", ("user", "ada", "repo.content.read")), "ada/works", "has no write permission"),
        (account("fineGrained", ("user", "ada", "repo.write")), "ada/works", None),
        (account("fineGrained", ("user", "ada", "repo.write")), "museum/works", "has no write permission"),
        (account("fineGrained", ("org", "museum", "repo.write")), "museum/works", None),
        (account("fineGrained", ("dataset", "ada/works", "repo.write")), "ada/works", None),
        (account("fineGrained", ("model", "ada/works", "repo.write")), "ada/works", "has no write permission"),
        ({"name": "ada", "orgs": [], "auth": {"type": "oauth"}}, "ada/works", None),  # the Hub decides
    ],
)
def test_the_rights_of_a_token_follow_whoami(whoami: dict, repo_id: str, problem: str | None) -> None:
    said = write_problem(whoami, repo_id, "dataset")
    assert said is None if problem is None else problem in (said or "")
