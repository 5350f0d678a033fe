"""The loopback Hub behaves as huggingface_hub expects of the real one: repositories, commits, downloads, rights."""

from pathlib import Path

import pytest
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    SpaceHardware,
    constants,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from hub_server import HubServer
from hub_server.client import run_python

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


def lfs_bytes(hub: HubServer) -> int:
    return sum(request.received for request in hub.requests if request.route == "lfs_upload")


def status_of(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    return error.value.response.status_code


def test_clients_of_this_process_talk_to_the_session_hub(hub: HubServer) -> None:
    assert hub.url == constants.ENDPOINT
    assert constants.HF_HUB_DISABLE_XET


def test_a_commit_holds_regular_and_lfs_files(hub: HubServer, api: HfApi) -> None:
    url = api.create_repo(WORKS, repo_type="dataset")
    assert str(url) == f"{hub.url}/datasets/{WORKS}"

    sha = push(api, {"README.md": CARD, "data/train.parquet": PARQUET})

    assert len(sha) == 40
    files = hub.files(WORKS, "dataset")
    assert files["README.md"] == CARD
    assert files["data/train.parquet"] == PARQUET
    assert [commit.title for commit in hub.commits(WORKS, "dataset")] == ["Add works", "initial commit"]
    entries = {entry.path: entry for entry in api.list_repo_tree(WORKS, repo_type="dataset", recursive=True)}
    parquet, card = entries["data/train.parquet"], entries["README.md"]
    assert isinstance(parquet, RepoFile) and isinstance(card, RepoFile)
    assert parquet.lfs is not None and parquet.lfs.size == len(PARQUET)
    assert card.lfs is None
    assert lfs_bytes(hub) == len(PARQUET)


def test_pushing_the_same_content_again_sends_no_lfs_bytes(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    sha = push(api, {"train.parquet": PARQUET, "note.txt": b"one"})
    hub.clear_requests()

    assert push(api, {"train.parquet": PARQUET, "note.txt": b"one"}) == sha
    assert {request.route for request in hub.requests}.isdisjoint({"lfs_upload", "commit"})

    push(api, {"moved.parquet": PARQUET})  # another path, but the content is stored already
    assert lfs_bytes(hub) == 0
    assert hub.files(WORKS, "dataset")["moved.parquet"] == PARQUET


def test_binary_files_go_to_lfs_whatever_their_name(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    push(api, {"index/main.faiss": b"IxFI\0\0\x01", "note.txt": "Vermeer, für Elise".encode()})
    tree = hub.commits(WORKS, "dataset")[0].tree
    assert tree["index/main.faiss"].lfs
    assert not tree["note.txt"].lfs


def test_deleting_files_and_folders(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset", {"a.txt": b"a", "old/b.txt": b"b", "old/c.txt": b"c"})
    deletions = [CommitOperationDelete("a.txt"), CommitOperationDelete("old/")]
    api.create_commit(WORKS, deletions, commit_message="Clear", repo_type="dataset")
    assert set(hub.files(WORKS, "dataset")) == {".gitattributes"}
    with pytest.raises(RemoteEntryNotFoundError):
        api.delete_file("a.txt", WORKS, repo_type="dataset")


def test_a_stale_parent_is_refused_with_412(hub: HubServer, api: HfApi) -> None:
    parent = hub.add_repo(WORKS, "dataset")
    hub.add_commit(WORKS, "dataset", {"theirs.txt": b"first"})

    with pytest.raises(HfHubHTTPError) as refused:
        push(api, {"ours.txt": b"second"}, parent=parent)

    assert status_of(refused) == 412
    assert "ours.txt" not in hub.files(WORKS, "dataset")


def test_an_old_revision_stays_readable(hub: HubServer, api: HfApi) -> None:
    old = hub.add_repo(WORKS, "dataset", {"a.txt": b"old", "gone.txt": b"gone"})
    api.create_tag(WORKS, tag="v1", repo_type="dataset", revision=old)
    new = push(api, {"a.txt": b"new"})

    assert (Path(snapshot_download(WORKS, repo_type="dataset", revision=old)) / "a.txt").read_bytes() == b"old"
    assert (Path(snapshot_download(WORKS, repo_type="dataset")) / "a.txt").read_bytes() == b"new"
    assert Path(hf_hub_download(WORKS, "a.txt", repo_type="dataset", revision="v1")).read_bytes() == b"old"
    assert [commit.commit_id for commit in api.list_repo_commits(WORKS, repo_type="dataset")][:2] == [new, old]
    refs = api.list_repo_refs(WORKS, repo_type="dataset")
    assert (refs.branches[0].target_commit, refs.tags[0].target_commit) == (new, old)


def test_a_tree_is_listed_in_pages(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset", {f"images/{i:04}.txt": b"x" for i in range(1100)})
    listed = api.list_repo_tree(WORKS, "images", repo_type="dataset")
    assert len(list(listed)) == 1100
    assert [request.route for request in hub.requests] == ["tree", "tree"]
    assert len(list(api.list_repo_tree(WORKS, "images", repo_type="dataset", expand=True))) == 1100


def test_a_cached_file_is_checked_but_not_sent_again(hub: HubServer) -> None:
    hub.add_repo(WORKS, "dataset", {"train.parquet": PARQUET})
    first = hf_hub_download(WORKS, "train.parquet", repo_type="dataset")
    hub.clear_requests()
    assert hf_hub_download(WORKS, "train.parquet", repo_type="dataset") == first
    assert [(request.method, request.sent) for request in hub.requests] == [("HEAD", 0)]


def test_missing_repositories_files_and_revisions_have_different_errors(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    with pytest.raises(RepositoryNotFoundError):
        hf_hub_download("artist/nothing", "a.txt", repo_type="dataset")
    with pytest.raises(RepositoryNotFoundError):
        hf_hub_download("artist/nothing", "a.txt", repo_type="dataset", token=False)
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download(WORKS, "a.txt", repo_type="dataset")
    with pytest.raises(RevisionNotFoundError):
        hf_hub_download(WORKS, "a.txt", repo_type="dataset", revision="f" * 40)
    assert not api.repo_exists(WORKS)  # a dataset is not a model of that name


def test_creating_an_existing_repository_is_409_unless_exist_ok(hub: HubServer, api: HfApi) -> None:
    api.create_repo(WORKS, repo_type="dataset")
    with pytest.raises(HfHubHTTPError) as refused:
        api.create_repo(WORKS, repo_type="dataset")
    assert status_of(refused) == 409
    assert api.create_repo(WORKS, repo_type="dataset", exist_ok=True).repo_id == WORKS


def test_each_token_has_the_rights_of_its_role(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    assert api.whoami()["auth"]["accessToken"]["role"] == "write"
    assert api.whoami(token=hub.read_token)["auth"]["accessToken"]["role"] == "read"
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
    api.create_repo("museum/works", repo_type="dataset")  # an organisation of the user's
    assert [info.id for info in api.list_datasets(author="museum")] == ["museum/works"]


def test_a_private_repository_is_hidden_from_others(hub: HubServer, api: HfApi, tmp_path: Path) -> None:
    api.create_repo(WORKS, repo_type="dataset", private=True)
    push(api, {"a.txt": b"a"})
    assert hf_hub_download(WORKS, "a.txt", repo_type="dataset", token=hub.read_token)
    for token in (hub.other_token, False):
        assert not HfApi(token=token).repo_exists(WORKS, repo_type="dataset")
        with pytest.raises(RepositoryNotFoundError):
            hf_hub_download(WORKS, "a.txt", repo_type="dataset", token=token, cache_dir=tmp_path)
    api.update_repo_settings(WORKS, repo_type="dataset", private=False)
    assert HfApi(token=False).repo_info(WORKS, repo_type="dataset").private is False


def test_a_gated_repository_admits_granted_users(hub: HubServer) -> None:
    hub.add_repo("museum/model", "model", {"config.json": b"{}"}, gated="manual")
    with pytest.raises(GatedRepoError):
        hf_hub_download("museum/model", "config.json", token=hub.other_token)
    hub.repo("museum/model", "model").granted.add("visitor")
    assert hf_hub_download("museum/model", "config.json", token=hub.other_token)


def test_a_repository_can_be_deleted(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    api.delete_repo(WORKS, repo_type="dataset")
    assert not hub.exists(WORKS, "dataset")
    api.delete_repo(WORKS, repo_type="dataset", missing_ok=True)
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo(WORKS, repo_type="dataset")


def test_a_bad_card_is_refused(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    with pytest.raises(ValueError, match="license"):
        push(api, {"README.md": b"---\nlicense: CC0\n---\n"})
    with pytest.raises(ValueError, match="Invalid YAML"):
        push(api, {"README.md": b"---\ntags: [a\n---\n"})
    push(api, {"README.md": CARD})
    assert api.dataset_info(WORKS).tags == ["art", "license:cc0-1.0"]


def test_a_space_is_created_configured_and_runs(hub: HubServer, api: HfApi) -> None:
    space = "artist/alike"
    api.create_repo(space, repo_type="space", space_sdk="gradio", space_variables=[{"key": "A", "value": "1"}])
    assert api.get_space_runtime(space).stage == "NO_APP_FILE"
    api.upload_file(path_or_fileobj=b"print()", path_in_repo="app.py", repo_id=space, repo_type="space")
    api.add_space_variable(space, "ENCODER", "auto")
    api.add_space_secret(space, "HF_TOKEN", "secret")
    api.request_space_hardware(space, SpaceHardware.ZERO_A10G)

    assert {key: entry.value for key, entry in api.get_space_variables(space).items()} == {"A": "1", "ENCODER": "auto"}
    assert list(api.get_space_secrets(space)) == ["HF_TOKEN"]
    runtime = api.get_space_runtime(space)
    assert (runtime.stage, runtime.requested_hardware) == ("RUNNING", "zero-a10g")
    assert api.space_info(space).sdk == "gradio"
    with pytest.raises(HfHubHTTPError, match="Unknown hardware"):
        api.request_space_hardware(space, "gpu-please")  # type: ignore[arg-type]


def test_an_unknown_route_is_named(hub: HubServer, api: HfApi) -> None:
    hub.add_repo(WORKS, "dataset")
    with pytest.raises(HfHubHTTPError, match="does not serve POST /api/datasets/artist/works/discussions"):
        api.create_discussion(WORKS, title="Hello", repo_type="dataset")


def test_offline_the_cache_is_used_and_no_request_is_sent(
    hub: HubServer, hub_env: dict[str, str], tmp_path: Path
) -> None:
    hub.add_repo(WORKS, "dataset", {"a.txt": b"from the Hub"})
    download = f"hf_hub_download('{WORKS}', 'a.txt', repo_type='dataset')"
    code = f"from huggingface_hub import hf_hub_download; print(open({download}).read())"
    online = run_python(code, hub_env)
    assert online.stdout == "from the Hub\n", online.stderr
    hub.clear_requests()

    offline = run_python(code, hub_env | {"HF_HUB_OFFLINE": "1"})
    assert offline.stdout == "from the Hub\n", offline.stderr
    elsewhere = run_python(code, hub_env | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "empty")})
    assert "LocalEntryNotFoundError" in elsewhere.stderr
    assert hub.requests == []


def test_fixtures_refuse_to_start_after_a_client_was_imported() -> None:
    late = run_python(
        ["-c", "import huggingface_hub, hub_server.fixtures"], {"PYTHONPATH": str(Path(__file__).parents[1])}
    )
    assert late.returncode != 0
    assert "huggingface_hub was imported before tests/hub_server/fixtures.py" in late.stderr


def test_a_stopped_hub_closes_its_connections() -> None:
    with HubServer() as other:
        other.add_repo(WORKS, "dataset", {"a.txt": b"a"})
        api = HfApi(endpoint=other.url)
        assert api.repo_exists(WORKS, repo_type="dataset")
    with pytest.raises(Exception, match=r"refused|disconnected|closed"):
        api.repo_exists(WORKS, repo_type="dataset")
