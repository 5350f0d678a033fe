"""The loopback Hub and its faults behave as the real huggingface_hub expects: other tests rely on it."""

from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, hf_hub_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from hub_server import HubServer
from hub_server.client import run_python
from hub_server.faults import Fault

WORKS = "artist/works"
CARD = b"---\nlicense: cc0-1.0\ntags: [art]\n---\n# Works\n"
PARQUET = b"PAR1" + bytes(range(256)) * 40


@pytest.fixture
def api(hub: HubServer) -> HfApi:
    return HfApi()


def push(api: HfApi, files: dict[str, bytes], *, parent: str | None = None) -> str:
    """Commit files to the dataset with the real client; returns the new sha."""
    operations = [CommitOperationAdd(path, data) for path, data in files.items()]
    return api.create_commit(
        WORKS, operations, commit_message="Add works", repo_type="dataset", parent_commit=parent
    ).oid


def fetch(path: str = "train.parquet", *, revision: str | None = None) -> bytes:
    return Path(hf_hub_download(WORKS, path, repo_type="dataset", revision=revision)).read_bytes()


def lfs_bytes(hub: HubServer) -> int:
    return sum(request.received for request in hub.requests if request.route == "lfs_upload")


def status_of(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    return error.value.response.status_code


def test_a_commit_holds_regular_and_lfs_files_and_sends_known_content_once(hub: HubServer, api: HfApi) -> None:
    url = api.create_repo(WORKS, repo_type="dataset")
    assert str(url) == f"{hub.url}/datasets/{WORKS}"
    files = {"README.md": CARD, "data/train.parquet": PARQUET, "main.faiss": b"IxFI\0\1", "note.txt": "für".encode()}
    sha = push(api, files)
    assert {path: hub.files(WORKS, "dataset")[path] for path in files} == files
    assert [commit.title for commit in hub.commits(WORKS, "dataset")] == ["Add works", "initial commit"]
    siblings = api.repo_info(WORKS, repo_type="dataset", files_metadata=True).siblings or []
    assert {file.rfilename for file in siblings if file.lfs} == {"data/train.parquet", "main.faiss"}
    hub.clear_requests()

    assert push(api, files) == sha
    push(api, {"moved.parquet": PARQUET})
    assert lfs_bytes(hub) == 0
    assert fetch("moved.parquet") == PARQUET


def test_an_old_revision_stays_readable(hub: HubServer, api: HfApi) -> None:
    old = hub.add_repo(WORKS, "dataset", {"a.txt": b"old"})
    deletion = [CommitOperationDelete("a.txt")]
    api.create_commit(WORKS, deletion, commit_message="Clear", repo_type="dataset")
    assert fetch("a.txt", revision=old) == b"old"
    with pytest.raises(RemoteEntryNotFoundError):
        fetch("a.txt")
    with pytest.raises(RemoteEntryNotFoundError):
        api.create_commit(WORKS, deletion, commit_message="Clear", repo_type="dataset")


def test_a_stale_parent_is_refused_with_412(hub: HubServer, api: HfApi) -> None:
    parent = hub.add_repo(WORKS, "dataset")
    hub.add_commit(WORKS, "dataset", {"theirs.txt": b"first"})
    with pytest.raises(HfHubHTTPError) as refused:
        push(api, {"ours.txt": b"second"}, parent=parent)
    assert status_of(refused) == 412
    assert "ours.txt" not in hub.files(WORKS, "dataset")


def test_missing_repositories_and_revisions_have_different_errors(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    for token in (None, False):
        with pytest.raises(RepositoryNotFoundError):
            hf_hub_download("artist/nothing", "a.txt", repo_type="dataset", token=token)
    with pytest.raises(RevisionNotFoundError):
        fetch("a.txt", revision="f" * 40)
    assert not api.repo_exists(WORKS)  # a dataset is not a model of that name


def test_each_token_has_the_rights_of_its_role(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    for token, status in ((hub.read_token, 403), (hub.other_token, 403), ("hf_unknown", 401), (False, 401)):
        with pytest.raises(HfHubHTTPError) as refused:
            push(HfApi(token=token), {"a.txt": b"a"})
        assert status_of(refused) == status, token
    with pytest.raises(HfHubHTTPError) as refused:
        HfApi(token="hf_unknown").dataset_info(WORKS)  # an invalid token is refused where no token is needed
    assert status_of(refused) == 401
    assert HfApi(token=False).dataset_info(WORKS).id == WORKS
    with pytest.raises(HfHubHTTPError) as refused:
        api.create_repo("somebody/works", repo_type="dataset")
    assert status_of(refused) == 403
    api.create_repo("museum/works", repo_type="dataset", private=True)  # an organisation of the user's
    assert api.repo_exists("museum/works", repo_type="dataset")
    assert not HfApi(token=hub.other_token).repo_exists("museum/works", repo_type="dataset")


def test_a_bad_card_is_refused(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    with pytest.raises(ValueError, match="license"):
        push(api, {"README.md": b"---\nlicense: CC0\n---\n"})
    with pytest.raises(ValueError, match="Invalid YAML"):
        push(api, {"README.md": b"---\ntags: [a\n---\n"})


def test_an_unknown_route_is_named(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    with pytest.raises(HfHubHTTPError, match="does not serve POST /api/datasets/artist/works/discussions"):
        api.create_discussion(WORKS, title="Hello", repo_type="dataset")
    with pytest.raises(ValueError, match="No route is called 'comit'"):
        hub.inject(Fault("comit"))


def test_a_commit_with_a_lost_response_exists_and_is_not_retried_by_the_client(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    hub.inject(Fault("commit", "lost_answer"))
    with pytest.raises(httpx2.RemoteProtocolError):
        push(api, {"b.parquet": b"PAR1"})
    assert len(hub.commits(WORKS, "dataset")) == 2
    assert [(r.route, r.status) for r in hub.requests][-1] == ("commit", 0)


def test_a_cut_download_is_resumed_by_range(hub: HubServer) -> None:
    # The client keeps complete chunks of DOWNLOAD_CHUNK_SIZE; the download of a smaller file would start again.
    piece = constants.DOWNLOAD_CHUNK_SIZE
    big = bytes(piece) + bytes(range(256)) * (6 * 1024 * 1024 // 256) + bytes(piece)
    hub.add_repo(WORKS, "dataset", {"train.parquet": big})
    hub.inject(Fault("resolve", "cut"))
    assert fetch() == big
    downloads = [(r.range, r.status, r.sent) for r in hub.requests if r.method == "GET"]
    assert downloads == [(None, 200, len(big) // 2), (f"bytes={piece}-", 206, len(big) - piece)]


def test_a_corrupt_download_goes_unnoticed_by_the_client(hub: HubServer) -> None:
    hub.add_repo(WORKS, "dataset", {"train.parquet": PARQUET})
    hub.inject(Fault("resolve", "corrupt"))
    data = fetch()
    assert len(data) == len(PARQUET)
    assert data != PARQUET


def test_transfers_of_the_wrong_size_are_refused(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset", {"train.parquet": PARQUET})
    hub.inject(Fault("resolve", "wrong_size", method="GET"))
    with pytest.raises(OSError, match="Consistency check failed"):
        fetch()
    hub.inject(Fault("lfs_upload", "wrong_size", method="PUT"))
    with pytest.raises(RuntimeError, match=r"Error while uploading 'b\.parquet'"):
        push(api, {"b.parquet": PARQUET[::-1]})
    assert "b.parquet" not in hub.files(WORKS, "dataset")


def test_fixtures_refuse_to_start_after_a_client_was_imported() -> None:
    late = run_python(
        ["-c", "import huggingface_hub, hub_server.fixtures"], {"PYTHONPATH": str(Path(__file__).parents[1])}
    )
    assert late.returncode != 0
    assert "huggingface_hub was imported before tests/hub_server/fixtures.py" in late.stderr
