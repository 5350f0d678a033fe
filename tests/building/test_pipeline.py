"""Builds: bad pictures are skipped, killed runs resume, and an old collection stays until the new one is complete."""

import dataclasses
import errno
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counting import Counting, Grid
from odd_pictures import png_of
from PIL import Image

from artsim import CollectionError, EncoderError, SourceError, build_collection, open_collection, open_source
from artsim.building import checkpoint, pipeline
from artsim.building.pipeline import report_path
from artsim.embedding.decoded_works import decode_side
from artsim.files import disk
from artsim.files.lock import collection_lock
from artsim.images import worker_pool
from artsim.images.decode import load_image
from artsim.snapshot import groups
from artsim.storage import pictures as picture_files

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

ROOT = Path(__file__).resolve().parents[2]


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a collection but those of its lock and of a build into it."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith((".lock", "building/"))}


def assert_tidy(folder: Path) -> None:
    """A collection of files that its manifest names, and nothing beside it but the report."""
    manifest = json.loads((folder / "artsim.json").read_text(encoding="utf-8"))
    assert contents(folder).keys() == {"artsim.json", *manifest["files"]}
    assert not (folder / "building").exists()
    beside = {path.name for path in folder.parent.iterdir() if path.name.lstrip(".").startswith(folder.name)}
    assert beside == {folder.name, f"{folder.name}.report.json"}


def assert_same(one: Any, other: Any) -> None:
    """The same works in the same order with the same pictures, metadata and vectors."""
    assert one.ids == other.ids
    assert one.state.table.to_pylist() == other.state.table.to_pylist()
    assert [one.picture(i) for i in one.ids] == [other.picture(i) for i in other.ids]
    for aspect, block in one.state.spaces[0].raw_blocks().items():
        np.testing.assert_allclose(block.all(), other.state.spaces[0].raw_blocks()[aspect].all(), atol=1e-3)


def test_corrupt_pictures_among_good_ones_are_left_out_and_named(
    build: Any, pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = (pictures / "00.jpg").read_bytes()
    (pictures / "03b empty.jpg").touch()
    (pictures / "05b cut.jpg").write_bytes(good[: len(good) // 2])
    (pictures / "07b page.png").write_text("<html>404</html>", encoding="utf-8")
    (pictures / "09b bomb.png").write_bytes(png_of(20_000, 15_000, b""))
    (pictures / "gone.jpg").symlink_to(pictures / "nowhere.jpg")
    with caplog.at_level(logging.WARNING):
        collection = build()
    assert collection.ids == [f"{number:02d}.jpg" for number in range(12)]
    assert report_path(tmp_path / "out") == tmp_path / "out.report.json"
    report = json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))
    assert (report["read"], report["embedded"]) == (17, 12)
    reasons = {failed["id"]: failed["reason"] for failed in report["failed"]}
    assert reasons["03b empty.jpg"] == "03b empty.jpg is empty (0 bytes)."
    assert reasons["05b cut.jpg"].startswith("05b cut.jpg is damaged and cannot be decoded")
    assert reasons["07b page.png"].startswith("07b page.png is not an image that artsim reads")
    assert reasons["09b bomb.png"].startswith("09b bomb.png has 300 megapixels")
    assert reasons["gone.jpg"] == "gone.jpg does not exist."
    assert "5 of 17 pictures cannot be used and are left out" in caplog.text
    assert "out.report.json names them" in caplog.text


class _Fails:
    """An encoder that fails for what is as wide as one of `widths`."""

    def __init__(self, encoder: Any, *widths: int) -> None:
        self._encoder, self._widths = encoder, widths

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def embed_images(self, images: Any) -> Any:
        if not self._widths or any(image.width in self._widths for image in images):
            raise MemoryError("no room for it")
        return self._encoder.embed_images(images)


def test_a_picture_that_cannot_be_embedded_is_left_out_and_an_encoder_s_fault_is_named(
    build: Any, pictures: Path, clip: Any, tmp_path: Path
) -> None:
    Image.new("RGB", (1777, 1000)).save(pictures / "05b.jpg")
    (pictures / "plan.psd").write_bytes(b"8BPS")
    with pytest.raises(EncoderError, match=r"fails for every picture of a batch \(no room for it\)"):
        build(_Fails(clip))
    width = load_image(pictures / "05b.jpg", short_side=decode_side([clip], recognition=True)).width
    collection = build(_Fails(clip, width))
    assert collection.ids == [f"{number:02d}.jpg" for number in range(12)]
    report = json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))
    assert report["failed"] == [{"id": "05b.jpg", "reason": "05b.jpg cannot be embedded (no room for it)."}]
    assert [(item["kind"], item["names"]) for item in report["left_out"]] == [("Photoshop", ["plan.psd"])]


