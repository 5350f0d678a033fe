"""Faults of the loopback Hub, and how the real client handles them."""

import time
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError

from hub_server import HubServer
from hub_server.faults import Fault

WORKS = "artist/works"
PARQUET = b"PAR1" + bytes(range(256)) * 40


@pytest.fixture
def works(hub: HubServer) -> HubServer:
    """The Hub with one dataset in it."""
    hub.add_repo(WORKS, "dataset", {"train.parquet": PARQUET})
    hub.clear_requests()
    return hub


def push(files: dict[str, bytes]) -> str:
    operations = [CommitOperationAdd(path, data) for path, data in files.items()]
    return HfApi().create_commit(WORKS, operations, commit_message="Add", repo_type="dataset").oid


def fetch(filename: str = "train.parquet", *, patience: float = 10, force: bool = False) -> Path:
    return Path(hf_hub_download(WORKS, filename, repo_type="dataset", etag_timeout=patience, force_download=force))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("preupload", status=503),
        Fault("preupload", status=429, retry_after=0),
        Fault("lfs_upload", method="PUT", status=500),
        Fault("lfs_batch", "drop"),
        Fault("lfs_upload", "lost_answer"),
    ],
    ids=lambda fault: f"{fault.route}-{fault.kind}-{fault.status}",
)
def test_the_client_retries_an_upload(works: HubServer, fault: Fault) -> None:
    armed = works.inject(fault)
    push({"b.parquet": PARQUET[::-1]})
    assert armed.hits == 1
    assert works.files(WORKS, "dataset")["b.parquet"] == PARQUET[::-1]


@pytest.mark.parametrize("status", [409, 412, 500, 503])
def test_the_client_does_not_retry_a_commit(works: HubServer, status: int) -> None:
    works.inject(Fault("commit", method="POST", status=status))
    with pytest.raises(HfHubHTTPError) as refused:
        push({"b.parquet": b"PAR1"})
    assert refused.value.response.status_code == status
    assert "b.parquet" not in works.files(WORKS, "dataset")


def test_a_commit_with_a_lost_response_exists(works: HubServer) -> None:
    works.inject(Fault("commit", "lost_answer"))
    with pytest.raises(httpx2.RemoteProtocolError):
        push({"b.parquet": b"PAR1"})
    assert len(works.commits(WORKS, "dataset")) == 3
    assert [(r.route, r.status) for r in works.requests][-1] == ("commit", 0)


def test_a_cut_download_is_resumed_by_range(hub: HubServer) -> None:
    # The client keeps complete chunks of DOWNLOAD_CHUNK_SIZE; the download of a smaller file would start again.
    piece = constants.DOWNLOAD_CHUNK_SIZE
    big = bytes(piece) + bytes(range(256)) * (6 * 1024 * 1024 // 256) + bytes(piece)
    hub.add_repo(WORKS, "dataset", {"big.parquet": big})
    hub.inject(Fault("resolve", "cut"))

    assert fetch("big.parquet").read_bytes() == big

    downloads = [(r.range, r.status, r.sent) for r in hub.requests if r.method == "GET"]
    assert downloads == [(None, 200, len(big) // 2), (f"bytes={piece}-", 206, len(big) - piece)]


def test_a_corrupt_download_goes_unnoticed_by_the_client(works: HubServer) -> None:
    works.inject(Fault("resolve", "corrupt"))
    data = fetch().read_bytes()
    assert len(data) == len(PARQUET)
    assert data != PARQUET


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_download_of_the_wrong_size_is_refused(works: HubServer, method: str) -> None:
    works.inject(Fault("resolve", "wrong_size", method=method))
    with pytest.raises(OSError, match="Consistency check failed"):
        fetch()
    assert fetch().read_bytes() == PARQUET


def test_an_upload_of_the_wrong_size_is_refused(works: HubServer) -> None:
    works.inject(Fault("lfs_upload", "wrong_size", method="PUT"))
    with pytest.raises(RuntimeError, match=r"Error while uploading 'b\.parquet'"):
        push({"b.parquet": PARQUET[::-1]})
    assert "b.parquet" not in works.files(WORKS, "dataset")


def test_the_client_uses_its_cache_if_the_hub_is_slow(works: HubServer) -> None:
    fetch()
    works.inject(Fault("resolve", "slow", method="HEAD", seconds=1.5))
    begun = time.monotonic()
    assert fetch(patience=0.2).read_bytes() == PARQUET
    assert time.monotonic() - begun < 1.5

    works.clear()
    time.sleep(max(0, begun + 1.8 - time.monotonic()))
    assert works.requests == []  # the request that was waiting is gone, and not recorded late


def test_a_fault_affects_only_matching_requests(works: HubServer) -> None:
    works.add_commit(WORKS, "dataset", {"a.txt": b"a", "b.txt": b"b"})
    armed = works.inject(Fault("resolve", "wrong_size", method="GET", path="b.txt", skip=1, times=None))
    assert fetch("a.txt").read_bytes() == b"a"
    assert fetch("b.txt").read_bytes() == b"b"  # the first request is let through
    with pytest.raises(OSError, match="Consistency"):
        fetch("b.txt", force=True)
    assert armed.hits == 1
    with pytest.raises(ValueError, match="No route is called 'comit'"):
        works.inject(Fault("comit"))
