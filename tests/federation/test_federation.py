"""Several collections in one search: 40 paintings by a tiny CLIP, 12 others by the embedded encoder, which embeds no texts."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any

import pytest
from hub_server import HubServer
from PIL import Image

import artsim
from artsim import Federation, LeftOut, open_collections
from artsim.collection import Collection
from artsim.encoders.protocol import Blocks
from artsim.encoders.transformers import TransformersEncoder
from artsim.errors import CollectionError, EncoderError, ImageError, QueryError
from artsim.federation import federation as module

pytestmark = pytest.mark.slow  # the file takes more than a few seconds


@pytest.fixture(scope="module")
def others_folder(met_works: list[dict[str, Any]], embedded: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without recognition, and without the column year."""
    from artsim.images.decode import load_image

    folder = tmp_path_factory.mktemp("others")
    lines = []
    for number, work in enumerate(met_works[60:72]):
        image = load_image(work["image"]["bytes"], short_side=64)
        image.thumbnail((96, 96))
        image.save(folder / f"b{number}.jpg", quality=92)
        lines.append(json.dumps({"file_name": f"b{number}.jpg", "title": work["title"], "place": "New York"}))
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path_factory.mktemp("federated") / "others"
    artsim.build_collection(artsim.open_source(f"folder:{folder}"), embedded, out, recognition=False)
    return out


@pytest.fixture
def others(others_folder: Path, embedded: Any) -> Collection:
    return Collection.from_folder(others_folder)


