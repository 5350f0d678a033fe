"""The owner's page and its routes: uploads, changes, the list, and the search page that follows them."""

import asyncio
import base64
import io
import re
import time
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from owners import HERE, context_of, headers_of, visitor
from PIL import Image
from starlette.testclient import TestClient

from artsim import open_collection
from artsim.images.other_files import HEAD
from artsim.ui.auth import Owner
from artsim.ui.context import Context
from artsim.ui.gradio_overrides.refresh import Following
from artsim.ui.interface import UPLOAD_MB
from artsim.ui.search_page.fields import VarietyInput
from artsim.ui.search_page.page import search_page

TIMEOUT = 60.0


@pytest.fixture
def context(copy: Path, tmp_path: Path, clip: Any) -> Context:
    made = context_of(copy, tmp_path / "cache", Owner(None))
    made.collection.encoders.given[str(clip.id)] = clip
    return made


@pytest.fixture
def client(context: Context) -> TestClient:
    made = visitor(context, HERE)
    made.headers.update(headers_of(made))
    return made


def post(client: TestClient, action: str, /, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/collection/{action}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(client: TestClient, action: str, /, **body: Any) -> str:
    answer = client.post(f"/collection/{action}", json=body)
    assert answer.status_code == 400
    return answer.json()["error"]


def put(client: TestClient, name: str, data: bytes, *, size: int | None = None) -> int:
    answer = client.put(
        "/collection/file", params={"name": name, "size": len(data) if size is None else size}, content=data
    )
    return answer.status_code


def finished_ingest(client: TestClient) -> dict[str, Any]:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        ingest = client.get("/collection/state").json()["intake"]
        if ingest["phase"] in ("done", "cancelled", "failed"):
            return ingest
        time.sleep(0.02)
    raise AssertionError(ingest)


@pytest.fixture(scope="module")
def scan() -> bytes:
    """A picture unlike any in the collection."""
    buffer = io.BytesIO()
    Image.radial_gradient("L").save(buffer, "PNG")
    return buffer.getvalue()


def test_files_are_sent_one_by_one_and_end_up_in_the_collection(
    client: TestClient, context: Context, scan: bytes, paintings: Path
) -> None:
    post(client, "begin", title=None)
    files = {"my/metadata.csv": b"file_name", "my/new.png": scan, "my/same.jpg": b"\xff\xd8\xff", "my/notes.txt": b"-"}
    heads = {name: base64.b64encode(data[:HEAD]).decode() for name, data in files.items()}
    announced = [{"name": name, "size": len(files[name]), "head": head} for name, head in heads.items()]
    announced += [
        {"name": name, "size": UPLOAD_MB * 2**20 + far, "head": ""}
        for name, far in (("my/large.jpg", 1), ("my/cut.jpg", 0))
    ]
    assert post(client, "announce", files=announced)["roles"] == [
        "table",
        "picture",
        "picture",
        "other",
        "other",
        "picture",
    ]
    assert put(client, "my/metadata.csv", b"file_name,title,artist\nC:\\scans\\NEW.png,Rings,Ada\n") == 200
    assert put(client, "my/new.png", scan) == 200
    assert put(client, "my/same.jpg", (paintings / "11.jpg").read_bytes()) == 200
    assert put(client, "my/cut.jpg", b"short", size=900) == 200
    post(client, "complete")
    ingest = finished_ingest(client)
    assert (ingest["phase"], ingest["total"], ingest["added"]) == ("done", 5, 1)
    reports = {report["name"]: report for report in ingest["reports"]}
    assert reports["my/same.jpg"]["work"] == "11.jpg"
    assert reports["my/same.jpg"]["picture"].startswith("thumbnails/400/11.jpg")
    assert "not an image that artsim reads" in reports["my/notes.txt"]["reason"]
    assert f"larger than {UPLOAD_MB} MB" in reports["my/large.jpg"]["reason"]
    assert "did not arrive as a whole" in reports["my/cut.jpg"]["reason"]
    assert context.collection.work("my/new.png")["artist"] == "Ada"
    assert context.collection.picture("my/new.png") == scan
    assert any("found their pictures: 1." in note for note in ingest["notes"])
    assert put(client, "late.png", scan) == 409
    assert "Adding has ended" in problem(client, "announce", files=[])
    [number] = [report["number"] for report in ingest["reports"] if report["name"] == "my/same.jpg"]
    post(client, "include", numbers=[number])
    assert finished_ingest(client)["added"] == 2


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("begin", {"title": 5}, "itle must be a text"),
        ("announce", {"files": [{"name": "a.jpg"}]}, "name, size and head"),
        ("announce", {"files": []}, "Adding has ended"),
        ("complete", {}, "Nothing is being added"),
        ("include", {"numbers": "1"}, "list of whole numbers"),
        ("edit", {"id": "99.jpg", "values": {"year": "1900"}}, "no work '99.jpg'"),
        ("edit", {"id": "03.jpg", "values": {"year": 1900}}, "texts by column"),
        ("remove", {"ids": "03.jpg"}, "list of texts"),
        ("undo", {}, "nothing to undo"),
        ("open", {"name": "../../etc"}, "no own collection"),
    ],
)
def test_an_impossible_change_gives_one_message(client: TestClient, name: str, body: Any, words: str) -> None:
    assert words in problem(client, name, **body)
    assert client.get("/collection/state").json()["works"] == 40


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"text"'])
def test_a_body_that_is_no_json_object_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post("/collection/remove", content=body).status_code == 400


