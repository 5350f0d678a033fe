"""Search on Milvus: the answers of comparing all works, while works come and go; and what goes wrong, in one sentence each."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from milvus_lite_files import lite_file
from test_indexes import WIDTHS, nearest, recall, some_vectors, weighted

from artsim.errors import BusyError, CollectionError
from artsim.index import CompactIndex, EightBits, ExactIndex, MilvusIndex, Rows, milvus
from artsim.index.milvus_collection import Entities, MilvusCollection, ScalarField
from artsim.index.milvus_server import TOKEN, URI, MilvusServer, check_uri, located_uri, stored_uri
from artsim.index.registry import milvus_of

WORKS = 1_200


@pytest.fixture(autouse=True)
def _always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that leaves few works is answered without Milvus; here not even that."""
    monkeypatch.setattr(milvus, "_FEW", 0)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return some_vectors(WORKS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    with lite_file(tmp_path_factory.mktemp("milvus") / "index.db") as path:
        yield MilvusServer(path)


def written(server: MilvusServer, name: str, vectors: np.ndarray) -> MilvusCollection:
    remote = MilvusCollection(server, name, vectors.shape[1])
    remote.create([ScalarField("c_kind", "text")], len(vectors))
    remote.write(Entities(np.arange(len(vectors)), vectors, {"c_kind": kinds(len(vectors))}))
    return remote


def kinds(count: int) -> list[str]:
    return [f"kind {row % 5}" for row in range(count)]


@pytest.fixture(scope="module", params=["exact", "compact"])
def index(request: pytest.FixtureRequest, server: MilvusServer, vectors: np.ndarray) -> MilvusIndex:
    local: Any = ExactIndex(vectors)
    if request.param == "compact":
        bits = EightBits.fit(vectors, curved=True)
        local = CompactIndex(Rows.of(bits.encode(vectors)), bits, WIDTHS, None)
    remote = written(server, request.param, local.vectors(np.arange(WORKS)))
    return MilvusIndex(local, remote, None, {"c_kind": "kind"})


def same(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> bool:
    return np.array_equal(one[1], other[1]) and np.allclose(one[0], other[0], atol=1e-6)


@pytest.mark.parametrize(("weights", "k"), [((0.2, 0.8, 0), 10), ((0, 0, 1), 100), ((1, 1, 1), 10_000)], ids=str)
def test_the_answers_are_those_of_comparing_all(index: MilvusIndex, weights: Any, k: int) -> None:
    queries = weighted(some_vectors(2, seed=5), weights)
    of_kinds = np.isin(kinds(WORKS), ["kind 1", "kind 3"])
    odd = np.random.default_rng(0).random(WORKS) < 0.2
    for allowed, expression in (
        (None, ""),
        (of_kinds, 'c_kind in ["kind 1", "kind 3"]'),
        (of_kinds & odd, 'c_kind in ["kind 1", "kind 3"]'),
        (odd, ""),
        (np.arange(WORKS) != 7, ""),
        (np.zeros(WORKS, bool), ""),
    ):
        found = index.search(queries, k, allowed=allowed, expression=expression)
        assert same(found, index.local.search(queries, k, allowed=allowed))


def test_allowed_works_far_from_the_query_are_found_behind_all_others(index: MilvusIndex, vectors: np.ndarray) -> None:
    query = weighted(some_vectors(1, seed=5), (1, 1, 1))
    allowed = np.zeros(WORKS, bool)
    allowed[np.argsort(query[0] @ vectors.T)[:100]] = True
    assert same(index.search(query, 10, allowed=allowed), index.local.search(query, 10, allowed=allowed))


def test_works_come_and_go_and_entities_of_other_states_do_no_harm(server: MilvusServer, vectors: np.ndarray) -> None:
    bits = EightBits.fit(vectors, curved=True)
    local = CompactIndex(Rows.of(bits.encode(vectors)), bits, WIDTHS, None)
    before = MilvusIndex(local, written(server, "comes_and_goes", local.vectors(np.arange(WORKS))), None, {})
    new = some_vectors(3, seed=8)
    grown = before.appended(bits.encode(new))
    kept = np.flatnonzero(np.arange(len(grown)) % 3 != 0)
    after = grown.only(kept).touched(5)
    queries = weighted(some_vectors(5, seed=5), (1, 1, 1))
    for one in (before, grown, after):
        assert same(one.search(queries, 50), one.local.search(queries, 50))
    assert grown.search(weighted(new, (1, 1, 1)), 1)[1][:, 0].tolist() == [WORKS, WORKS + 1, WORKS + 2]
    assert len(after.unwritten) == 3
    others = Entities(np.arange(WORKS + 50), some_vectors(WORKS + 50, seed=3), {})
    before.remote.write(others, edition=9)  # by whoever saved meanwhile
    for one in (before, grown, after):
        assert same(one.search(queries, 50), one.local.search(queries, 50))


def test_a_filter_that_leaves_few_works_asks_no_server(index: MilvusIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus, "_FEW", 100)
    monkeypatch.setattr(MilvusCollection, "nearest", None)
    allowed = np.arange(WORKS) < 100
    queries = weighted(some_vectors(2, seed=5), (1, 1, 1))
    assert same(index.search(queries, 10, allowed=allowed), index.local.search(queries, 10, allowed=allowed))


def test_of_an_approximate_index_the_nearest_are_found_all_the_same(server: MilvusServer, vectors: np.ndarray) -> None:
    """Whoever runs the server may give the collection another index, such as HNSW."""
    remote = written(server, "approximate", vectors)
    remote.flush()
    client = server._client
    client.release_collection(remote.name)
    client.drop_index(remote.name, "vector")
    parameters = client.prepare_index_params()
    parameters.add_index("vector", index_type="HNSW", metric_type="IP", params={"M": 16, "efConstruction": 100})
    client.create_index(remote.name, parameters)
    remote.open(WORKS)
    queries = weighted(some_vectors(40, seed=5), (1, 1, 1))
    found = MilvusIndex(ExactIndex(vectors), remote, None, {}).search(queries, 10)[1]
    assert recall(found, nearest(queries, vectors, 10)) >= 0.95


def test_a_collection_is_opened_only_if_it_is_ours_whole_and_of_these_vectors(server: MilvusServer) -> None:
    remote = written(server, "ours", some_vectors(5))
    remote.open(5)
    remote.create([], 5)  # once more changes nothing
    assert remote.count() == 5
    for other, entities, message in (
        (remote, 6, "has 5 entities of 6. Fill it again"),
        (MilvusCollection(server, "ours", 7), 5, r"has vectors of 48 numbers; those of this collection have 7\."),
        (MilvusCollection(server, "nowhere", 48), 5, "There is no Milvus collection nowhere"),
    ):
        with pytest.raises(CollectionError, match=message):
            other.open(entities)
    server.call("alter_collection_properties", "ours", {"artsim.version": "99"})
    with pytest.raises(CollectionError, match=r"is version 99; this artsim reads 1\. Update artsim"):
        remote.open(5)
    server.call("create_collection", "theirs", dimension=48)
    with pytest.raises(CollectionError, match="was not made by artsim, so it is left alone"):
        MilvusCollection(server, "theirs", 48).create([], 5)
    remote.drop()
    remote.drop()


@pytest.mark.parametrize(
    "uri", ["", "milvus", "ftp://x:19530", "http://", "http://x:99999999", ".db", "x.sqlite", "http://x.db:port"]
)
def test_what_is_no_address_is_refused(uri: str) -> None:
    with pytest.raises(CollectionError, match="give http://HOST:19530"):
        check_uri(uri)
    with pytest.raises(CollectionError, match="give"):
        milvus_of(f"milvus:{uri}")


def test_an_address_with_a_password_is_refused_and_the_variables_named() -> None:
    with pytest.raises(CollectionError, match=f"must hold no password.*{TOKEN}.*{URI}"):
        milvus_of("milvus:https://root:secret@milvus.example:19530")


def test_files_are_kept_by_their_way_from_the_collection_and_servers_are_those_that_the_user_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stored_uri(str(tmp_path / "x.db"), tmp_path / "works") == "../x.db"
    assert located_uri("../x.db", tmp_path / "works") == str(tmp_path / "x.db")
    assert stored_uri("http://localhost:19530", tmp_path) == "http://localhost:19530"
    with pytest.raises(CollectionError, match=f"If you know that server, set {URI}=http://stranger:19530"):
        located_uri("http://stranger:19530", tmp_path)
    milvus_of("milvus:http://known:19530")
    assert located_uri("http://known:19530", tmp_path) == "http://known:19530"
    monkeypatch.setenv(URI, "http://milvus:19530")
    assert located_uri("http://localhost:19530", tmp_path) == "http://milvus:19530"
    assert located_uri("../x.db", tmp_path / "works") == str(tmp_path / "x.db")


def test_only_the_server_of_the_variable_gets_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []

    class Client:
        def __init__(self, uri: str, token: str, timeout: float) -> None:
            given.append(token)

        def get_server_version(self, timeout: float) -> str:
            return "v2.6.0"

        def list_collections(self, timeout: float) -> list[str]:
            return []

    monkeypatch.setattr("pymilvus.MilvusClient", Client)
    monkeypatch.setenv(TOKEN, "root:secret")
    monkeypatch.setenv(URI, "http://ours:19530")
    for uri in ("http://theirs:19530", "http://ours:19530"):
        MilvusServer(uri).call("list_collections")
    assert given == ["", "root:secret"]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artsim.index.milvus_server.ANSWER_S", 0.5)
    monkeypatch.setattr("artsim.index.milvus_server._FIRST_WAIT_S", 0.01)


@pytest.mark.slow
@pytest.mark.usefixtures("hurried")
def test_a_server_that_refuses_or_hangs_up_is_one_sentence() -> None:
    def hang_up() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(
            CollectionError, match=rf"server at http://127\.0\.0\.1:{port} does not answer as it should"
        ):
            MilvusServer(f"http://127.0.0.1:{port}").call("list_collections")
        listening.shutdown(socket.SHUT_RDWR)
    with pytest.raises(CollectionError, match=r"does not answer as it should.*Start it, or correct the address"):
        MilvusServer(f"http://127.0.0.1:{port}").call("list_collections")


@pytest.mark.slow
@pytest.mark.usefixtures("hurried")
def test_a_search_on_a_lost_server_fails_in_one_sentence_and_goes_on_once_it_is_back(
    tmp_path: Path, vectors: np.ndarray
) -> None:
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    served, database, port = start_server_in_thread(str(tmp_path / "lost"))
    remote = written(MilvusServer(f"http://127.0.0.1:{port}"), "lost", vectors)
    remote.flush()
    index = MilvusIndex(ExactIndex(vectors), remote, None, {})
    query = weighted(some_vectors(1, seed=5), (1, 1, 1))
    expected = index.search(query, 10)
    served.stop(0).wait()
    database.close()
    with pytest.raises(BusyError, match="does not answer; try again in a minute"):
        index.search(query, 10)
    served, database, _ = start_server_in_thread(str(tmp_path / "lost"), port=port)
    try:
        for _ in range(40):  # pymilvus connects again after growing pauses
            with suppress(CollectionError, BusyError):
                remote.open(WORKS)
                assert same(index.search(query, 10), expected)
                break
            time.sleep(0.25)
        else:
            raise AssertionError("the server is back, and not found")
    finally:
        served.stop(0).wait()
        database.close()


def test_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from milvus_lite.adapter.grpc.servicer import MilvusServicer
    from pymilvus.grpc_gen import milvus_pb2

    old = milvus_pb2.GetVersionResponse(version="v2.3.1")
    monkeypatch.setattr(MilvusServicer, "GetVersion", lambda *_: old)
    with (
        lite_file(tmp_path / "old.db") as path,
        pytest.raises(CollectionError, match=r"version v2\.3\.1; artsim needs 2\.5"),
    ):
        MilvusServer(path).call("list_collections")


def test_a_large_file_has_minutes_for_its_first_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from milvus_lite.adapter.grpc.servicer import MilvusServicer

    left, describe = [], MilvusServicer.DescribeCollection

    def described(servicer: Any, request: Any, context: Any) -> Any:
        left.append(context.time_remaining())
        return describe(servicer, request, context)

    monkeypatch.setattr(MilvusServicer, "DescribeCollection", described)
    with lite_file(tmp_path / "large.db") as path:
        remote = MilvusCollection(MilvusServer(path), "large", 8)
        remote.create([], 1)
        remote.check(0)
    assert left and min(left) > 60


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"SQLite format 3\0")
    with pytest.raises(CollectionError, match=r"x\.db cannot be used by Milvus Lite .*one process at a time"):
        MilvusServer(str(tmp_path / "x.db")).call("list_collections")


@pytest.mark.parametrize("package", ["pymilvus", "milvus_lite", "grpc"])
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(
    package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CollectionError, match=rf"not installed \({package}\): pip install -r requirements-scale\.txt"):
        MilvusServer(str(tmp_path / "x.db")).call("list_collections")
