"""Shards of a build, and what a worker must see: without Ray."""

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artsim import CollectionError, open_source
from artsim.building import preparation, ray_cluster
from artsim.building.checkpoint import BuildProgress
from artsim.building.preparation import BuildOptions, prepare_build, works_of
from artsim.building.ray_engine import RayEngine, open_engine
from artsim.building.ray_worker import Job, open_build
from artsim.building.shards import finished_spans, read_shard, take_over, write_shard
from artsim.building.spans import Span, plan, shard_size, span_of
from artsim.embedding.preprocessing import Preprocessing
from artsim.embedding.vector_columns import name_spaces


@pytest.fixture
def prepared(pictures: Path, clip: Any, tmp_path: Path) -> preparation.Build:
    """A build of twelve paintings whose checkpoint is there."""
    options = BuildOptions(None, "bytes", False, False, Preprocessing(), False)
    build = prepare_build(open_source(f"folder:{pictures}"), name_spaces([clip]), tmp_path / "out", None, options)
    build.checkpoint.shards.mkdir(parents=True)
    return build


def write(build: preparation.Build, first: int, last: int) -> int:
    return write_shard(build, Span(first, last), works_of(build.source, first, last), batch=4, workers=1)


def test_a_shard_counts_once_and_is_taken_over_in_the_order_of_the_source(prepared: preparation.Build) -> None:
    assert [write(prepared, *span) for span in ((8, 16), (0, 8), (16, 24))] == [4, 8, 0]
    assert sorted(finished_spans(prepared.checkpoint)) == [Span(0, 8), Span(8, 16)]
    shard = prepared.checkpoint.shards / Span(0, 8).name
    before = shard.stat().st_ino
    assert write(prepared, 0, 8) == 8  # a second attempt
    assert shard.stat().st_ino == before
    assert len(list(prepared.checkpoint.shards.iterdir())) == 2
    done, seen = BuildProgress(fingerprint=prepared.fingerprint), set[str]()
    for span in (Span(0, 8), Span(8, 16)):
        found = read_shard(prepared, span)
        assert found is not None
        take_over(prepared, done, span, found, seen)
    assert prepared.checkpoint.metadata(done).column("id").to_pylist() == [f"{number:02d}.jpg" for number in range(12)]
    saved = prepared.checkpoint.saved(prepared.fingerprint)
    assert saved is not None
    assert (saved.consumed, saved.parts) == (12, done.parts)


def test_a_shard_that_is_cut_or_of_another_build_is_removed(prepared: preparation.Build) -> None:
    write(prepared, 0, 4)
    write(prepared, 4, 8)
    vectors = next((prepared.checkpoint.shards / Span(0, 4).name).rglob("*.arrow"))
    vectors.write_bytes(vectors.read_bytes()[:-1])
    assert read_shard(prepared, Span(0, 4)) is None
    assert read_shard(dataclasses.replace(prepared, fingerprint="another"), Span(4, 8)) is None
    assert finished_spans(prepared.checkpoint) == []


def test_a_worker_without_the_collection_s_folder_says_so(prepared: preparation.Build) -> None:
    prepared.checkpoint.shards.rmdir()
    with pytest.raises(
        CollectionError, match=r"finds no folder .*: a build on Ray needs the collection's folder at the same"
    ):
        write(prepared, 0, 4)


def test_a_worker_that_sees_something_else_than_its_caller_says_what(
    prepared: preparation.Build, pictures: Path
) -> None:
    job: Job = pickle.loads(pickle.dumps(RayEngine()._job(prepared, 4, 1, "cpu")))  # noqa: S301
    assert open_build(job).fingerprint == prepared.fingerprint
    for change, reason in (
        ({"version": "0"}, r"sees artsim .* in place of 0\. Install the same version"),
        ({"fingerprint": "other"}, "sees other encoders, or another collection in .*Install the same packages"),
    ):
        with pytest.raises(CollectionError, match=reason):
            open_build(dataclasses.replace(job, **change))
    (pictures / "00.jpg").unlink()
    with pytest.raises(CollectionError, match="sees other files at folder:"):
        open_build(job)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("spark", "There is no engine 'spark'; write ray for this machine"),
        ("ray:head", "'head' is no address of a Ray cluster; write ray for this machine, ray:auto or ray:HOST:PORT"),
        ("ray:ray://head:10001", "is no address of a Ray cluster"),
        ("ray:head:99999", "is no address of a Ray cluster"),
    ],
)
def test_an_engine_that_does_not_exist_is_refused(name: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: object())
    with pytest.raises(CollectionError, match=reason):
        open_engine(name)


def test_without_ray_or_a_cluster_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CollectionError, match=r"No Ray cluster answers at 127\.0\.0\.1:9 .*ray start --head"):
        ray_cluster._check_answers("127.0.0.1:9")
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    with pytest.raises(CollectionError, match=r"Ray is not installed\. Run: pip install -r requirements-scale\.txt"):
        open_engine("ray")


@given(
    st.integers(0, 30),
    st.none() | st.integers(0, 60),
    st.integers(1, 9),
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 12)), max_size=5),
)
def test_a_plan_covers_every_row_once(first: int, limit: int | None, size: int, found: list[tuple[int, int]]) -> None:
    spans = plan(first, limit, size, [Span(start, start + rows) for start, rows in found])
    rows = []
    for span, _ in zip(spans, range(100), strict=False):
        assert span.rows >= 1
        rows += range(span.first, span.last)
    assert rows == list(range(first, first + len(rows)))
    assert limit is None or rows == list(range(first, limit))


def test_a_shard_is_named_after_its_rows() -> None:
    span = Span(64, 128)
    assert span_of(span.name) == span == span_of(span.unfinished("0a1b"))
    assert span_of("000001") is None
    assert [shard_size(total, 64) for total in (None, 0, 473, 81_444, 10**9)] == [1024, 64, 64, 1024, 1024]