def test_the_list_is_searched_and_paged_and_shows_markup_as_text(client: TestClient, context: Context) -> None:
    context.collection.edit("03.jpg", {"title": "<script>alert(1)</script>"})
    everything = client.get("/collection").text
    assert everything.count('name="chosen"') == 40
    assert "<script>alert" not in everything
    found = client.get("/collection", params={"q": "<SCRIPT>"}).text
    assert found.count('name="chosen"') == 1
    assert 'value="03.jpg"' in found
    assert "No work matches this." in client.get("/collection", params={"q": "no such thing"}).text
    context.collection.add([{"image": Image.new("RGB", (32, 32), (n, 90, 30)), "id": f"n{n}"} for n in range(20)])
    assert client.get("/collection").text.count('name="chosen"') == 50
    assert client.get("/collection?page=2").text.count('name="chosen"') == 10
    assert client.get("/collection?page=999").text.count('name="chosen"') == 10


def test_a_work_has_a_form_with_its_metadata(client: TestClient, context: Context) -> None:
    work = context.collection.work("05.jpg")
    form = unescape(client.get("/collection", params={"work": "05.jpg"}).text)
    assert re.search(rf'name="year" value="{work["year"]}"', form)
    assert all(tag in form for tag in work["tags"])
    assert 'name="sha256"' not in form
    assert client.get("/collection", params={"work": "99.jpg"}).status_code == 400
    post(client, "edit", id="05.jpg", values={"title": 'Say "cheese" & <smile>'})
    assert 'value="Say &#34;cheese&#34; &amp; &lt;smile&gt;"' in client.get("/collection?work=05.jpg").text


def test_opening_another_collection_restarts_the_app(client: TestClient, context: Context) -> None:
    assert context.owner_tools is not None
    session = context.owner_tools.session
    open_collection(session.collection.folder).save(session.library.folder("mine"))
    post(client, "remove", ids=["03.jpg"])
    post(client, "open", name="mine")
    assert session.library.opened(session.requested) == "mine"
    assert session.unsaved == ()  # saved first
    assert context.owner_tools.reopen.is_set()


def test_a_column_that_starts_to_distinguish_works_becomes_a_filter_on_pages_opened_later(
    context: Context,
) -> None:
    collection = context.collection
    for identity in collection.ids:
        collection.edit(identity, {"medium": None, "year": None})
    with gr.Blocks() as blocks:
        search_page(context)

    class App:
        def get_blocks(self) -> gr.Blocks:
            return blocks

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        pass

    def shown(column: str) -> list[bool]:
        return [field["visible"] for field in fields() if f'data-column="{column}"' in field["html_template"]]

    def fields() -> list[dict[str, Any]]:
        return [item["props"] for item in blocks.config["components"] if item["type"] == "html"]

    def ask_for(path: str) -> None:
        asyncio.run(following({"type": "http", "path": path, "app": App()}, None, None))  # type: ignore[arg-type]

    following = Following(answer, collection)
    blocks.config = blocks.get_config_file()
    assert [facet.column for facet in context.facets] == ["artist", "tags"]
    assert (shown("artist"), shown("medium"), shown("year")) == ([True], [False], [False])
    for number, identity in enumerate(collection.ids):
        collection.edit(identity, {"medium": ("Oil", "Ink")[number % 2], "year": 1600 + number})
    ask_for("/thumbnails/400/x")
    assert shown("medium") == [False], "only pages are refreshed"
    ask_for("/")
    assert (shown("artist"), shown("medium"), shown("year")) == ([True], [True], [True])
    assert [["Ink", 20], ["Oil", 20]] in [field["props"].get("options") for field in fields()]
    variety = next(item["props"] for item in blocks.config["components"] if item["props"].get("elem_id") == "variety")
    assert 'value="medium"' in variety["html_template"]
    form = next(block for block in blocks.blocks.values() if isinstance(block, VarietyInput))
    assert form.preprocess({"other": "medium"}).other == "medium"
