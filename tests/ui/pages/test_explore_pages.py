"""The pages over HTTP, for a synthetic collection: what they show, and the data that they fetch."""

import datetime
import io
import math
import re
import time
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from datasets import Value
from PIL import Image
from served import context_over
from starlette.applications import Starlette
from starlette.testclient import TestClient
from synthetic import make_collection

from artsim.analysis.duplicates import DuplicateGroup
from artsim.errors import CollectionError, QueryError
from artsim.messages.strings import load_strings
from artsim.search.query import Part, Query
from artsim.snapshot.state import metadata_table
from artsim.ui.pages.registry import page_routes

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'> {{ 7 * 7 }}"


def client_of(collection: Any, folder: Any) -> TestClient:
    routes = page_routes(context_over(collection, folder))
    return TestClient(Starlette(routes=routes), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def works() -> Any:
    return make_collection(artists=18, works=5)


@pytest.fixture(scope="module")
def client(works: Any, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return client_of(works, tmp_path_factory.mktemp("explore"))


def page(client: TestClient, address: str) -> str:
    """The page, once its background computation is done."""
    for _ in range(600):
        answer = client.get(address)
        assert answer.status_code == 200, answer.text[-600:]
        if "waiting.js" not in answer.text:
            return answer.text
        time.sleep(0.05)
    raise AssertionError(f"{address} is still not done")


def ids(html: str) -> list[str]:
    """Ids of the cards, in order."""
    return [unescape(identity) for identity in re.findall(r'href="\./\?work=([^"&]*)" class="card-face"', html)]


def links(html: str) -> list[str]:
    return [unescape(address) for address in re.findall(r'href="([^"]*)"', html)]


def test_the_map_page_and_its_titles_have_what_its_script_needs(client: TestClient, works: Any) -> None:
    html = page(client, "/map?work=work-3-1")
    works_map = works.map()
    assert f'"columns": {works_map.columns}' in html
    assert f'"start": {works_map.cells[works.state.rows["work-3-1"]]}' in html
    assert "browse?sort=map" in html
    titles = client.get("/map/works/0").json()
    assert [identity for identity, _, _ in titles] == [works.ids[row] for row in works_map.order]
    assert titles[0][1].startswith("Study <")
    assert client.get("/map/works/1").json() == []


def test_tiles_of_the_map_are_webp_files_and_end_with_the_grid(client: TestClient) -> None:
    answer = client.get("/map/tiles/0/0_0.webp")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (answer.headers["content-type"], picture.size) == ("image/webp", (448, 448))
    assert client.get("/map/tiles/99/0_0.webp").status_code == 404


def test_without_pictures_the_map_shows_a_notice_and_a_link_to_the_list(tmp_path: Any) -> None:
    html = page(client_of(make_collection(images="urls"), tmp_path), "/map")
    assert load_strings()("map.no-pictures") in html
    assert "browse?sort=map" in html


def test_browse_shows_every_work_once_over_all_pages_in_an_order_that_a_link_keeps(
    client: TestClient, works: Any
) -> None:
    seen = {
        sort: [identity for number in (1, 2) for identity in ids(page(client, f"/browse?sort={sort}&page={number}"))]
        for sort in ("title", "map", "random&seed=1", "random&seed=2")
    }
    assert {sort: sorted(found) for sort, found in seen.items()} == dict.fromkeys(seen, sorted(works.ids))
    assert seen["map"] == [works.ids[row] for row in works.map().order]
    assert all('class="notice"' not in page(client, f"/browse?sort={sort}") for sort in seen), "the orders are its own"
    assert ids(page(client, "/browse?sort=random&seed=1")) == seen["random&seed=1"][:60] != seen["random&seed=2"][:60]


def test_the_count_of_a_facet_value_is_the_number_of_works_behind_its_link(client: TestClient) -> None:
    html = page(client, "/browse?where.style=Cubism")
    choices = re.findall(
        r'<a href="([^"]*where\.artist=[^"]*)">(?:(?!</a>).)*class="unseen">([^<]*), (\d+) works<', html
    )
    assert len(choices) > 5
    for address, value, count in choices:
        narrowed = page(client, "/" + unescape(address).removeprefix("./"))
        assert re.search(rf">{count} of 90 works<", narrowed), value


def test_browse_lists_what_words_find_with_its_facets(client: TestClient) -> None:
    html = page(client, "/browse?text=artist+2")
    assert ids(html)[:5] == [f"work-2-{number}" for number in range(5)]
    assert "“artist 2”" in html and 'href="./browse"' in html, "the words are a filter that can be removed"
    counted = sum(int(count) for count in re.findall(r'where\.style=[^"]*">(?:(?!</a>).)*, (\d+) works<', html))
    assert counted == len(ids(html))
    narrowed = page(client, "/browse?text=artist+2&where.style=Cubism")
    assert 0 < len(ids(narrowed)) < len(ids(html)) and set(ids(narrowed)) < set(ids(html))
    assert sorted(ids(page(client, "/browse?text=artist+2&sort=random&seed=3"))) == sorted(ids(html))
    assert 'action="./browse"' in html and 'name="text"' in html, "the masthead has the field"
    assert "No work here has these words" in page(client, "/browse?text=nothingofthekind")


def test_a_chosen_value_can_be_removed(client: TestClient) -> None:
    html = page(client, "/browse?where.style=Cubism&where.artist=Artist+2")
    assert ids(html) == [f"work-2-{number}" for number in range(5)]
    removing = [address for address in links(html) if address.startswith("./browse?") and "where.style" not in address]
    assert any("where.artist=Artist+2" in address for address in removing)
    assert "./?where.style=Cubism&where.artist=Artist+2" in links(html)


@pytest.mark.parametrize(
    "query",
    ["page=999", "page=-1", "page=x", "sort=nothing", "where.nothing=1", "where.style=Dada", "seed=99999999999"],
)
def test_invalid_parameters_of_browse_are_ignored(client: TestClient, query: str) -> None:
    assert ids(page(client, f"/browse?{query}"))


@pytest.mark.parametrize(("query", "length"), [("", 8), ("?from=work-1-1&steps=5", 5)])
def test_missing_ends_of_a_path_are_drawn_and_kept_in_the_address(
    client: TestClient, works: Any, query: str, length: int
) -> None:
    answer = client.get(f"/path{query}", follow_redirects=False)
    assert answer.status_code == 303
    address = answer.headers["location"]
    ends = parse_qs(urlsplit(address).query)
    shown = ids(page(client, f"/{address.removeprefix('./')}"))
    assert (shown[0], shown[-1], len(shown)) == (ends["from"][0], ends["to"][0], length)
    assert shown == [step.id for step in works.path(shown[0], shown[-1], steps=length)]
    assert "from" not in query or shown[0] == "work-1-1"


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


class _Hostile(HTMLParser):
    """Collects what a page would run: inline scripts, handlers and `javascript:` links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "script" and "src" not in names and names.get("type") != "application/json":
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in names if name.startswith("on") or "<" in name or '"' in name]
        self.found += [f"{tag} {value}" for value in names.values() if value and value.startswith("javascript:")]


@pytest.mark.parametrize(
    "address",
    [
        "browse", "browse?where.style={}", "path?from=work-0-0&to=work-3-0", "compare?a=work-0-0&b=work-3-0",
        "timeline", "timeline?work=work-2-1", "encoders", "encoders?work=work-0-0", "evaluation?label=style", "duplicates",
    ],
)  # fmt: skip
def test_hostile_metadata_stays_text(hostile: TestClient, address: str) -> None:
    html = page(hostile, f"/{address.format(quote_plus(HOSTILE))}")
    parser = _Hostile()
    parser.feed(html)
    assert parser.found == []
    assert "alert(1)" in html, "the title is shown"
    assert "{{ 7 * 7 }}" in html, "and is no template"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """All titles, artists and a column name are markup, and every link is a script. Two works have the same picture."""
    works: Any = make_collection(artists=9, works=5, spaces=2)
    schema = {**works.state.schema, "<b>": Value("string"), "url": Value("string")}
    rows = [
        work
        | {"title": HOSTILE, "artist": f"{HOSTILE} {work['artist']}", "style": work["style"] and HOSTILE}
        | {"<b>": f"{HOSTILE} {number % 2}", "url": "javascript:alert(3)"}
        for number, work in enumerate(works.state.table.to_pylist())
    ]
    rows[0]["style"] = rows[1]["style"] = "Cubism"
    pictures = works.state.pictures
    works.state = replace(
        works.state, table=metadata_table(rows, schema), schema=schema, pictures=lambda row: pictures(max(1, row))
    )
    return client_of(works, tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        (
            "string",
            lambda year, number: ("c. {}–{}", "published {}", "17th century", "")[number % 4].format(year, year + 3),
        ),
        ("date32", lambda year, number: datetime.date(year, 5, 1) if number % 4 else None),
        ("float64", lambda year, number: year if number % 4 else math.nan),
        ("int64", lambda year, number: 153505 if number == 7 else year),
    ],
    ids=["texts", "dates", "nan", "a wild one"],
)
def test_every_page_with_years_takes_whatever_stands_for_them(kind: str, of: Any, tmp_path: Any) -> None:
    works: Any = make_collection()
    schema = {**works.state.schema, "year": Value(kind)}
    rows = [{**work, "year": of(work["year"], number)} for number, work in enumerate(works.state.table.to_pylist())]
    works.state = replace(works.state, table=metadata_table(rows, schema), schema=schema)
    client = client_of(works, tmp_path)
    for address in ("browse?sort=year", "browse?where.year=1600..1650", "timeline", "timeline?work=work-0-3", "browse"):
        html = page(client, f"/{address}")
    assert ("1690 and above" in html) == (kind == "int64"), "what is outside of most years can be filtered by"
    assert page(client, "/compare?a=work-0-1&b=work-0-2")
    assert all(item.year < 1641 for item in works.influence("work-4-1", direction="earlier").matches)
    grouped = works.run_each(Query((Part(work="work-0-1"),)), by="century")
    assert list(grouped) == ([1600, 153500] if kind == "int64" else [1600])


def test_a_collection_of_one_work_has_no_path_and_no_comparison(tmp_path: Any) -> None:
    alone = client_of(make_collection(artists=1, works=1), tmp_path)
    assert alone.get("/path").status_code == 400
    assert alone.get("/compare").status_code == 400
    assert alone.get("/map").status_code == 200
    assert ids(alone.get("/browse").text) == ["work-0-0"]


def test_a_work_without_a_year_has_a_timeline_page_that_says_so_once_and_not_in_python(tmp_path: Any) -> None:
    works: Any = make_collection()
    rows = [
        {**work, "year": work["year"] if number else None} for number, work in enumerate(works.state.table.to_pylist())
    ]
    works.state = replace(works.state, table=metadata_table(rows, works.state.schema))
    html = page(client_of(works, tmp_path), "/timeline?work=work-0-0")
    assert html.count("The year of this work is not known") == 1
    assert "year=" not in html and "Earlier and alike" not in html


def test_browse_offers_no_filters_and_no_order_that_the_works_do_not_have(tmp_path: Any) -> None:
    works: Any = make_collection()
    table = works.state.table.select(["id", "title"])
    schema = {name: works.state.schema[name] for name in table.column_names}
    works.state = replace(works.state, table=table, schema=schema)
    html = page(client_of(works, tmp_path), "/browse")
    assert "browse-facets" not in html and 'class="browse"' not in html
    assert "browse.js" not in html, "it closes the facets on a phone"
    assert "sort=artist" not in html and "sort=year" not in html and "sort=random" in html


def test_encoders_are_shown_side_by_side(tmp_path: Any) -> None:
    works: Any = make_collection(spaces=2)
    html = page(client_of(works, tmp_path), "/encoders?work=work-0-0")
    compared = works.compare_encoders(work="work-0-0", k=8)
    for column, answers in zip(html.split("<section>")[1:], compared.answers, strict=True):
        assert f"{answers.cosine_mean:.3f} ± {answers.cosine_std:.3f}" in column
        assert re.findall(r"encoders\?work=([^\"&]*)", column) == [match.id for match in answers.matches]
        assert ("Selected automatically" in column) == (answers.encoder == compared.auto)


def test_works_with_the_same_picture_are_listed_with_what_they_are(tmp_path: Any) -> None:
    works: Any = make_collection(artists=6, works=4)
    pictures = works.state.pictures
    works.state = replace(works.state, pictures=lambda row: pictures({1: 0, 4: 2, 3: 2}.get(row, row)))
    html = page(client_of(works, tmp_path), "/duplicates")
    groups = re.findall(r'<section class="duplicate-group">.*?</section>', html, re.DOTALL)
    found = works.duplicates()
    assert [ids(group) for group in groups] == [[group.best, *(pair.second for pair in group.pairs)] for group in found]
    assert "./compare?a=work-0-0&b=work-0-1" in links(groups[0])
    assert "Best picture · work-0-0" in groups[0] and "Same file · work-0-1" in groups[0]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (QueryError("This <b>failed</b>."), "This &lt;b&gt;failed&lt;/b&gt;."),
        (CollectionError("/home/secret is damaged."), "went wrong on our side"),
        (ValueError("secret"), "our fault"),
    ],
)
def test_a_background_computation_that_fails_says_so(tmp_path: Any, error: Exception, message: str) -> None:
    works: Any = make_collection(artists=2)

    def fail(**_: Any) -> list[DuplicateGroup]:
        raise error

    works.duplicates = fail
    html = page(client_of(works, tmp_path), "/duplicates")
    assert message in html and "secret" not in html
