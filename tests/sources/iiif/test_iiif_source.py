"""Works from IIIF: collections, lists and manifests of both versions, against a museum on loopback."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_server.calls import Answer
from iiif_manifests import body_3, image_answer, jpeg, manifest_2, manifest_3
from loopback_web import serving

from artsim import build_collection, open_source
from artsim.errors import ImageError, SourceError
from artsim.sources import read_picture
from artsim.sources.iiif.presentation import pages, text


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTSIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("artsim.sources.iiif.documents.PAUSE_S", 0.0)
    monkeypatch.setattr("artsim.web.retries.FIRST_WAIT_S", 0.0)


class Museum:
    """Documents and pictures by path; `script` has answers that come first."""

    def __init__(self, root: str, asked: list[str]) -> None:
        self.root, self.asked = root, asked
        self.documents: dict[str, Any] = {}
        self.script: dict[str, list[Answer]] = {}

    def add(self, document: dict[str, Any]) -> str:
        address = document.get("id") or document["@id"]
        self.documents[address.removeprefix(self.root)] = document
        return str(address)

    def answer(self, path: str) -> Answer:
        if self.script.get(path):
            return self.script[path].pop(0)
        if path in self.documents:
            return Answer.of(self.documents[path])
        return Answer(body=jpeg(60, 40)) if path == "/file.jpg" else image_answer(path)

    def river(self, *bodies: Any, name: str = "river", **fields: Any) -> str:
        given = bodies or (body_3(self.root, "two", 2),)
        return self.add(manifest_3(self.root, name, list(given), **fields))


@pytest.fixture
def museum() -> Iterator[Museum]:
    held: list[Museum] = []
    with serving(lambda path: held[0].answer(path)) as (root, asked):
        held.append(Museum(root, asked))
        yield held[0]


def collection(museum: Museum, *members: str, name: str = "all") -> str:
    items = [{"id": member, "type": "Manifest"} for member in members]
    return museum.add(
        {"id": f"{museum.root}/{name}", "type": "Collection", "label": {"en": ["Rivers"]}, "items": items}
    )


def test_a_collection_of_both_versions_becomes_works_with_their_columns(
    museum: Museum, clip: Any, tmp_path: Path
) -> None:
    river, mill = museum.river(), museum.add(manifest_2(museum.root, "mill"))
    old = {"@id": f"{museum.root}/old", "@type": "sc:Collection", "manifests": [{"@id": mill, "@type": "sc:Manifest"}]}
    source = open_source(f"iiif:{collection(museum, river, museum.add(old), river)}")
    first, second = source.works(0)
    assert {key: value for key, value in first.items() if value and key not in ("id", "image")} == {
        "title": "The River",
        "description": "A wide river & sky",
        "license": "http://creativecommons.org/publicdomain/zero/1.0/",
        "rights": "Museum of Rivers",
        "museum": "Museum of Rivers",
        "url": "https://museum.example/works/1",
        "manifest": river,
        "artist": "Ada; Ben",
        "date_of_creation": "c. 1890",
        "image_url": f"{museum.root}/image/two/full/!1024,1024/0/default.jpg",
    }
    assert [second[name] for name in ("title", "artist", "材質", "rights", "url")] == [
        "The Mill", "Cora", "oil; canvas", "Museum of Mills", "https://museum.example/works/2",
    ]  # fmt: skip
    assert (source.title, source.size, source.license, source.has_urls) == ("Rivers", 2, "cc0-1.0", True)
    assert source.notes[0] == "2 manifests; each of their 2 pages with a picture is a work."
    built = build_collection(source, clip, tmp_path / "out")
    assert [built.work(identity)["title"] for identity in built.ids] == ["The River", "The Mill"]

    asked = len(museum.asked)
    again = open_source(f"iiif:{museum.root}/all")
    assert [read_picture(work) for work in again.works(1)] == [jpeg(1024, 683)]
    assert (again.fingerprint, len(museum.asked)) == (source.fingerprint, asked)  # all from the cache


@pytest.mark.parametrize(
    ("kind", "level", "size"),
    [("two", 2, "!1024,1024"), ("one", 1, "1024,"), ("zero", 0, "1500,1000"), ("none", 2, "")],
)
def test_pictures_are_asked_for_at_the_size_needed_as_the_service_allows(
    museum: Museum, kind: str, level: int, size: str
) -> None:
    (work,) = open_source(f"iiif:{museum.river(body_3(museum.root, kind, level))}").works(0)
    assert read_picture(work) == (jpeg(1024, 683) if size else jpeg(60, 40))  # the file itself, where it refuses
    assert museum.asked[-1] == (f"/image/{kind}/full/{size}/0/default.jpg" if size else "/file.jpg")


def test_how_many_manifests_are_read_is_told_while_they_are(
    museum: Museum, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("artsim.sources.iiif.documents.TOLD_EVERY_S", 0.0)
    caplog.set_level(logging.INFO, "artsim")
    open_source(f"iiif:{collection(museum, museum.river(name='a'), museum.river(name='b'))}")
    told = [record.message for record in caplog.records]
    assert told == ["1 IIIF documents read, 2 more found.", "2 IIIF documents read, 1 more found."]


def test_every_page_of_a_manifest_is_a_work_and_pages_without_a_picture_are_told(museum: Museum) -> None:
    body = body_3(museum.root, "two", 2)
    choice = {"type": "Choice", "items": [body, body]}
    source = open_source(f"iiif:{museum.river(body, choice, {'type': 'Video', 'id': 'x'}, None)}")
    assert [work["title"] for work in source.works(0)] == ["The River, p. 1", "The River, p. 2"]
    assert "; 2 pages have no picture and are left out" in source.notes[0]
    assert [work["id"] for work in source.works(1)] == [list(source.works(0))[1]["id"]]


def test_a_list_in_a_file_names_addresses_and_files_beside_it(museum: Museum, tmp_path: Path) -> None:
    (tmp_path / "mill.json").write_text(json.dumps(manifest_2(museum.root, "mill")))
    lines = [
        "# my works",
        museum.river(),
        "",
        "mill.json",
        "gone.json",
        "~nobody-here/a",
        "a\0b",
        f"{museum.root}/none",
    ]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    source = open_source(f"iiif:{tmp_path / 'list.txt'}")
    assert [work["title"] for work in source.works(0)] == ["The River", "The Mill"]
    assert source.notes[-1].startswith("Documents left out: 4. ")
    assert "gone.json: it cannot be read (No such file or directory)" in source.notes[-1]
    assert f"{museum.root}/none: the server answered 404" in source.notes[-1]


def test_a_server_that_is_busy_is_asked_again_and_one_that_is_down_ends_with_a_sentence(museum: Museum) -> None:
    river = museum.river()
    museum.script = {
        "/river": [Answer(503), Answer(429, headers={"Retry-After": "0"})],
        "/image/two/full/!1024,1024/0/default.jpg": [Answer(503)],
    }
    (work,) = open_source(f"iiif:{river}").works(0)
    assert read_picture(work) == jpeg(1024, 683)
    museum.script = {"/mill": [Answer(503)] * 20}
    both = collection(museum, river, museum.add(manifest_2(museum.root, "mill")))
    with pytest.raises(SourceError, match=r"/mill: the server answered 503 Service Unavailable, 6 times"):
        open_source(f"iiif:{both}")


def test_documents_do_not_lead_to_files_or_private_networks(
    museum: Museum, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the owner names may be on this machine; what a document names may not."""
    monkeypatch.setattr("artsim.web.http.RETRIES", 0)
    (tmp_path / "secret.json").write_text(json.dumps(manifest_2(museum.root, "secret")))
    with serving(lambda path: Answer(body=jpeg(60, 40)), "127.0.0.2") as (private, seen):
        bodies = [{"type": "Image", "id": f"{private}/a.jpg"}, {"type": "Image", "id": f"file://{tmp_path}/a.jpg"}]
        river = museum.river(*bodies, homepage={"id": "https://museum.example/\ud800"})
        named = [
            "http://a..b/\ud800",
            f"{private}/manifest",
            f"file://{tmp_path}/secret.json",
            f"{tmp_path}/secret.json",
            "secret.json",
        ]
        source = open_source(f"iiif:{collection(museum, river, *named)}")
        works = list(source.works(0))
        assert [work["url"] for work in works] == ["https://museum.example/?"] * 2
        assert source.notes[-1].startswith("Documents left out: 5. ")
        for work, reason in zip(works, ("is an address of a private network", "is not a plain http"), strict=True):
            with pytest.raises(ImageError, match=reason):
                read_picture(work)
        assert seen == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither JSON nor a list of addresses"),
        (b"<html>Not here</html>", "neither JSON nor a list of addresses"),
        (b"{", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b'{"type": "Range"}', "names no page with a picture.*neither a manifest nor a collection of IIIF"),
        (b'{"type": "Manifest", "items": [1, {"items": [[]]}, {"items": {"items": {"body": "x"}}}]}', "names no page"),
    ],
)
def test_what_is_no_manifest_is_one_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(SourceError, match=reason) as said:
        open_source(f"iiif:{tmp_path / 'a.json'}")
    assert "\n" not in str(said.value)


def test_odd_values_of_a_manifest_are_left_out() -> None:
    odd: list[Any] = [
        None,
        1,
        "x",
        [],
        {},
        [None],
        [[]],
        {"en": 1},
        {"en": [{}]},
        {"en": ["\ud800"]},
        {"@value": []},
        {"id": 7},
        True,
    ]
    fields = "label summary rights license requiredStatement attribution provider homepage related metadata id".split()
    for value in odd:
        manifest = dict.fromkeys(fields, value) | {"metadata": [{"label": value, "value": value}, value]}
        manifest["items"] = [
            {"label": value, "items": [{"items": [{"body": {"type": "Image", "service": value}}]}]},
            value,
        ]
        for page in pages(manifest):
            assert all(isinstance(text, str) and text for text in page.columns.values()), value


def test_marks_within_a_line_of_html_leave_no_spaces() -> None:
    assert text("A <i>sketch</i>book.<br>By <b>Doe</b>.<p>Second</p>") == "A sketchbook. By Doe. Second"