@pytest.fixture
def federation(collection: Collection, others: Collection) -> Federation:
    return Federation({"paintings": collection, "others": others})


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search fails because the machine is busy."""
    monkeypatch.setattr(module, "wait", lambda futures, timeout: wait(futures, max(timeout, 60)))


class Blocked:
    """An encoder that does not return until it is released."""

    def __init__(self, encoder: Any) -> None:
        self._encoder, self.release = encoder, threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def for_queries(self) -> Blocked:
        return self

    def embed_images(self, images: Sequence[Image.Image]) -> Blocks:
        assert self.release.wait(60)
        return self._encoder.embed_images(images)


@pytest.fixture
def blocked(others: Collection, embedded: Any) -> Iterator[Blocked]:
    encoder = Blocked(embedded)
    others.encoders.given["embedded"] = encoder  # type: ignore[assignment]
    yield encoder
    encoder.release.set()


def test_matches_stand_in_one_list_by_score_and_each_says_whose_it_is(
    federation: Federation, collection: Collection, others: Collection
) -> None:
    picture = others.picture("b3.jpg")
    found = federation.search(image=picture, k=8)
    alone = {"paintings": collection.search(image=picture, k=8), "others": others.search(image=picture, k=8)}
    expected = [(match.score, name, match.id) for name, of_one in alone.items() for match in of_one]
    expected.sort(key=lambda item: -(item[0] or 0))
    assert [(match.score, match.collection, match.id) for match in found] == expected[:8]
    assert [match.rank for match in found] == list(range(1, 9))
    assert (found[0].collection, found[0].id) == ("others", "b3.jpg")
    assert federation.collections[found[0].collection].picture(found[0].id) == picture
    assert found.left_out == () and len(found) == 8 and {match.collection for match in found} == {"paintings", "others"}
    assert [match.id for match in federation.search(image=picture, k=8, preset="color", min_score=0.9)] == ["b3.jpg"]


def test_equal_encoders_are_loaded_once_and_embed_a_query_once(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = [shutil.copytree(saved, tmp_path / name) for name in ("first", "second")]
    federation = open_collections(copies)
    first, second = federation.collections.values()
    assert first.encoder() is second.encoder()
    calls: Counter[str] = Counter()

    def counted(name: str, real: Any) -> Any:
        def call(encoder: Any, given: Any) -> Any:
            calls[name] += 1
            return real(encoder, given)

        return call

    for name in ("embed_images", "embed_texts"):
        monkeypatch.setattr(TransformersEncoder, name, counted(name, getattr(TransformersEncoder, name)))
    found = federation.search(image=first.picture("05.jpg"), k=4)
    federation.search(text="a river", text_mode="meaning")
    assert calls == {"embed_images": 1, "embed_texts": 1}
    names = [str(copy) for copy in copies]
    assert [(match.collection, match.id) for match in found[:2]] == [
        (name, "05.jpg") for name in names
    ]  # of equals, in order


def test_one_that_does_not_answer_in_time_is_left_out_and_named(
    federation: Federation, blocked: Blocked, painting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def until_one_is_done(futures: Sequence[Future[Any]], timeout: float) -> Any:
        assert timeout == 7.5
        return wait(futures, 60, return_when=FIRST_COMPLETED)

    monkeypatch.setattr(module, "wait", until_one_is_done)
    found = federation.search(image=painting, k=3, timeout=7.5)
    assert found.left_out == (LeftOut("others", "No answer within 7.5 seconds."),)
    assert [match.collection for match in found] == ["paintings"] * 3
    assert str(found.left_out[0]) == "others: No answer within 7.5 seconds."
    monkeypatch.undo()
    blocked.release.set()
    assert federation.search(image=painting, timeout=60).left_out == ()


def test_one_whose_searches_never_end_is_not_asked_again(
    others: Collection, blocked: Blocked, painting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "wait", wait)
    federation = Federation({"others": others})
    for number in range(4):
        with pytest.raises(CollectionError, match=r"No answer within 0\.01 seconds\."):
            federation.search(image=Image.new("RGB", (40, 40), (number, 0, 0)), timeout=0.01)
    threads = threading.active_count()
    with pytest.raises(CollectionError, match="Not asked: 4 earlier searches still run"):
        federation.search(image=painting, timeout=60)
    assert threading.active_count() <= threads
    blocked.release.set()
    wait(federation._overdue["others"], 60)
    assert federation.search(image=painting, timeout=60)


def test_what_cannot_be_opened_or_breaks_is_named_and_the_others_answer(
    hub: HubServer, saved: Path, others_folder: Path, painting: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv("ARTSIM_CACHE", str(tmp_path / "cache"))
    artsim.publish(others_folder, "artist/others")
    damaged = Path(shutil.copytree(saved, tmp_path / "damaged"))
    (damaged / "artsim.json").write_text("{}")
    names = ["artist/absent", str(saved), str(damaged), "artist/others"]
    with open_collections(names) as federation:
        assert [one.collection for one in federation.not_opened] == ["artist/absent", str(damaged)]
        assert federation.not_opened[0].reason.startswith("Opening artist/absent, which is no folder here, failed: ")
        found = federation.search(image=painting, k=30)
        assert found.left_out == federation.not_opened
        assert {match.collection for match in found} == {str(saved), "artist/others"}

        def fail(*_: Any, **__: Any) -> Any:
            raise ZeroDivisionError("by chance")

        monkeypatch.setattr(federation.collections["artist/others"], "search", fail)
        broken = federation.search(image=painting)
        assert [one.collection for one in broken.left_out] == names[:1] + names[2:]
        assert broken.left_out[-1].reason == "ZeroDivisionError: by chance" and "A collection fails" in caplog.text
    with pytest.raises(CollectionError, match="closed"):
        federation.search(image=painting)
    federation.close()


def test_a_text_is_found_in_labels_everywhere_and_where_no_encoder_reads_it_that_is_said(
    federation: Federation, collection: Collection, others: Collection
) -> None:
    words = str(others.work("b0.jpg")["title"]).split()[0]
    found = federation.search(text=words, k=40)
    by_label = [match for match in found if match.found_by == "label"]
    assert by_label == list(found[: len(by_label)]) and found[len(by_label)].found_by == "likeness"
    assert "others" in {match.collection for match in by_label}
    reason = "Only its metadata was searched: its encoder embeds no texts."
    assert found.left_out == (LeftOut("others", reason, partial=True),)
    assert federation.search(text=words, k=len(by_label)).left_out == ()  # what looks like it would come after these
    meaning = federation.search(text="a river", text_mode="meaning")
    [left_out] = meaning.left_out
    assert (left_out.collection, left_out.partial) == ("others", False) and "text" in left_out.reason
    assert federation.search(text="a river", text_mode="metadata").left_out == ()
    with pytest.raises(EncoderError):
        Federation({"others": others}).search(text="a river", text_mode="meaning")
    several = Federation({"first": collection, "second": collection}).search(text="portrait", text_mode="metadata", k=4)
    assert [match.collection for match in several] == [
        "first",
        "second",
    ] * 2  # no scores: the first of each, then the second
    assert several[0].id == several[1].id


def test_a_collection_without_a_column_of_the_filter_is_named(federation: Federation, painting: bytes) -> None:
    found = federation.search(image=painting, where={"year": (1400, 1900)}, k=40)
    assert {match.collection for match in found} == {"paintings"}
    [left_out] = found.left_out
    assert left_out.collection == "others" and "year" in left_out.reason
    assert {match.collection for match in federation.search(image=painting, where={"place": "New York"})} == {"others"}
    with pytest.raises(QueryError, match=r"paintings: .*mood.* others: .*mood"):
        federation.search(image=painting, where={"mood": "sad"})


def test_a_work_of_one_collection_is_searched_in_the_others_by_its_picture(
    federation: Federation, collection: Collection, others: Collection
) -> None:
    found = federation.search(work="05.jpg", k=60)
    by_picture = others.search(image=collection.picture("05.jpg"), k=60)
    assert [m.id for m in found if m.collection == "others"] == [match.id for match in by_picture]
    own = [match.id for match in found if match.collection == "paintings"]
    assert own == [match.id for match in collection.search(work="05.jpg", k=60)] and "05.jpg" not in own
    assert federation.search(work="05.jpg", of="paintings", k=60) == found
    twice = Federation({"first": collection, "second": collection})
    with pytest.raises(QueryError, match=r"Several collections have a work '05\.jpg'; give one as of: first"):
        twice.search(work="05.jpg")
    assert twice.search(work="05.jpg", of="second")[0].collection == "first"  # its own picture
    for wrong in ({"work": "none.jpg"}, {"work": "b1.jpg", "of": "paintings"}, {"work": "b1.jpg", "of": "nowhere"}):
        with pytest.raises(QueryError, match="There is no"):
            federation.search(**wrong)


def test_a_work_without_a_picture_is_searched_at_home_alone(
    federation: Federation, others: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(others.manifest), "embeds_pictures", False)
    found = federation.search(work="b1.jpg")
    assert {match.collection for match in found} == {"others"}
    assert found.left_out[0].reason.startswith(
        "It is searched by the picture of 'b1.jpg', which others does not give: This"
    )


def test_what_is_wrong_everywhere_is_one_plain_error(federation: Federation, painting: bytes, tmp_path: Path) -> None:
    for wrong, kind, reason in (
        ({"image": painting, "k": 0}, QueryError, "^k must be"),
        ({}, QueryError, "^There is nothing to search for"),
        ({"image": tmp_path / "none.jpg"}, ImageError, "none.jpg does not exist"),
        ({"image": painting, "of": "others"}, QueryError, "give work, too"),
        ({"image": b"no picture"}, ImageError, "^the picture"),
        ({"image": painting, "timeout": 0}, QueryError, "^The timeout must be"),
        ({"image": painting, "timeout": float("nan")}, QueryError, "^The timeout must be"),
    ):
        with pytest.raises(kind, match=reason):
            federation.search(**wrong)  # type: ignore[arg-type]


def test_what_cannot_be_opened_together_is_refused(saved: Path, tmp_path: Path) -> None:
    for names, reason in (
        ([], "no collection to open"),
        (str(saved), "a list of names"),
        ([saved, saved.parent / "." / saved.name], "given twice"),
        ([tmp_path / "a", tmp_path / "b"], "^No collection can be opened. .*/a: .*/b: "),
    ):
        with pytest.raises(CollectionError, match=reason):
            open_collections(names)


def test_a_photograph_is_recognised_in_all_collections_that_can(
    federation: Federation, collection: Collection, paintings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    read = module.read_photograph
    monkeypatch.setattr(module, "read_photograph", lambda *given: reads.append(given) or read(*given))
    several = Federation({"first": collection, "second": collection, **federation.collections})
    found = several.recognize(paintings / "05.jpg")
    assert [(match.collection, match.id) for match in found] == [
        (name, "05.jpg") for name in ("first", "second", "paintings")
    ]
    assert len(reads) == 1 and [match.rank for match in found] == [1, 2, 3] and found[0].places >= 8
    [left_out] = found.left_out
    assert left_out.collection == "others" and "built without that" in left_out.reason
    nothing = federation.recognize(Image.new("RGB", (90, 60), "white"))
    assert list(nothing) == [] and len(nothing.left_out) == 1
    with pytest.raises(CollectionError, match=r"^This collection cannot recognise works"):
        Federation({"others": federation.collections["others"]}).recognize(paintings / "05.jpg")
    with pytest.raises(ImageError):
        federation.recognize(b"no picture")
