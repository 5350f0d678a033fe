"""The pages beside the search over HTTP, for a collection with a tiny real CLIP."""

import dataclasses
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from gradio.utils import get_upload_folder
from owners import HERE
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from artsim.analysis.classification import Classification
from artsim.messages.message import Message
from artsim.messages.strings import load_strings
from artsim.storage.manifest import Origin
from artsim.ui.auth import Owner, OwnerTools
from artsim.ui.context import Context
from artsim.ui.http.errors import error_handlers
from artsim.ui.http.routes import extra_routes, middleware
from artsim.ui.pages.registry import in_navigation
from artsim.ui.readiness import Readiness


@pytest.fixture(scope="module")
def client(context: Context) -> TestClient:
    return TestClient(Starlette(routes=extra_routes(context), middleware=middleware()), raise_server_exceptions=False)


def read(client: TestClient, address: str, **options: str) -> str:
    """The page, once its background computation is done."""
    for _ in range(200):
        answer = client.get(address, **options)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        if "data-progress" not in answer.text:
            return answer.text
        time.sleep(0.1)
    raise AssertionError(f"{address} is still not done")


def test_every_page_of_the_navigation_answers_with_its_own_scripts_and_styles(
    client: TestClient, context: Context
) -> None:
    seen_by_owners = in_navigation(replace(context, is_owner=True))
    for name in set(seen_by_owners) - {"collection"}:  # that page needs an owner
        answer = client.get(f"/{name}")
        listed = f'<a href="./{name}" aria-current="page">' in answer.text
        assert listed is (name in in_navigation(context)), "owners' tools are for owners"
        assert answer.text.count("<h1>") == 1, name
        assert "script-src 'self';" in answer.headers["content-security-policy"]
        for address in re.findall(r'(?:src|href)="(art/[^"]*)"', answer.text):
            assert client.get(f"/{unescape(address)}").status_code == 200, address


