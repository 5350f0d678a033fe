"""The detail of a work, which the search page fetches when it is opened."""

import dataclasses
import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from artsim.search.query import Part
from artsim.ui.context import Context
from artsim.ui.http.routes import extra_routes
from artsim.ui.query_string import ParsedLink
from artsim.ui.search_form import SearchForm
from artsim.ui.search_page.results import page_of
from artsim.ui.search_service import find
from artsim.ui.shown_match import ShownMatch


@pytest.fixture(scope="module")
def client(context: Context) -> TestClient:
    return TestClient(Starlette(routes=extra_routes(context)), raise_server_exceptions=False)


def details(context: Context, client: TestClient, *parts: Part, **more: int) -> list[str]:
    """The details at the addresses in the answer to a search."""
    html = page_of(context, ParsedLink(SearchForm(parts=parts, k=5, **more)))
    found = [client.get(unescape(address)[1:]) for address in re.findall(r'data-detail="([^"]*)"', html)]
    assert [answer.status_code for answer in found] == [200] * 5
    return [answer.text for answer in found]


def test_the_detail_has_the_facts_of_the_work_and_the_figures_of_its_match(
    context: Context, client: TestClient
) -> None:
    [first, *_] = find(context, SearchForm(parts=(Part(work="05.jpg"),), k=5)).matches
    html = details(context, client, Part(work="05.jpg"))[0]
    assert f'data-work="{first.id}"' in html and re.search(r"\b1 of \d", html)
    assert html.count('class="bar-name"') == 1 + len(first.aspects)
    assert first.cosine is not None and first.angular_distance is not None
    for figure in (first.cosine, first.angular_distance, *first.aspects.values()):
        assert f"<dd>{figure:.4f}".replace("-", "−") in html
    assert f"./compare?a=05.jpg&amp;b={first.id}" in html
    assert f"./why?work=05.jpg&amp;match={first.id}&amp;part=1" in html


def test_works_found_by_words_have_no_bars_of_aspects_and_nothing_to_explain(
    context: Context, client: TestClient
) -> None:
    for html in details(context, client, Part(text="a horse")):
        assert html.count('class="bar-name"') <= 1 and "data-why" not in html and "./compare?" not in html


def test_a_work_alone_has_facts_and_no_figures(context: Context, client: TestClient) -> None:
    html = client.get("/detail?work=05.jpg&part=1").text
    assert 'data-work="05.jpg"' in html and "bar-name" not in html and "data-why" not in html
    assert "Mit einem Ausschnitt suchen" in client.get("/detail?work=05.jpg&part=1&lang=de").text


def test_what_is_found_is_what_was_written(context: Context) -> None:
    [match] = find(context, SearchForm(parts=(Part(work="05.jpg"),), k=1)).matches
    framed = dataclasses.replace(match, region=(0.25, 0.5, 0.75, 1.0))
    for shown in (
        ShownMatch.of(framed, 24, by_text=False, beside="a&b=c"),
        ShownMatch.of(dataclasses.replace(match, score=None, cosine=None), 24, by_text=True, beside=None),
    ):
        written = {name: str(value) for name, value in shown.parameters().items() if value is not None}
        found = ShownMatch.read(written)
        assert found is not None
        assert found.parameters() == shown.parameters()
        assert (found.region, found.by_text, found.beside) == (shown.region, shown.by_text, shown.beside)


@pytest.mark.parametrize(
    "query",
    [
        "work=nothing", "", "work=05.jpg&rank=first", "work=05.jpg&rank=1&score=2", "work=05.jpg&rank=1&score=nan",
        "work=05.jpg&rank=1&cosine=inf", "work=05.jpg&rank=1&subject=1", "work=05.jpg&rank=1&region=0,0,1",
    ],
)  # fmt: skip
def test_an_address_that_is_wrong_gets_a_sentence(client: TestClient, query: str) -> None:
    answer = client.get(f"/detail?part=1&{query}")
    assert (answer.status_code, "notice" in answer.text) == (400, True)


def test_without_the_page_around_it_it_leads_to_the_search_page(client: TestClient) -> None:
    answer = client.get("/detail?work=05.jpg&rank=1&lang=de", follow_redirects=False)
    to = urlsplit(answer.headers["location"])
    assert (answer.status_code, to.path) == (303, "./de")
    assert dict(parse_qsl(to.query)) == {"detail": "05.jpg", "lang": "de"}
