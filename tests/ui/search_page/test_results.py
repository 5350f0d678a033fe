"""The results page of a search, with a tiny real CLIP: matches, notices, and never a traceback."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from artsim import Collection
from artsim.search.query import Part
from artsim.search.query_vectors import QueryEmbedding
from artsim.ui.context import Context
from artsim.ui.query_string import ParsedLink
from artsim.ui.readiness import Readiness
from artsim.ui.search_form import SearchForm
from artsim.ui.search_page.results import matches_page, page_of, start_page
from artsim.ui.search_service import Group, SearchAnswer, find


def form(*parts: Part, **more: Any) -> SearchForm:
    return SearchForm(parts=parts or (Part(work="05.jpg"),), **{"k": 5, **more})


def page(context: Context, *parts: Part, **more: Any) -> str:
    return page_of(context, ParsedLink(form(*parts, **more)))


def cards(html: str) -> list[str]:
    return re.findall(r'<li class="card" data-work="([^"]*)"', html)


def test_the_page_without_a_query_shows_examples(context: Context) -> None:
    html = start_page(context)
    assert html.count('data-act="search"') == 12 == len(cards(html))
    assert 'data-act="against"' not in html, "there is nothing yet to be unlike"
    assert "notice" not in html


def test_an_upload_shows_k_works_with_their_details(context: Context, paintings: Path) -> None:
    html = page(context, Part(image=paintings / "05.jpg"))
    assert cards(html)[0] == "05.jpg"
    assert len(cards(html)) == 5 == html.count('data-detail="./detail?work=')
    assert "Works like your picture" in html
    assert str(paintings) not in html


def test_a_work_is_not_among_its_own_matches(context: Context, collection: Any) -> None:
    html = page(context)
    assert "05.jpg" not in cards(html)
    assert collection.work("05.jpg")["title"].split("'")[0] in html


def test_a_text_query_works_if_the_encoder_embeds_text(context: Context) -> None:
    html = page(context, Part(text="a <b>storm</b>"))
    assert len(cards(html)) == 5
    assert "a &lt;b&gt;storm&lt;/b&gt;" in html
    assert "<b>storm" not in html
    assert "similar</span>" in html


def test_matches_by_label_have_no_word_for_likeness_and_no_notice(context: Context, collection: Any) -> None:
    html = page(context, Part(text=collection.work("05.jpg")["title"]))
    first, last = html.split('<li class="card"')[1], html.split('<li class="card"')[5]
    assert 'data-work="05.jpg"' in first and "badge" not in first and "score=" not in first
    assert "similar</span>" in last and "score=" in last
    assert "Works that look like these words" in html.split('data-work="05.jpg"', 1)[1]
    assert 'href="./browse?text=' in html
    answer = find(context, form(Part(text=collection.work("05.jpg")["title"])))
    assert "really close" not in answer_with(context, *(match for match in answer.matches if match.found_by == "label"))


def test_words_that_are_not_here_are_said_to_be_so(context: Context, collection: Any, monkeypatch: Any) -> None:
    title = max(collection.work("05.jpg")["title"].split(), key=len)
    assert "as it is spelled" not in page(context, Part(text=title))
    assert "as it is spelled" in page(context, Part(text=f"{title[:-1]}q"))
    monkeypatch.setattr(QueryEmbedding, "embeds_text", lambda *_: False)
    assert "No work here has these words" in page(context, Part(text="nothingofthekind"))
    assert "No work fits these filters" in page(context, Part(text="nothingofthekind"), where={"artist": ["nobody"]})


def test_words_go_with_pictures_where_the_encoder_reads_words(context: Context) -> None:
    both = (Part(work="05.jpg"), Part(text="rain"))
    assert len(cards(page(context, *both))) == 5
    ready = Readiness(context.collection)
    ready.state, ready.embeds_text = "ready", False
    refused = page(dataclasses.replace(context, readiness=ready), *both)
    assert "not together with pictures" in refused and not cards(refused)[12:]


def test_where_no_work_has_the_least_score_the_notice_names_no_filter(context: Context) -> None:
    assert "as similar as this link asks for" in page(context, min_score=0.999)


def test_where_there_is_no_other_work_the_notice_names_no_filter(context: Context) -> None:
    html = answer_with(context)
    assert "There is no other work to compare with." in html and "filter" not in html


def test_the_heading_names_parts_for_and_against_and_regions(context: Context, collection: Any) -> None:
    titles = [collection.work(f"{number}.jpg")["title"] for number in ("05", "06")]
    region = (0.1, 0.1, 0.9, 0.9)
    parts = (Part(work="05.jpg"), Part(text="rain"), Part(work="06.jpg", region=region, weight=-0.5))
    html = page(context, *parts)
    heading = re.findall("<h1>(.*?)</h1>", html)[0]
    assert heading.replace("&#39;", "'") == f"Works like {titles[0]} and “rain”, unlike a part of {titles[1]}"


def test_a_part_against_changes_the_ranking(context: Context) -> None:
    near = cards(page(context, Part(work="05.jpg"), k=40))
    without = cards(page(context, Part(work="05.jpg"), Part(work=near[0], weight=-1), k=40))
    assert near[0] not in without, "a work of the query is no match"
    assert without != [identity for identity in near if identity != near[0]]


def test_filters_hold_and_are_named(context: Context, collection: Any) -> None:
    medium = collection.work("05.jpg")["medium"]
    html = page(context, where={"medium": [medium]}, k=40)
    assert cards(html)
    assert {collection.work(identity)["medium"] for identity in cards(html)} == {medium}
    assert "within your filters" in html
    assert f"With: Medium: {medium}" in html


def test_other_artists_and_limits_per_artist_hold_and_are_named(context: Context, collection: Any) -> None:
    artist = collection.work("05.jpg")["artist"]
    html = page(context, other="artist", at_most=("artist", 1), k=40)
    artists = [collection.work(identity)["artist"] for identity in cards(html)]
    assert artist not in artists
    assert len(set(artists)) == len(artists)
    assert "Artist other than in the query · at most 1 of the same Artist" in html


def test_groups_have_headings_of_their_own(context: Context, collection: Any) -> None:
    html = page(context, by="century")
    headings = re.findall(r"<h2>(\d+)[a-z]{2} century</h2>", html)
    assert headings == sorted(headings, key=int)
    assert len(headings) >= 3
    for section, heading in zip(html.split('<section class="group">')[1:], headings, strict=True):
        years = [collection.work(identity)["year"] for identity in cards(section)]
        assert 1 <= len(years) <= 5
        assert {f"{year // 100 + 1}" for year in years} == {heading}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parts": (Part(work="no-such-work"),)}, "no work &#39;no-such-work&#39;"),
        ({"parts": (Part(image=Path("gone.jpg")),)}, "no longer kept"),
        ({"parts": (Part(work="05.jpg", weight=-1),)}, "only says what they should not be like"),
        ({"parts": (Part(work="05.jpg", region=(0.5, 0.5, 0.4, 0.6)),)}, "region"),
        ({"k": 10_000}, "k must be"),
        ({"by": "shoe"}, "no column &#39;shoe&#39;"),
        ({"encoder": "nose"}, "no encoder &#39;nose&#39;"),
        ({"contains": True}, "no region index"),
    ],
)
def test_an_impossible_search_gives_a_notice(context: Context, change: dict[str, Any], words: str) -> None:
    html = page_of(context, ParsedLink(dataclasses.replace(form(), **change)))
    assert 'role="alert"' in html
    assert words in html
    assert "Traceback" not in html


@pytest.mark.parametrize("data", [b"", b"Dear museum,", b"\x89PNG\r\n\x1a\n broken"])
def test_an_upload_that_is_no_picture_gives_a_notice_without_its_path(
    context: Context, tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "upload.png"
    path.write_bytes(data)
    html = page(context, Part(image=path))
    assert 'role="alert"' in html
    assert str(tmp_path) not in html


def answer_with(context: Context, *matches: Any) -> str:
    answer = SearchAnswer(form(), (Group(None, matches),))
    return matches_page(context, answer, ParsedLink(answer.form))


def test_a_notice_appears_if_no_match_is_close(context: Context) -> None:
    matches = [dataclasses.replace(match, close=False) for match in find(context, form()).matches]
    html = answer_with(context, *matches)
    assert "No close match in this collection. The nearest works:" in html
    assert '<details class="beyond"' not in html
    near = [dataclasses.replace(match, close=True) for match in matches[:1]] + matches[1:]
    assert "No close match in this collection" not in answer_with(context, *near)


def test_what_is_not_close_is_folded_beneath_a_line(context: Context) -> None:
    matches = [dataclasses.replace(match, close=match.rank <= 3) for match in find(context, form()).matches]
    html = answer_with(context, *matches)
    above, beneath = html.split("No close match beyond this point")
    assert (cards(above), cards(beneath)) == ([match.id for match in matches[:3]], [match.id for match in matches[3:]])
    assert "Show 2 more" in beneath


def test_what_was_found_is_sorted_and_its_likeness_stays_in_words(context: Context, collection: Any) -> None:
    by_likeness = cards(page(context, k=12))
    for sort in ("year", "title", "artist"):
        html = page(context, k=12, sort=sort)
        assert sorted(cards(html)) == sorted(by_likeness), "those that were found"
        values = [collection.work(identity)[sort] for identity in cards(html.split("beyond this point")[0])]
        known = [value if sort == "year" else value.casefold() for value in values if value]
        assert known == sorted(known)
        assert values[: len(known)] == [value for value in values if value], "the others are last"
        assert f'<option value="{sort}" selected>' in html


def test_a_least_score_is_named_and_can_be_lifted(context: Context) -> None:
    html = page(context, k=40, min_score=0.3)
    assert 0 < len(cards(html)) < 39
    assert "With: at least similar" in html
    assert "data-least" in html
    assert "a score of at least 0.35" in page(context, min_score=0.35)


def test_only_one_whole_picture_of_the_visitors_own_is_looked_up_as_a_work(context: Context, paintings: Path) -> None:
    mine = Part(image=paintings / "05.jpg")
    assert "data-recognize" in page(context, mine)
    others = [(mine, Part(text="rain")), (mine, mine), (dataclasses.replace(mine, region=(0, 0, 0.5, 0.5)),), ()]
    assert not any("data-recognize" in page(context, *parts) for parts in others)
    state = dataclasses.replace(context.collection.state, recognition=None)
    without = Collection(state=state, manifest=context.collection.manifest, folder=None)
    assert "data-recognize" not in page(dataclasses.replace(context, collection=without), mine)


def test_markup_in_metadata_is_escaped(context: Context) -> None:
    [match] = find(context, form(k=1)).matches
    work = {**match.work, "title": "<img src=x onerror=alert(1)>", "url": "javascript:alert(1)"}
    html = answer_with(context, dataclasses.replace(match, work=work))
    assert "<img src=x" not in html
    assert "javascript:" not in html


def test_the_region_of_a_match_is_framed_in_the_card_and_named_to_the_detail(context: Context) -> None:
    [match] = find(context, form(k=1)).matches
    assert "found-box" not in answer_with(context, match)
    html = answer_with(context, dataclasses.replace(match, region=(0.25, 0.5, 0.75, 1.0)))
    assert html.count('class="found-box" style="left:25.00%;top:50.00%;width:50.00%;height:50.00%"') == 1
    assert "region=0.2500%2C0.5000%2C0.7500%2C1.0000" in html


def test_a_link_to_a_work_includes_its_detail_even_if_it_is_no_match(context: Context) -> None:
    shown = find(context, form()).matches[0].id
    assert '<div class="opened"' not in page_of(context, ParsedLink(form(), opened=shown))
    html = page_of(context, ParsedLink(form(), opened="39.jpg" if shown != "39.jpg" else "38.jpg"))
    assert html.count('<div class="opened" hidden data-work="3') == 1
