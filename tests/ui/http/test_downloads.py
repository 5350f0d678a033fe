"""Results as files: tables without formulas, unchanged pictures, and messages for impossible downloads."""

import csv
import io
import json
import re
import zipfile
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from poisoned import poison
from served import context_over
from starlette.applications import Starlette
from starlette.testclient import TestClient

from artsim import open_collection
from artsim.ui.api.schemas import work_answer
from artsim.ui.context import Context
from artsim.ui.http.downloads import download_routes
from artsim.ui.query_string import read_query_string
from artsim.ui.search_page.results import page_of


@pytest.fixture(scope="module")
def client(context: Context) -> TestClient:
    return TestClient(Starlette(routes=download_routes(context)), raise_server_exceptions=False)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_table_has_the_works_of_the_page_in_its_order(client: TestClient, context: Context, collection: Any) -> None:
    link = "work=05.jpg&k=7"
    answer = client.get(f"/download.csv?{link}")
    assert answer.headers["content-disposition"] == 'attachment; filename="artsim-results.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    found = rows(answer.text)
    shown = re.findall(r'<li class="card" data-work="([^"]*)"', page_of(context, read_query_string(link, context)))
    assert [row["id"] for row in found] == shown
    assert [row["rank"] for row in found] == list("1234567")
    assert found[0]["title"] == collection.work(shown[0])["title"]
    assert 0 <= float(found[0]["percentile"]) <= 100


def test_json_has_the_same_works_with_their_types(client: TestClient, collection: Any) -> None:
    works = json.loads(client.get("/download.json?work=05.jpg&k=3").content.decode())["works"]
    assert [work["rank"] for work in works] == [1, 2, 3]
    identity = works[0]["id"]
    assert works[0]["tags"] == collection.work(identity)["tags"]
    assert works[0]["year"] == collection.work(identity)["year"]


def test_matches_by_label_have_no_figures(client: TestClient, collection: Any) -> None:
    link = f"text={quote(collection.work('05.jpg')['artist'])}&k=40"
    found = rows(client.get(f"/download.csv?{link}").text)
    works = json.loads(client.get(f"/download.json?{link}").content.decode())["works"]
    assert [row["id"] for row in found] == [work["id"] for work in works]
    assert found[0]["score"] == found[0]["cosine"] == "" and float(found[-1]["score"]) >= 0
    assert works[0]["score"] is None and works[-1]["score"] is not None


def test_grouped_results_have_a_column_group(client: TestClient, collection: Any) -> None:
    found = rows(client.get("/download.csv?work=05.jpg&by=century").text)
    for row in found:
        assert int(row["group"]) == collection.work(row["id"])["year"] // 100 * 100


def test_the_zip_has_unchanged_pictures_and_their_table(client: TestClient, collection: Any) -> None:
    answer = client.get("/download.zip?work=05.jpg&k=4")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    table = rows(archive.read("works.csv").decode())
    assert sorted(archive.namelist()) == sorted([*(row["file"] for row in table), "works.csv"])
    for number, row in enumerate(table, start=1):
        assert re.fullmatch(rf"00{number} [\w ,.-]+\.jpg", row["file"])
        assert archive.read(row["file"]) == collection.picture(row["id"])


def test_with_an_upload_the_page_sends_its_results(client: TestClient, context: Context, paintings: Path) -> None:
    page = page_of(context, read_query_string("upload=1&k=5", context, [paintings / "05.jpg"]))
    [shown] = re.findall(r'name="shown" value="([^"]*)"', page)
    found = rows(client.post("/download.csv", data={"shown": unescape(shown)}).text)
    assert [row["id"] for row in found] == re.findall(r'<li class="card" data-work="([^"]*)"', page)
    assert found[0]["id"] == "05.jpg"
    answer = client.post("/download.zip", data={"shown": unescape(shown)})
    assert len(zipfile.ZipFile(io.BytesIO(answer.content)).namelist()) == 6


@pytest.mark.parametrize(
    "shown",
    [
        "", "no json", "{}", '[["05.jpg", 1, 2, 3]]', '[["05.jpg", 1, 2, "x", ""]]', '[["05.jpg", 1, 2, NaN, ""]]',
        "[" * 5000, '[["gone", 1, 2, 3, ""]]', "x" * 300_000,
    ],
)  # fmt: skip
def test_a_forged_form_gives_one_message(client: TestClient, shown: str) -> None:
    answer = client.post("/download.csv", data={"shown": shown})
    assert answer.status_code == 400
    assert "request was incomplete" in answer.text or "There is no work" in answer.text


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("", "contains no query"),
        ("k=3", "contains no query"),
        ("upload=1", "not part of a link"),
        ("work=%3Cscript%3E", "no work &lt;script&gt;"),
        ("not=05.jpg", "only says what they should not be like"),
    ],
)
def test_a_link_with_nothing_to_download_gives_one_message(client: TestClient, link: str, words: str) -> None:
    for kind in ("csv", "json", "zip"):
        answer = client.get(f"/download.{kind}?{link}")
        assert answer.status_code == 400
        assert words in answer.text


def test_no_cell_is_a_formula_and_no_file_name_leads_out_of_the_archive(
    copy: Path, tmp_path: Path, met_works: list[dict[str, Any]]
) -> None:
    collection = open_collection(copy)
    work = {
        "image": met_works[60]["image"]["bytes"], "title": '=HYPERLINK("http://evil")', "artist": "@SUM(A1)",
        "medium": "../../etc, \"quoted\"\nnew line", "tags": ["-1+1"], "year": -450,
    }  # fmt: skip
    collection.add([work])
    client = TestClient(Starlette(routes=download_routes(context_over(collection, tmp_path / "thumbnails"))))
    found = rows(client.get("/download.csv?work=05.jpg&k=100").text)
    [row] = [row for row in found if row["year"] == "-450"]
    assert row["title"] == '\'=HYPERLINK("http://evil")'
    assert row["artist"] == "'@SUM(A1)"
    assert row["tags"] == "'-1+1"
    assert row["medium"] == '../../etc, "quoted"\nnew line'
    archive = zipfile.ZipFile(io.BytesIO(client.get("/download.zip?work=05.jpg&by=medium").content))
    for name in archive.namelist():
        assert not name.startswith("/") and ".." not in name and name.isprintable()


def test_a_work_without_a_picture_of_its_own_has_no_file_in_the_archive(
    copy: Path, tmp_path: Path, painting: bytes
) -> None:
    (tmp_path / "private.jpg").write_bytes(painting)
    poison(copy, "06.jpg", {"bytes": None, "path": str(tmp_path / "private.jpg")})
    collection = open_collection(copy)
    client = TestClient(Starlette(routes=download_routes(context_over(collection, tmp_path / "thumbnails"))))
    archive = zipfile.ZipFile(io.BytesIO(client.get("/download.zip?work=05.jpg&k=39").content))
    assert len(archive.namelist()) == 39  # of 38 works, and the table
    assert all(archive.read(name) != painting for name in archive.namelist())
    (row,) = [row for row in rows(archive.read("works.csv").decode()) if row["id"] == "06.jpg"]
    assert row["file"] == ""
    answer = work_answer(collection.work("06.jpg"), collection)
    assert (answer.width, answer.height) == (None, None)
