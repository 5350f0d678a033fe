"""What a search puts on the page, with a tiny real CLIP: matches, notices, and never a traceback."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from artsim.facets import choose_facets, varied_works
from artsim.thumbnails import Thumbnails
from artsim.ui.context import Context
from artsim.ui.inputs import Chosen
from artsim.ui.readiness import Readiness
from artsim.ui.results import matches_page
from artsim.ui.search_tab import Asked, answer, find
from artsim.ui.strings import load_strings


@pytest.fixture(scope="module")
def context(collection: Any, tmp_path_factory: pytest.TempPathFactory) -> Context:
    return Context(
        collection=collection,
        thumbnails=Thumbnails(collection, tmp_path_factory.mktemp("cache")),
        readiness=Readiness(collection),
        strings=load_strings(),
        facets=tuple(choose_facets(collection.contents)),
        examples=tuple(varied_works(collection.contents)),
        aspects=collection.contents.spaces[0].space.aspects,
        encoder="tiny-clip",
        encoder_reason="as asked",
    )


def asked(chosen: Chosen = Chosen(), text: str = "", **more: Any) -> Asked:  # noqa: B008
    plain = Asked(chosen, text, preset="balanced", weights=(), ranking="tuned", k=5, where={})
    return dataclasses.replace(plain, **more)


def cards(page: str) -> list[str]:
    return re.findall(r'data-open="([^"]*)"', page)


def test_nothing_asked_is_the_page_with_examples(context: Context) -> None:
    page = answer(context, asked())
    assert page.count("data-search=") == 12
    assert "notice" not in page


def test_an_upload_shows_k_works_with_their_details(context: Context, paintings: Path) -> None:
    page = answer(context, asked(Chosen(upload=paintings / "05.jpg")))
    assert cards(page)[0] == "05.jpg"
    assert len(cards(page)) == 5 == page.count("<template>")
    assert "Works like your picture" in page


def test_a_work_is_not_among_its_own_matches(context: Context, collection: Any) -> None:
    page = answer(context, asked(Chosen(work="05.jpg")))
    assert "05.jpg" not in cards(page)
    assert collection.work("05.jpg")["title"].split("'")[0] in page


def test_words_search_where_the_encoder_reads_them(context: Context) -> None:
    page = answer(context, asked(text="a <b>storm</b>"))
    assert len(cards(page)) == 5
    assert "a &lt;b&gt;storm&lt;/b&gt;" in page
    assert "<b>storm" not in page
    assert "of works" in page


def test_filters_hold(context: Context, collection: Any) -> None:
    medium = collection.work("05.jpg")["medium"]
    page = answer(context, asked(Chosen(work="05.jpg"), where={"medium": [medium]}, k=40))
    assert cards(page)
    assert {collection.work(identity)["medium"] for identity in cards(page)} == {medium}
    assert "within your filters" in page


def test_filters_that_nothing_fits_are_said_so(context: Context) -> None:
    page = answer(context, asked(Chosen(work="05.jpg"), where={"year": (9000, None)}))
    assert "No work fits these filters" in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chosen": Chosen(work="no-such-work")}, "no work &#x27;no-such-work&#x27;"),
        ({"chosen": Chosen(upload=Path("gone.jpg"))}, "no longer kept"),
        ({"k": 0}, "k must be"),
        ({"k": 10_000}, "k must be"),
        ({"where": {"year": (1900, 1800)}}, "is empty"),
        ({"ranking": "best"}, "no ranking"),
        ({"preset": None, "weights": (0, 0, 0, 0)}, "weights are 0"),
    ],
)
def test_what_cannot_be_answered_is_a_notice(context: Context, change: dict[str, Any], words: str) -> None:
    page = answer(context, asked(**{"chosen": Chosen(work="05.jpg"), **change}))
    assert 'role="alert"' in page
    assert words in page
    assert "Traceback" not in page


@pytest.mark.parametrize("data", [b"", b"Dear museum,", b"\x89PNG\r\n\x1a\n broken"])
def test_an_upload_that_is_no_picture_is_a_notice_without_its_path(
    context: Context, tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "upload.png"
    path.write_bytes(data)
    page = answer(context, asked(Chosen(upload=path)))
    assert 'role="alert"' in page
    assert str(tmp_path) not in page


def test_matches_that_are_all_far_are_called_so(context: Context) -> None:
    matches = [dataclasses.replace(match, close=False) for match in find(context, asked(Chosen(work="05.jpg")))]
    page = matches_page(context, matches, heading="Works", filtered=False, by_text=False)
    assert "Nothing here is really close." in page
    near = [dataclasses.replace(match, close=True) for match in matches[:1]] + matches[1:]
    assert "really close" not in matches_page(context, near, heading="Works", filtered=False, by_text=False)


def test_metadata_with_markup_in_it_is_only_text(context: Context) -> None:
    [match] = find(context, asked(Chosen(work="05.jpg"), k=1))
    work = {**match.work, "title": "<img src=x onerror=alert(1)>", "url": "javascript:alert(1)"}
    page = matches_page(context, [dataclasses.replace(match, work=work)], heading="<h>", filtered=False, by_text=False)
    assert "<img src=x" not in page
    assert "javascript:" not in page
