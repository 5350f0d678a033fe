"""Search forms as links and back; invalid parameters of a link are reported."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from artsim.search.query import Part
from artsim.ui.context import Context
from artsim.ui.query_string import read_query_string, write_query_string
from artsim.ui.search_form import MOST_PARTS, SearchForm
from artsim.ui.search_page.results import page_of

WORK = Part(work="05.jpg")


def search_forms(context: Context) -> list[SearchForm]:
    weights = {aspect: 0.25 * place for place, aspect in enumerate(context.aspects)}
    medium = next(facet for facet in context.facets if facet.column == "medium").values[0][0]
    return [
        SearchForm(),
        SearchForm(parts=(WORK, Part(work="06.jpg", weight=-1), Part(text="a & b = c? 100 % + #ü", weight=-0.5))),
        SearchForm(parts=(Part(work="05.jpg", region=(0.1, 0.25, 0.5, 1.0), weight=2.0), Part(text="rain"))),
        SearchForm(parts=(WORK,), preset="style", ranking="cosine", k=7),
        SearchForm(parts=(WORK,), preset=None, weights=weights),
        SearchForm(parts=(WORK,), preset=None, weights=dict.fromkeys(context.aspects, 0)),
        SearchForm(parts=(WORK,), where={"medium": [medium], "year": (1600, 1700.5)}),
        SearchForm(parts=(WORK,), where={"year": (None, -300)}),
        SearchForm(parts=(WORK,), other="artist", at_most=("artist", 2), by="century"),
        SearchForm(parts=(WORK,), min_score=0.3, sort="year"),
    ]


def test_every_form_survives_the_round_trip_through_a_link(context: Context) -> None:
    for form in search_forms(context):
        parsed = read_query_string(write_query_string(form), context)
        assert parsed.form == form
        assert parsed.problems == ()


def test_links_are_readable(context: Context) -> None:
    form = SearchForm(
        parts=(Part(work="05.jpg", region=(0.1, 0.2, 0.5, 0.6)), Part(text="a storm", weight=-0.5)),
        where={"year": (1600, 1700)},
    )
    link = "work=05.jpg&region=0.1,0.2,0.5,0.6&not-text=a+storm&weight=0.5&where.year=1600..1700"
    assert write_query_string(form) == link
    assert read_query_string(f"?{link}&detail=06.jpg", context).opened == "06.jpg"
    assert write_query_string(SearchForm()) == ""


def test_uploads_are_only_mentioned_and_restored_if_their_files_are_known(context: Context, paintings: Path) -> None:
    first, second = paintings / "05.jpg", paintings / "06.jpg"
    region = (0.0, 0.0, 0.5, 0.5)
    form = SearchForm(parts=(Part(image=first, region=region), WORK, Part(image=second, weight=-1)))
    link = write_query_string(form)
    assert link == "upload=1&region=0,0,0.5,0.5&work=05.jpg&not-upload=1"
    assert read_query_string(link, context, [first, second]).form == form
    elsewhere = read_query_string(link, context)
    assert elsewhere.form.parts == (WORK,)
    assert "not part of a link" in elsewhere.problems[0]


@pytest.mark.parametrize(
    ("link", "kept", "words"),
    [
        ("work=gone&work=05.jpg", {"parts": (WORK,)}, "no work gone in this collection"),
        ("work=05.jpg&k=many", {"parts": (WORK,)}, "k=many is not a whole number from 1 to 100"),
        ("work=05.jpg&k=0", {"parts": (WORK,)}, "k=0 is not"),
        ("work=05.jpg&k=" + "9" * 5000, {"parts": (WORK,)}, "is not a whole number"),
        ("work=05.jpg&weight=nan", {"parts": (WORK,)}, "weight=nan is not a number"),
        ("work=05.jpg&region=0.5,0.5,0.4,0.6", {"parts": (WORK,)}, "is not a part of a picture"),
        ("region=0,0,1,1&work=05.jpg", {"parts": (WORK,)}, "is not a part of a picture"),
        ("text=rain&region=0,0,1,1", {"parts": (Part(text="rain"),)}, "is not a part of a picture"),
        ("work=05.jpg&preset=best", {"parts": (WORK,)}, "preset=best is not known; choose among balanced (Overall), style"),
        ("work=05.jpg&ranking=x", {"parts": (WORK,)}, "ranking=x is not known"),
        ("work=05.jpg&sort=size", {"parts": (WORK,)}, "sort=size is not known; choose among likeness (most similar"),
        ("work=05.jpg&min_score=7", {"parts": (WORK,)}, "min_score=7 is not a number from 0 to 1"),
        ("work=05.jpg&w.smell=1", {"parts": (WORK,)}, "no aspect called smell"),
        ("work=05.jpg&where.shoe=41", {"parts": (WORK,)}, "no column shoe"),
        ("work=05.jpg&where.artist=Nobody", {"parts": (WORK,)}, "No work has Nobody as its Artist"),
        ("work=05.jpg&where.year=old", {"parts": (WORK,)}, "where.year=old is no range"),
        ("work=05.jpg&other=sha256", {"parts": (WORK,)}, "no column sha256"),
        ("work=05.jpg&most.artist=0", {"parts": (WORK,)}, "most.artist=0 is not"),
        ("work=05.jpg&encoder=nose", {"parts": (WORK,)}, "encoder=nose is not possible"),
        ("work=05.jpg&find=detail", {"parts": (WORK,)}, "find=detail is not possible"),
        ("work=05.jpg&detail=gone", {"parts": (WORK,)}, "no work gone"),
        ("work=05.jpg" * 1000, {}, "longer than 8000 characters"),
        ("work=05.jpg&" + "&".join(f"text={number}" for number in range(50)), None, f"at most {MOST_PARTS}"),
    ],
)  # fmt: skip
def test_invalid_parameters_are_skipped_with_a_message(
    context: Context, link: str, kept: dict[str, Any] | None, words: str
) -> None:
    parsed = read_query_string(link, context)
    assert words in " ".join(parsed.problems)
    assert all(len(problem) < 250 for problem in parsed.problems)
    if kept is not None:
        assert parsed.form == dataclasses.replace(SearchForm(), **kept)


def test_foreign_parameters_are_ignored(context: Context) -> None:
    parsed = read_query_string("?work=05.jpg&utm_source=letter&__theme=dark&=&&%ff=%fe&lang=de", context)
    assert (parsed.form.parts, parsed.problems) == ((WORK,), ())


def test_junk_in_a_link_is_quoted_as_text_and_never_as_markup(context: Context) -> None:
    link = "work=%3Cscript%3Ealert(1)%3C/script%3E&where.%3Cb%3E=1&preset=%22%3E%3Cimg%20src=x%3E&text=%3Ci%3Ehi"
    html = page_of(context, read_query_string(link, context), restored="link")
    assert "Not everything in this link could be used" in html
    for markup in ("<script", "<b>", "<img src=x", "<i>"):
        assert markup not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_page_contains_its_own_query_string(context: Context) -> None:
    form = SearchForm(parts=(WORK, Part(text="x&y")), k=3)
    html = page_of(context, read_query_string(write_query_string(form), context))
    assert 'data-query="work=05.jpg&amp;text=x%26y&amp;k=3"' in html
