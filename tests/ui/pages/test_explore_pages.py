"""The pages map, browse, path and compare over HTTP, with the data that they fetch."""

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
    """Ids of the cards, in order."""
    return [unescape(identity) for identity in re.findall(r'href="\./\?work=([^"&]*)" class="card-face"', html)]


def links(html: str) -> list[str]:
    return [unescape(address) for address in re.findall(r'href="([^"]*)"', html)]


def test_the_map_page_has_the_facts_that_its_script_needs(client: TestClient, works: Any) -> None:
    html = page(client, "/map?work=work-3-1")
    works_map = works.map()
    assert f'"columns": {works_map.columns}' in html
    assert f'"start": {works_map.cells[works.state.rows["work-3-1"]]}' in html
    assert "browse?sort=map" in html


def test_every_tile_that_the_viewer_can_request_exists(client: TestClient, works: Any) -> None:
    works_map = works.map()
    answer = client.get("/map/tiles/0/0_0.webp")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (answer.headers["content-type"], picture.size) == ("image/webp", (448, 448))
    halved = 2
    across, down = (-(-side // 2**halved) for side in (works_map.columns, works_map.rows))
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


def test_without_pictures_the_map_shows_a_notice_and_a_link_to_the_list(tmp_path: Any) -> None:
    html = page(client_of(make_collection(images="urls"), tmp_path), "/map")
    assert load_strings()("map.no-pictures") in html
    assert "browse?sort=map" in html


def test_browse_shows_every_work_once_over_all_pages(client: TestClient, works: Any) -> None:
    for sort in ("title", "map", "random&seed=5"):
        seen = ids(page(client, f"/browse?sort={sort}")) + ids(page(client, f"/browse?sort={sort}&page=2"))
        assert sorted(seen) == sorted(works.ids), sort


def test_the_list_sorted_by_map_has_the_order_of_the_map(client: TestClient, works: Any) -> None:
    assert ids(page(client, "/browse?sort=map")) == [works.ids[row] for row in works.map().order][:60]


def test_the_count_of_a_facet_value_is_the_number_of_works_behind_its_link(client: TestClient) -> None:
    html = page(client, "/browse?where.style=Cubism")
    choices = re.findall(
        r'<a href="([^"]*where\.artist=[^"]*)">(?:(?!</a>).)*class="unseen">([^<]*), (\d+) works<', html
    )
    assert len(choices) > 5
    for address, value, count in choices:
        narrowed = page(client, "/" + unescape(address).removeprefix("./"))
        assert re.search(rf">{count} of 90 works<", narrowed), value


def test_a_chosen_value_can_be_removed(client: TestClient) -> None:
    html = page(client, "/browse?where.style=Cubism&where.artist=Artist+2")
    assert ids(html) == [f"work-2-{number}" for number in range(5)]
    removing = [address for address in links(html) if address.startswith("./browse?") and "where.style" not in address]
    assert any("where.artist=Artist+2" in address for address in removing)
    assert "./?where.style=Cubism&where.artist=Artist+2" in links(html)


def test_a_seed_gives_an_order_of_its_own_that_a_link_keeps(client: TestClient) -> None:
    first, again, other = (ids(page(client, f"/browse?sort=random&seed={seed}")) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    "query",
    ["page=999", "page=-1", "page=x", "sort=nothing", "where.nothing=1", "where.style=Dada", "seed=99999999999"],
)
def test_invalid_parameters_of_browse_are_ignored(client: TestClient, query: str) -> None:
    assert ids(page(client, f"/browse?{query}"))


def test_a_path_without_ends_draws_two_and_keeps_them_in_the_address(client: TestClient, works: Any) -> None:
    answer = client.get("/path", follow_redirects=False)
    assert answer.status_code == 303
    ends = parse_qs(urlsplit(answer.headers["location"]).query)
    html = page(client, "/" + answer.headers["location"].removeprefix("./"))
    shown = ids(html)
    assert (shown[0], shown[-1], len(shown)) == (ends["from"][0], ends["to"][0], 8)
    assert shown == [step.id for step in works.path(shown[0], shown[-1])]


def test_a_path_from_a_work_keeps_that_end(client: TestClient) -> None:
    address = client.get("/path?from=work-1-1&steps=5", follow_redirects=False).headers["location"]
    assert parse_qs(urlsplit(address).query)["from"] == ["work-1-1"]
    shown = ids(page(client, "/" + address.removeprefix("./")))
    assert shown[0] == "work-1-1" and len(shown) == 5


def test_compare_shows_both_works_and_marks_shared_metadata(client: TestClient) -> None:
    html = page(client, "/compare?a=work-0-0&b=work-3-0")
    assert html.count('class="compare-view"') == 2
    marks = {heading: mark for mark, heading in re.findall(r'<tr(?: class="(shared)")?><th scope="row">(\w+)', html)}
    assert (marks["Style"], marks["Artist"]) == ("shared", "")
    assert re.findall(r'class="bar-name">(\w+)<', html) == ["Overall", "Subject", "Style", "Colour", "Layout"]
    assert "./compare?a=work-3-0&b=work-0-0" in links(html)


def test_comparing_one_work_takes_its_nearest_neighbour(client: TestClient, works: Any) -> None:
    address = client.get("/compare?a=work-0-0", follow_redirects=False).headers["location"]
    assert parse_qs(urlsplit(address).query)["b"] == [works.search(work="work-0-0", k=1)[0].id]
    assert client.get("/compare", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/path?from=nothing", "There is no work"),
        ("/path?from=work-0-0&to=work-0-0", "name two works"),
        ("/compare?a=work-0-0&b=work-0-0", "the same work"),
        ("/compare?a=work-0-0&b=%3Cscript%3E", "There is no work"),
    ],
)
def test_a_page_that_cannot_be_shown_gives_one_message(client: TestClient, address: str, message: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 400
    assert message in answer.text and "<script>" not in answer.text


@pytest.mark.parametrize("name", NAMES)
def test_titles_are_escaped_everywhere(client: TestClient, name: str) -> None:
    html = page(client, f"/{name}")
    assert "Study <" not in re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.DOTALL)


def test_a_collection_of_one_work_has_no_path_and_no_comparison(tmp_path: Any) -> None:
    alone = client_of(make_collection(artists=1, works=1), tmp_path)
    assert alone.get("/path").status_code == 400
    assert alone.get("/compare").status_code == 400
    assert alone.get("/map").status_code == 200
    assert ids(alone.get("/browse").text) == ["work-0-0"]