def test_a_timeline_lists_earlier_and_later_works(client: TestClient, context: Context) -> None:
    state = context.collection.state
    dated = sorted((work for work in state.table.to_pylist() if work["year"]), key=lambda work: work["year"])
    middle = dated[len(dated) // 2]
    page = read(client, f"/timeline?work={middle['id']}")
    before, after = page.split('aria-labelledby="later"')
    years = [
        [state.work(state.rows[identity])["year"] for identity in re.findall(r"timeline\?work=([^\"&]*)", section)[1:]]
        for section in (before.split('class="grid timeline-list"')[1], after.split('class="grid timeline-list"')[1])
    ]
    assert years[0] == sorted(years[0]), "the list is in chronological order"
    assert years[0][-1] < middle["year"] < years[1][0]
    assert load_strings()("timeline.caveat").split(":")[0] in page


def test_a_timeline_of_a_work_without_a_year_gives_a_message(client: TestClient) -> None:
    page = read(client, "/timeline?work=03.jpg")
    assert load_strings()("timeline.no-year") in page


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/why?work=05.jpg", "Name two works"),
        ("/why?work=05.jpg&match=%3Cscript%3E", "There is no work"),
        ("/evaluation?label=sha256", "no such label"),
    ],
)
def test_a_page_that_cannot_be_shown_gives_one_message(client: TestClient, address: str, message: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 400
    assert message in answer.text
    assert "<script>" not in answer.text.replace('<script type="application/json"', "")
    assert "Traceback" not in answer.text


def test_why_shows_words_both_pictures_palettes_and_shared_metadata(client: TestClient, context: Context) -> None:
    page = read(client, "/why?work=05.jpg&match=06.jpg")
    for aspect in context.aspects:
        assert re.search(f"(?i){ {'color': 'palette', 'style': 'brushwork'}.get(aspect, aspect) }", page)
    assert page.count("data:image/webp;base64,") == 2
    assert page.count('class="why-palette"') == 2
    part = client.get("/why?work=05.jpg&match=06.jpg&part=1").text
    assert part.startswith('<div class="why">')
    assert "<html" not in part


def test_the_evaluation_page_shows_the_figures_of_the_evaluation_package(client: TestClient, context: Context) -> None:
    from artsim.evaluation import Task, evaluate_settings

    page = read(client, "/evaluation?label=medium")
    figures = evaluate_settings(context.collection, Task("medium", max_queries=500))
    for evaluation in figures.values():
        assert f"{evaluation.means()['map']:.3f}" in page
    assert "Where it fails" in page


def test_the_address_sets_the_language_of_a_page_and_the_choice_is_remembered(client: TestClient) -> None:
    answer = client.get("/how?lang=de")
    assert 'lang="de"' in answer.text
    assert client.get("/how").text.startswith('<!doctype html>\n<html lang="de"')
    client.cookies.clear()
    assert 'lang="fr"' in client.get("/how", headers={"Accept-Language": "fr-CH, fr;q=0.9, en;q=0.8"}).text
    assert 'lang="en"' in client.get("/how", headers={"Accept-Language": "xx, *;q=0.5"}).text


def test_the_search_opens_in_the_visitors_language(client: TestClient) -> None:
    answer = client.get("/?work=1&lang=ja", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "./ja?work=1")
    client.cookies.clear()
    answer = client.get("/", headers={"Accept-Language": "es"}, follow_redirects=False)
    assert answer.headers["location"] == "./es"
    stays = client.get("/?lang=en", headers={"Accept-Language": "es"}, follow_redirects=False)
    assert stays.status_code == 404, "it is Gradio's page: without cookies, only its address says that it is in English"
    assert client.get("/", headers={"Accept-Language": "es"}, follow_redirects=False).status_code == 404
    client.cookies.clear()


def test_a_query_alone_leads_to_a_page_and_keeps_language_and_theme(client: TestClient) -> None:
    """As a page around a frame passes it on."""
    answer = client.get("/?show=timeline&work=05.jpg&lang=fr&__theme=dark", follow_redirects=False)
    assert answer.headers["location"] == "./timeline?work=05.jpg&lang=fr&__theme=dark"
    client.cookies.clear()
    drawn = client.get("/path?from=05.jpg&lang=fr&__theme=dark", follow_redirects=False)
    assert drawn.headers["location"].endswith("&lang=fr&__theme=dark")
    client.cookies.clear()
    assert client.get("/?show=../secret", follow_redirects=False).status_code == 404


def test_cookies_are_sent_in_frames_of_other_sites_where_browsers_allow_that(client: TestClient) -> None:
    plain = client.get("/how?lang=de").headers["set-cookie"]
    assert "SameSite=lax" in plain and "Secure" not in plain
    secure = client.get("/how?lang=de", headers={"X-Forwarded-Proto": "https"}).headers["set-cookie"]
    assert all(word in secure for word in ("HttpOnly", "SameSite=none", "Secure", "Partitioned"))
    client.cookies.clear()


def test_missing_and_broken_pages_are_pages_for_people_and_short_for_programs(context: Context) -> None:
    def breaks(request: object) -> None:
        raise RuntimeError("secret")

    app = Starlette(
        routes=[Route("/breaks/here", breaks), *extra_routes(context)],
        middleware=middleware(),
        exception_handlers=error_handlers(context),
    )
    client = TestClient(app, raise_server_exceptions=False)
    person = {"Accept": "text/html,*/*", "Accept-Language": "de"}
    for address, status, words in (
        ("/nothing/at/all", 404, "Diese Seite gibt es nicht"),
        ("/breaks/here", 500, "Es liegt an uns"),
    ):
        answer = client.get(address, headers=person)
        assert (answer.status_code, words in answer.text) == (status, True)
        assert '<base href="/">' in answer.text and "./map" in answer.text, "its links lead somewhere"
        assert "secret" not in answer.text and "RuntimeError" not in answer.text
    assert client.get("/nothing", headers={"Accept": "application/json"}).json() == {"detail": "Not Found"}
    assert client.get("/breaks/here").text == "Internal Server Error"


def test_only_the_owner_is_told_of_files_models_and_the_network(context: Context) -> None:
    told = replace(context, encoder_reason=Message("it is in /home/me"), readiness=Readiness(context.collection))
    told.readiness.state, told.readiness.reason = "failed", Message("ConnectError")
    for owner, is_told in ((None, False), (Owner(None), True), (Owner("a-secret-token-of-the-owner"), False)):
        tools = None if owner is None else OwnerTools(owner, None)  # type: ignore[arg-type]  # nothing is changed
        app = Starlette(routes=extra_routes(replace(told, owner_tools=tools)))
        client = TestClient(app, base_url=HERE)
        assert ("/home/me" in client.get("/how").text) == is_told
        assert ("ConnectError" in client.get("/encoder").text) == is_told


@pytest.fixture
def uploads() -> Iterator[Path]:
    """A folder among those of the uploads."""
    folder = Path(get_upload_folder()) / "a-visit"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("address", ["/why?match=06.jpg&part=1", "/recognition"])
def test_an_upload_is_explained_and_recognised_and_no_other_file_is_read(
    client: TestClient, paintings: Path, uploads: Path, address: str
) -> None:
    shutil.copy(paintings / "05.jpg", uploads / "mine.jpg")
    part = client.get(address, headers={"X-Upload": quote(str(uploads / "mine.jpg"))})
    assert part.text.count("data:image/webp;base64,") == (2 if "why" in address else 1)
    for outside in (paintings / "05.jpg", uploads / ".." / ".." / "etc" / "passwd", Path("/etc/passwd")):
        refused = client.get(address, headers={"X-Upload": quote(str(outside))})
        assert refused.status_code == 400
        assert "does not fetch addresses" in refused.text


def test_an_unknown_picture_is_classified_with_the_works_that_this_rests_on(
    client: TestClient, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (90, 60), "white").save(uploads / "blank.png")
    found = Classification([("<Baroque>", 0.684)], ("05.jpg", "06.jpg"))
    monkeypatch.setattr("artsim.ui.pages.recognition._BY", ("style", "artist"))
    monkeypatch.setattr("artsim.ui.pages.recognition.classify_with_works", lambda *_: found)
    answer = client.get("/recognition", headers={"X-Upload": quote(str(uploads / "blank.png"))}).text
    assert "Probably &lt;Baroque&gt; (68 %), like these works:" in answer.replace("\u202f", " ").replace("\xa0", " ")
    assert re.findall(r'href="\./\?work=(\d+\.jpg)"', answer) == ["05.jpg", "06.jpg"]


def test_a_picture_is_named_or_said_to_be_of_no_work_here(
    client: TestClient, context: Context, paintings: Path, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(paintings / "05.jpg", uploads / "mine.jpg")
    Image.new("RGB", (90, 60), "white").save(uploads / "blank.png")

    def said(name: str, language: str = "en") -> str:
        answer = client.get(f"/recognition?lang={language}", headers={"X-Upload": quote(str(uploads / name))})
        client.cookies.clear()
        return unescape(re.findall(r"<p data-said>(.*?)</p>", answer.text)[0])

    title = context.collection.manifest.title
    assert said("blank.png") == f"Not among the 40 works of <cite>{title}</cite>"
    assert said("blank.png", "ja") == f"『<cite>{title}</cite>』の作品40点の中にはありません"
    match = context.collection.recognize(paintings / "05.jpg")
    named = f"<cite>{match.work['title']}</cite>, {match.work['artist']}, {match.work['year']}"
    odd = {**match.work, "title": "{<b>}", "artist": None, "year": None}
    for changed, words in (
        ({"version": False}, f"This is {named}"),
        ({"version": True}, f"This work, or another version of it: {named}"),
        ({"version": False, "work": odd}, "This is <cite>{<b>}</cite>"),
    ):
        found = dataclasses.replace(match, **changed)
        monkeypatch.setattr(type(context.collection), "recognize", lambda *_, found=found: found)
        assert said("mine.jpg") == words


def test_every_page_says_since_when_a_collection_is_from_if_the_hub_had_none(
    client: TestClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tests/hub/test_open_from_hub.py` shows when that is so."""
    assert "as it was fetched" not in client.get("/how").text
    monkeypatch.setattr(context.collection, "origin", Origin("artist/works", "0" * 40, date(2026, 11, 3)))
    assert "the collection as it was fetched on 2026-11-03: the Hub could not" in client.get("/how").text
    origin = Origin("artist/works", "0" * 40)
    monkeypatch.setattr(context.collection, "origin", origin)
    assert "as it was fetched" not in client.get("/how").text
