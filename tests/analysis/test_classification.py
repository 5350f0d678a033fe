from __future__ import annotations

import pytest
from PIL import Image
from synthetic import make_collection

from artsim.analysis.classification import _labelled, reliability
from artsim.collection import Collection
from artsim.errors import QueryError


@pytest.fixture
def labelled() -> Collection:
    return make_collection(artists=9, works=5, scatter=0.4)


def test_styles_are_told_with_the_works_of_an_artist_left_out(labelled: Collection) -> None:
    by_style, by_artist = reliability(labelled, "style"), reliability(labelled, "artist")
    assert (by_style.works, by_style.groups) == (44, 9)
    assert (by_artist.works, by_artist.groups) == (44, 44)


def test_a_changed_label_counts_at_once(labelled: Collection) -> None:
    before = _labelled(labelled.state, "style")
    assert _labelled(labelled.state, "style") is before
    labelled.edit(labelled.ids[0], {"style": "Pointillism"})
    assert "Pointillism" in _labelled(labelled.state, "style").names


def test_the_styles_of_one_artist_say_nothing_of_another_s(labelled: Collection) -> None:
    for identity in labelled.ids:
        labelled.edit(identity, {"artist": "Ada"})
    with pytest.raises(QueryError, match="all works with a label are by one artist"):
        reliability(labelled, "style")


@pytest.mark.parametrize(
    ("by", "reason"), [("mood", "no column"), ("nothing", "0 labels"), ("title", "at least 2"), ("id", "at least 2")]
)
def test_what_is_no_label_is_refused(labelled: Collection, by: str, reason: str) -> None:
    few = make_collection(artists=3, works=2)
    with pytest.raises(QueryError, match=reason):
        few.classify(Image.new("RGB", (40, 30)), by)