def test_pictures_that_kill_or_stop_their_decoder_are_left_out_and_the_build_goes_on(
    build: Any, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    signals = {"04.jpg": signal.SIGKILL, "06.jpg": signal.SIGSTOP}
    ask = worker_pool._Worker.ask

    def hit(worker: Any, data: bytes, label: str, seconds: float, *more: Any) -> Any:
        if label in signals:
            worker._process.send_signal(signals[label])
            seconds = 1.0
        return ask(worker, data, label, seconds, *more)

    monkeypatch.setattr(worker_pool._Worker, "ask", hit)
    assert len(build()) == 10
    report = json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))
    reasons = {failed["id"]: failed["reason"] for failed in report["failed"]}
    assert reasons["04.jpg"] == "04.jpg makes its decoder fail. Save it again, as JPEG or PNG."
    assert reasons["06.jpg"].startswith("06.jpg takes more than 1 s to open.")
    caplog.clear()
    assert len(build()) == 10
    assert "2 pictures were left out when it was built; " in caplog.text and "out.report.json names them" in caplog.text


def test_without_usable_pictures_only_the_report_is_written(build: Any, tmp_path: Path, pictures: Path) -> None:
    for path in pictures.iterdir():
        path.write_bytes(b"")
    with pytest.raises(SourceError, match=r"None of the 12 pictures of folder:.* can be used: 00\.jpg is empty"):
        build()
    assert not (tmp_path / "out" / "artsim.json").exists()
    assert len(json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))["failed"]) == 12


def test_columns_with_reserved_names_are_renamed(build: Any, pictures: Path) -> None:
    table = "file_name,sha256,clip_subject\n00.jpg,of the museum,Landscape\n"
    (pictures / "metadata.csv").write_text(table, encoding="utf-8")
    work = build().work("00.jpg")
    assert (work["source_sha256"], work["source_clip_subject"]) == ("of the museum", "Landscape")
    assert len(work["sha256"]) == 64


def test_an_interrupted_build_resumes_where_it_stopped(build: Any, clip: Any, tmp_path: Path) -> None:
    interrupted = Counting(clip, fail_after=7)
    with pytest.raises(KeyboardInterrupt):
        build(interrupted)
    assert interrupted.seen == 5
    with pytest.raises(CollectionError, match="holds no collection"):
        open_collection(tmp_path / "out")
    told: list[tuple[int, int | None]] = []
    again = Counting(clip)
    build(again, progress=lambda done, total: told.append((done, total)))
    assert again.seen == 7  # not 12
    assert told == [(5, 12), (10, 12), (12, 12)]
    shutil.move(tmp_path / "out", tmp_path / "first")
    assert_same(open_collection(tmp_path / "first"), build())
    assert_tidy(tmp_path / "out")


_KILLED = """
import os, signal, sys
from artsim import build_collection, open_source
from artsim.building import checkpoint, pipeline
from artsim.embedding.decoded_works import decode_side
from artsim.files import disk
from artsim.snapshot import files
from counting import Grid

pipeline.BATCH = 5
kill = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
write = checkpoint.BuildCheckpoint.write
def write_and_kill(self, progress, new):
    write(self, progress, new)
    if len(progress.metadata) == 2:
        kill()
moments = {
    "embedding": (checkpoint.BuildCheckpoint, "write", write_and_kill),
    "merging": (checkpoint, "_pictures_in", kill),
    "merged": (checkpoint.BuildCheckpoint, "_clear", kill),
    "linking": (disk, "link", kill),
    "saving": (files, "_make_current", kill),
    "saved": (pipeline, "remove_checkpoint", kill),
}
setattr(*moments[sys.argv[1]])
build_collection(open_source(sys.argv[2]), Grid(), sys.argv[3], recognition=False)
"""


