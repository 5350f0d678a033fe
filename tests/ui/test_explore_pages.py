"""Map, browsing, paths and comparing: the pages and what they fetch, asked for as a browser does."""

import io
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from synthetic import make_collection

from artsim.messages.strings import load_strings
from artsim.ui.context import Context
from artsim.ui.pages.registry import page_routes
from artsim.ui.readiness import Readiness
from artsim.ui.thumbnail_cache import Thumbnails

NAMES = ("map", "browse", "path", "compare")


def client_of(collection: Any, folder: Any) -> TestClient:
    context = Context(
        collection, Thumbnails(collection, folder), Readiness(collection), load_strings(), "made-up", "a test"
    )
    return TestClient(Starlette(routes=page_routes(context)), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def works() -> Any:
    return make_collection(artists=18, works=5)


@pytest.fixture(scope="module")
def client(works: Any, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return client_of(works, tmp_path_factory.mktemp("explore"))


def page(client: TestClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text[-600:]
    return answer.text


def ids(html: str) -> list[str]:
    """The works of the cards, in order."""
    return [unescape(identity) for identity in re.findall(r'href="\./\?work=([^"&]*)" class="card-face"', html)]


def links(html: str) -> list[str]:
    return [unescape(address) for address in re.findall(r'href="([^"]*)"', html)]


def test_the_map_tells_its_script_what_it_needs(client: TestClient, works: Any) -> None:
    html = page(client, "/map?work=work-3-1")
    drawn = works.map()
    assert f'"columns": {drawn.columns}' in html
    assert f'"start": {drawn.cells[works.state.rows["work-3-1"]]}' in html
    assert "browse?sort=map" in html


def test_every_tile_that_the_viewer_may_ask_for_is_there(client: TestClient, works: Any) -> None:
    drawn = works.map()
    answer = client.get("/map/tiles/0/0_0.webp")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (answer.headers["content-type"], picture.size) == ("image/webp", (448, 448))
    halved = 2
    across, down = (-(-side // 2**halved) for side in (drawn.columns, drawn.rows))
    for x in range(across):
        for y in range(down):
            assert client.get(f"/map/tiles/{halved}/{x}_{y}.webp").status_code == 200
    assert client.get(f"/map/tiles/{halved}/{across}_0.webp").status_code == 404
    assert client.get("/map/tiles/99/0_0.webp").status_code == 404


def test_titles_of_the_map_come_in_the_order_of_its_cells(client: TestClient, works: Any) -> None:
    titles = client.get("/map/works/0").json()
    assert [identity for identity, _, _ in titles] == [works.ids[row] for row in works.map().order]
    assert titles[0][1].startswith("Study <")
    assert client.get("/map/works/1").json() == []


def test_without_pictures_the_map_says_so_and_leads_to_the_list(tmp_path: Any) -> None:
    html = page(client_of(make_collection(images="urls"), tmp_path), "/map")
    assert load_strings()("map.no-pictures") in html
    assert "browse?sort=map" in html


def test_browsing_shows_every_work_once_over_its_pages(client: TestClient, works: Any) -> None:
    for sort in ("title", "map", "random&seed=5"):
        seen = ids(page(client, f"/browse?sort={sort}")) + ids(page(client, f"/browse?sort={sort}&page=2"))
        assert sorted(seen) == sorted(works.ids), sort


def test_the_list_in_the_order_of_the_map_is_the_map(client: TestClient, works: Any) -> None:
    assert ids(page(client, "/browse?sort=map")) == [works.ids[row] for row in works.map().order][:60]


def test_a_facet_leads_to_exactly_as_many_works_as_it_says(client: TestClient) -> None:
    html = page(client, "/browse?where.style=Cubism")
    found = re.findall(r'<a href="([^"]*where\.artist=[^"]*)">(?:(?!</a>).)*class="unseen">([^<]*), (\d+) works<', html)
    assert len(found) > 5
    for address, value, count in found:
        narrowed = page(client, "/" + unescape(address).removeprefix("./"))
        assert re.search(rf">{count} of 90 works<", narrowed), value


def test_a_chosen_value_can_be_taken_out_again(client: TestClient) -> None:
    html = page(client, "/browse?where.style=Cubism&where.artist=Artist+2")
    assert ids(html) == [f"work-2-{number}" for number in range(5)]
    out = [address for address in links(html) if address.startswith("./browse?") and "where.style" not in address]
    assert any("where.artist=Artist+2" in address for address in out)
    assert "./?where.style=Cubism&where.artist=Artist+2" in links(html)


def test_shuffling_leads_to_another_order_and_a_link_keeps_it(client: TestClient) -> None:
    first, again, other = (ids(page(client, f"/browse?sort=random&seed={seed}")) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    "query",
    ["page=999", "page=-1", "page=x", "sort=nothing", "where.nothing=1", "where.style=Dada", "seed=99999999999"],
)
def test_what_browsing_does_not_understand_breaks_nothing(client: TestClient, query: str) -> None:
    assert ids(page(client, f"/browse?{query}"))


def test_a_path_without_ends_draws_two_and_keeps_them_in_the_address(client: TestClient, works: Any) -> None:
    answer = client.get("/path", follow_redirects=False)
    assert answer.status_code == 303
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    html = page(client, "/" + answer.headers["location"].removeprefix("./"))
    shown = ids(html)
    assert (shown[0], shown[-1], len(shown)) == (asked["from"][0], asked["to"][0], 8)
    assert shown == [step.id for step in works.path(shown[0], shown[-1])]


def test_a_path_from_a_work_keeps_that_end(client: TestClient) -> None:
    address = client.get("/path?from=work-1-1&steps=5", follow_redirects=False).headers["location"]
    assert parse_qs(urlsplit(address).query)["from"] == ["work-1-1"]
    shown = ids(page(client, "/" + address.removeprefix("./")))
    assert shown[0] == "work-1-1" and len(shown) == 5


def test_comparing_shows_both_and_marks_what_they_share(client: TestClient) -> None:
    html = page(client, "/compare?a=work-0-0&b=work-3-0")
    assert html.count('class="compare-view"') == 2
    marks = {heading: mark for mark, heading in re.findall(r'<tr(?: class="(shared)")?><th scope="row">(\w+)', html)}
    assert (marks["Style"], marks["Artist"]) == ("shared", "")
    assert re.findall(r'class="bar-name">(\w+)<', html) == ["Overall", "Subject", "Style", "Colour", "Layout"]
    assert "./compare?a=work-3-0&b=work-0-0" in links(html)


def test_comparing_with_one_work_takes_its_likest(client: TestClient, works: Any) -> None:
    address = client.get("/compare?a=work-0-0", follow_redirects=False).headers["location"]
    assert parse_qs(urlsplit(address).query)["b"] == [works.search(work="work-0-0", k=1)[0].id]
    assert client.get("/compare", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/path?from=nothing", "There is no work"),
        ("/path?from=work-0-0&to=work-0-0", "name two works"),
        ("/compare?a=work-0-0&b=work-0-0", "one and the same"),
        ("/compare?a=work-0-0&b=%3Cscript%3E", "There is no work"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(client: TestClient, address: str, sentence: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 400
    assert sentence in answer.text and "<script>" not in answer.text


@pytest.mark.parametrize("name", NAMES)
def test_titles_are_escaped_everywhere(client: TestClient, name: str) -> None:
    html = page(client, f"/{name}")
    assert "Study <" not in re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.DOTALL)


def test_one_work_alone_has_no_path_and_nothing_beside_it(tmp_path: Any) -> None:
    alone = client_of(make_collection(artists=1, works=1), tmp_path)
    assert alone.get("/path").status_code == 400
    assert alone.get("/compare").status_code == 400
    assert alone.get("/map").status_code == 200
    assert ids(alone.get("/browse").text) == ["work-0-0"]
