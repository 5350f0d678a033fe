"""The loopback Hub behaves as the real huggingface_hub expects; the tests of its users show its rights and faults."""

from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError

from hub_server import HubServer
from hub_server.faults import Fault

WORKS = "artist/works"
PARQUET = b"PAR1" + bytes(range(256)) * 40


def test_the_real_client_creates_commits_and_fetches_and_old_revisions_stay(hub: HubServer) -> None:
    api = HfApi()

    def push(files: dict[str, bytes], parent: str | None = None) -> str:
        changes = [CommitOperationAdd(path, data) for path, data in files.items()]
        return api.create_commit(WORKS, changes, commit_message="Add", repo_type="dataset", parent_commit=parent).oid

    assert str(api.create_repo(WORKS, repo_type="dataset")) == f"{hub.url}/datasets/{WORKS}"
    files = {"train.parquet": PARQUET, "main.faiss": b"IxFI\0\1", "note.txt": "für".encode()}
    old = push(files)
    assert hub.files(WORKS, "dataset").items() >= files.items()
    assert {path for path, blob in hub.commits(WORKS, "dataset")[0].tree.items() if blob.lfs} == {
        "main.faiss",
        "train.parquet",
    }
    hub.clear_requests()
    assert push(files) == old
    push({"moved.parquet": PARQUET, "note.txt": b"new"})
    assert not [request for request in hub.requests if request.route == "lfs_upload"], "known content is sent once"
    for path, revision, data in (("moved.parquet", None, PARQUET), ("note.txt", old, files["note.txt"])):
        assert Path(hf_hub_download(WORKS, path, repo_type="dataset", revision=revision)).read_bytes() == data
    with pytest.raises(HfHubHTTPError, match="412"):
        push({"late.txt": b"x"}, parent=old)


def test_what_it_cannot_do_and_bad_cards_are_refused(hub: HubServer) -> None:
    hub.add_repo(WORKS, "dataset")
    card = [CommitOperationAdd("README.md", b"---\nlicense: CC0\n---\n")]
    with pytest.raises(ValueError, match="license"):
        HfApi().create_commit(WORKS, card, commit_message="Add", repo_type="dataset")
    with pytest.raises(HfHubHTTPError, match="does not serve POST /api/datasets/artist/works/discussions"):
        HfApi().create_discussion(WORKS, title="Hello", repo_type="dataset")
    with pytest.raises(ValueError, match="No route is called 'comit'"):
        hub.inject(Fault("comit"))