def build_and_kill(moment: str, pictures: Path, out: Path) -> None:
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    command = [sys.executable, "-c", _KILLED, moment, f"folder:{pictures}", str(out)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL exists on POSIX only")
@pytest.mark.parametrize(
    ("moment", "left"), [("embedding", 7), ("merging", 0), ("merged", 0), ("linking", 0), ("saving", 0)]
)
def test_a_killed_process_loses_at_most_one_batch(
    moment: str, left: int, build: Any, pictures: Path, tmp_path: Path
) -> None:
    """Between a batch and the progress, or while files are merged or the collection is written: the old one stays."""
    build(Grid(), limit=3, recognition=False)
    old = open_collection(tmp_path / "out")
    build_and_kill(moment, pictures, tmp_path / "out")
    assert_same(open_collection(tmp_path / "out", verify=True), old)
    counting = Counting(Grid())
    resumed = build(counting, recognition=False)
    assert counting.seen == left
    whole = build_collection(open_source(f"folder:{pictures}"), Grid(), tmp_path / "whole", recognition=False)
    assert_same(resumed, whole)
    assert_tidy(tmp_path / "out")


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL exists on POSIX only")
def test_a_build_that_is_killed_after_its_save_is_done(build: Any, pictures: Path, tmp_path: Path) -> None:
    build_and_kill("saved", pictures, tmp_path / "out")
    assert len(open_collection(tmp_path / "out")) == 12
    counting = Counting(Grid())
    assert len(build(counting, recognition=False)) == 12
    assert counting.seen == 0
    assert_tidy(tmp_path / "out")


def test_a_failing_source_loses_no_complete_batch(build: Any, pictures: Path, clip: Any) -> None:
    """The next batch is read while one is embedded; that one is kept."""
    source = open_source(f"folder:{pictures}")

    def works(start: int) -> Iterator[Any]:
        yield from list(source.works(start))[: 11 - start]
        raise SourceError("The connection was lost.")

    with pytest.raises(SourceError, match="connection was lost"):
        build(source=dataclasses.replace(source, works=works))
    counting = Counting(clip)
    assert len(build(counting)) == 12
    assert counting.seen == 2


def test_an_interrupted_build_of_other_pictures_starts_from_scratch(build: Any, clip: Any, pictures: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(Counting(clip, fail_after=7))
    (pictures / "00.jpg").unlink()
    assert build().ids == [f"{number:02d}.jpg" for number in range(1, 12)]


@pytest.mark.parametrize(("limit", "embedded"), [(11, 1), (3, 3)])
def test_an_interrupted_build_can_resume_with_another_limit(build: Any, clip: Any, limit: int, embedded: int) -> None:
    """From scratch if it went beyond the limit."""
    with pytest.raises(KeyboardInterrupt):
        build(Counting(clip, fail_after=10))
    counting = Counting(clip)
    assert build(counting, limit=limit).ids == [f"{number:02d}.jpg" for number in range(limit)]
    assert counting.seen == embedded


@pytest.mark.parametrize("name", ["000003/vectors.arrow", "progress.json"])
def test_a_damaged_checkpoint_is_built_again(name: str, build: Any, clip: Any, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(Counting(clip, fail_after=10))
    damaged = tmp_path / "out" / "building" / name
    damaged.write_bytes(damaged.read_bytes()[:-20])
    counting = Counting(clip)
    assert len(build(counting)) == 12
    assert counting.seen == 12


def test_new_metadata_reuses_the_vectors(build: Any, clip: Any, pictures: Path) -> None:
    build()
    (pictures / "metadata.csv").write_text("file_name,artist\n00.jpg,Nobody\n", encoding="utf-8")
    counting = Counting(clip)
    assert build(counting).work("00.jpg")["artist"] == "Nobody"
    assert counting.seen == 0


def test_a_damaged_collection_is_built_again(build: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """If only its map is missing, that is repaired on disk."""
    build()
    data = next((tmp_path / "out" / "generations").rglob("pictures-000.parquet"))
    data.write_bytes(data.read_bytes()[:1000])
    assert len(build()) == 12
    next((tmp_path / "out" / "generations").rglob("clip.map.safetensors")).unlink()
    build()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert len(open_collection(tmp_path / "out", verify=True)) == 12
    assert caplog.text == ""
    assert_tidy(tmp_path / "out")


@pytest.mark.parametrize("links", [True, False])
def test_pictures_are_merged_into_large_files_that_become_those_of_the_collection(
    links: bool, build: Any, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are on disk once all the time, but where the disk has no hard links: there they are copied at the end."""
    sizes: list[int] = []

    def measure(done: int, total: int | None) -> None:
        sizes.append(sum(path.stat().st_size for path in (tmp_path / "out").rglob("pictures-*.parquet")))

    def no_links(old: Path, new: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    for module in (checkpoint, picture_files):
        monkeypatch.setattr(module, "FILE_BYTES", 10_000)
    monkeypatch.setattr(picture_files, "ROW_GROUP", 2)
    monkeypatch.setattr(groups, "writing_pictures", None)
    if not links:
        monkeypatch.setattr(disk, "link", no_links)
    collection = build(progress=measure)
    stored = [collection.manifest.files[part.file].size for part in collection.manifest.groups.pictures]
    weight = sum(path.stat().st_size for path in pictures.iterdir())
    assert weight < max(sizes) < 2 * weight
    assert len(stored) > 2
    assert min(stored[:-1]) > 10_000
    assert [collection.picture(name) for name in collection.ids] == [
        (pictures / name).read_bytes() for name in collection.ids
    ]
    assert_tidy(tmp_path / "out")


def test_small_files_of_a_long_build_are_merged(build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 1)
    monkeypatch.setattr(checkpoint, "_MAX_SMALL", 3)
    counts: list[int] = []

    def count(done: int, total: int | None) -> None:
        counts.append(len(list((tmp_path / "out" / "building").rglob("*.arrow"))))

    encoder = Grid()
    collection = build(encoder, progress=count)
    assert max(counts) <= 3 + 1
    assert_same(
        collection, build_collection(open_source(f"folder:{tmp_path / 'pictures'}"), encoder, tmp_path / "again")
    )


def test_what_cannot_be_replaced_or_written_is_refused_before_anything_is_embedded(
    pictures: Path, clip: Any, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work", encoding="utf-8")
    counting = Counting(clip)
    for out, reason in (("out", "is not a collection; it is left as it is"), ("out/thesis.txt/far", r"written \(.+\)")):
        with pytest.raises(CollectionError, match=reason) as error:
            build_collection(open_source(f"folder:{pictures}"), counting, tmp_path / out)
        assert "\n" not in str(error.value)
    assert counting.seen == 0
    assert contents(tmp_path / "out") == {"thesis.txt": b"years of work"}


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file can grow beyond `room` bytes, as a quota or a full disk has it; what is written fails in one sentence."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        with pytest.raises(CollectionError, match=r"cannot be written \(.*\)\. Make room") as error:
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert "\n" not in str(error.value)


def test_a_full_disk_raises_a_one_line_error_and_the_build_can_resume(build: Any, tmp_path: Path) -> None:
    with full_disk(20_000):
        build()
    assert not (tmp_path / "out" / "artsim.json").exists()
    assert len(build()) == 12
    assert_tidy(tmp_path / "out")


def test_a_second_build_into_the_same_folder_is_refused(build: Any, tmp_path: Path) -> None:
    locked = collection_lock(tmp_path / "out", "building it")
    with locked, pytest.raises(CollectionError, match=r"out is locked: process \d+ on .+ has been building it since"):
        build()
    assert len(build()) == 12


def test_invalid_options_are_refused_before_anything_is_embedded(build: Any, clip: Any, pictures: Path) -> None:
    counting, source = Counting(clip), open_source(f"folder:{pictures}")
    empty = dataclasses.replace(source, works=lambda start: iter(()), size=0, name="hub:nobody/nothing:train")
    options: Any
    for options, error, reason in (
        ({"limit": 0}, SourceError, "The limit must be at least 1; it is 0"),
        ({"images": "urls"}, SourceError, "gives no addresses of its pictures"),
        ({"source": empty}, SourceError, "hub:nobody/nothing:train holds no works"),
    ):
        with pytest.raises(error, match=reason):
            build(counting, **options)
    assert counting.seen == 0


@pytest.mark.parametrize("far_apart", [False, True])
def test_two_works_with_one_id_are_refused(far_apart: bool, build: Any, pictures: Path, clip: Any) -> None:
    """Also if the first of them was embedded by an interrupted run."""
    twin = 11 if far_apart else 1
    rows = [f'{{"file_name": "{n:02d}.jpg", "id": "nga-{0 if n == twin else n}"}}' for n in range(12)]
    (pictures / "metadata.jsonl").write_text("\n".join(rows), encoding="utf-8")
    if far_apart:
        with pytest.raises(KeyboardInterrupt):
            build(Counting(clip, fail_after=7), source=open_source(f"nga:{pictures}"))
    with pytest.raises(SourceError, match="has two works with the id 'nga-0'; ids must be unique"):
        build(source=open_source(f"nga:{pictures}"))


def test_title_licence_limit_and_the_current_folder_are_as_given(
    pictures: Path, clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    options: Any = {"title": 'A "title": with all', "license": "cc0-1.0", "limit": 1}
    build_collection(open_source(f"folder:{pictures}"), clip, Path(), **options)
    collection = open_collection(tmp_path / "here")
    assert (collection.manifest.title, collection.manifest.license) == ('A "title": with all', "cc0-1.0")
    assert collection.ids == ["00.jpg"]
    assert collection.search(work="00.jpg") == []
    (match,) = collection.search(image=pictures / "00.jpg")
    assert match.cosine == pytest.approx(1, abs=1e-4)


def test_pictures_with_addresses_can_be_left_out(build: Any, pictures: Path) -> None:
    rows = "".join(f"{n:02d}.jpg,https://example.org/{n}.jpg\n" for n in range(12))
    (pictures / "metadata.csv").write_text("file_name,image_url\n" + rows, encoding="utf-8")
    collection = build(images="urls")
    assert "image" not in collection.dataset().column_names
    assert collection.work("03.jpg")["image_url"] == "https://example.org/3.jpg"
    assert len(collection.search(work="03.jpg")) == 10
    with pytest.raises(CollectionError, match="holds no pictures, only their addresses"):
        collection.picture("03.jpg")
