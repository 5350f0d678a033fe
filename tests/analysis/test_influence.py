"""Influence: earlier works that a work resembles, later works that resemble it, and the timeline of both."""

import math
from pathlib import Path
from typing import Any

import pytest

from artsim import open_collection
from artsim.analysis.influence import Influence
from artsim.errors import QueryError
from artsim.ui.pages.timeline_layout import HEIGHT, WIDTH, lay_out


@pytest.fixture(scope="module")
def middle(collection: Any) -> dict[str, Any]:
    """A work with about as many works before it as after it."""
    works = [collection.work(identity) for identity in collection.ids]
    dated = sorted((work for work in works if work["year"] is not None), key=lambda work: work["year"])
    return dated[len(dated) // 2]


def test_earlier_and_later_works_come_most_similar_first(collection: Any, middle: dict[str, Any]) -> None:
    years = [collection.work(identity)["year"] for identity in collection.ids]
    for direction, wanted in (
        ("earlier", sum(year is not None and year < middle["year"] for year in years)),
        ("later", sum(year is not None and year > middle["year"] for year in years)),
    ):
        found = collection.influence(middle["id"], direction=direction, k=5)
        assert found.undated == 2
        assert len(found.matches) == 5
        assert len(found.matches) + len(found.others) == wanted > 5
        scores = [item.match.score for item in (*found.matches, *found.others)]
        assert scores == sorted(scores, reverse=True)
        for item in (*found.matches, *found.others):
            assert item.year == item.match.work["year"]
            assert item.gap == abs(item.year - middle["year"]) > 0
            assert (item.year < middle["year"]) == (direction == "earlier")
            assert item.decayed is None


def test_likeness_counts_half_for_every_half_life_between_two_works(collection: Any, middle: dict[str, Any]) -> None:
    plain = collection.influence(middle["id"], k=1000, preset="subject")
    decayed = collection.influence(middle["id"], k=1000, preset="subject", decay=10)
    for item in decayed.matches:
        likeness = max(0.0, item.match.aspects["subject"])
        assert item.decayed == pytest.approx(likeness * 0.5 ** (item.gap / 10))
    order = [item.decayed for item in decayed.matches]
    assert order == sorted(order, reverse=True)
    assert {item.match.id for item in plain.matches} == {item.match.id for item in decayed.matches}
    assert decayed.matches[0].gap <= plain.matches[0].gap


def test_filters_and_other_are_respected(collection: Any, middle: dict[str, Any]) -> None:
    everything = collection.influence(middle["id"], k=1000)
    year = everything.matches[0].year
    found = collection.influence(middle["id"], k=1000, where={"year": (None, year)})
    assert max(item.year for item in found.matches) == year
    assert found.undated == 0, "a work without a year does not meet a filter by year"
    others = collection.influence(middle["id"], k=1000, other=["artist"])
    assert middle["artist"] not in {item.match.work["artist"] for item in others.matches}


def test_a_picture_from_outside_and_a_work_without_a_year_need_one(collection: Any, painting: bytes) -> None:
    found = collection.influence(image=painting, year=1700, direction="later", k=4)
    assert found.work is None
    assert min(item.year for item in found.matches) > 1700
    with pytest.raises(QueryError, match="give year="):
        collection.influence(image=painting)
    with pytest.raises(QueryError, match=r"The work '03\.jpg' has no year; give year="):
        collection.influence("03.jpg")
    found = collection.influence("03.jpg", year=1850)
    assert (found.year, found.undated) == (1850, 1)  # the other one


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"direction": "sideways"}, "choose earlier or later"),
        ({"decay": 0}, "half-life in years, more than 0"),
        ({"decay": math.nan}, "half-life in years, more than 0"),
        ({"year": "1642"}, "year must be a number"),
        ({"year": -5000}, r"No candidate is earlier than -5000 \(2 have no year\)"),
        ({"image": b"x"}, "Give exactly one query"),
    ],
)
def test_invalid_arguments_are_refused(collection: Any, middle: dict[str, Any], options: Any, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        collection.influence(middle["id"], **options)


def test_the_timeline_puts_years_from_left_to_right_likeness_upwards_and_no_thumbnail_on_another(
    collection: Any, middle: dict[str, Any]
) -> None:
    found = collection.influence(middle["id"], k=18)
    layout = lay_out(found, lambda identity: collection.image(identity).size)
    placed = layout.matches
    by_year = sorted(placed, key=lambda item: item.item.year)
    assert [item.dot[0] for item in by_year] == sorted(item.dot[0] for item in placed)
    by_likeness = sorted(placed, key=lambda item: item.item.match.score)
    assert [item.dot[1] for item in by_likeness] == sorted((item.dot[1] for item in placed), reverse=True)
    assert max(item.dot[0] for item in placed) < layout.own_x
    assert layout.own is not None
    boxes = [layout.own, *(each.box for each in placed if each.box)]
    assert len(boxes) > 10
    for number, (left, top, right, bottom) in enumerate(boxes):
        assert 0 <= left < right <= WIDTH
        assert 0 <= top < bottom <= HEIGHT
        for other in boxes[:number]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_years_before_christ_are_found(copy: Path, painting: bytes) -> None:
    collection = open_collection(copy)
    collection.add([{"image": painting, "id": "old", "title": "Old", "year": -300}])
    found: Influence = collection.influence(image=painting, year=-290)
    assert [item.match.id for item in found.matches] == ["old"]
