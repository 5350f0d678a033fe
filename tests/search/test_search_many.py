"""`search_many` finds for every query what `search` finds for it alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counting import Counting
from synthetic import make_collection

from artsim import Collection, open_collection
from artsim.errors import QueryError
from artsim.search import query_vectors

QUERIES = ["work-0-0", "work-3-2", "work-0-0", "work-50-6"]


@pytest.fixture(scope="module", params=[9, 60], ids=["kept whole", "compact"])
def works(request: pytest.FixtureRequest) -> Any:
    return make_collection(artists=request.param, works=7)


def assert_equal(found: Any, expected: Any) -> None:
    assert [match.id for match in found] == [match.id for match in expected]
    for match, same in zip(found, expected, strict=True):
        assert (match.rank, match.work, match.close) == (same.rank, same.work, same.close)
        assert match.score == pytest.approx(same.score, abs=0.01)  # steep where few works are compared with
        assert match.aspects == pytest.approx(same.aspects, abs=1e-5)
        assert match.aspect_percentiles == pytest.approx(same.aspect_percentiles, abs=0.1)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ranking": "tuned"},
        {"ranking": "cosine", "k": 3},
        {"preset": "same-work", "where": {"style": "Realism"}},
        {"aspects": {"color": 1.0}, "where": {"artist": "Artist 3"}, "k": 50},
    ],
    ids=str,
)
def test_works_find_what_each_finds_alone(works: Any, options: Any) -> None:
    queries = [query if query in works.ids else works.ids[-2] for query in QUERIES]
    found = works.search_many(works=queries, **options)
    assert len(found) == len(queries)
    for query, matches in zip(queries, found, strict=True):
        assert query not in [match.id for match in matches]
        assert_equal(matches, works.search(work=query, **{"ranking": "likeness", **options}))


def test_pictures_find_what_each_finds_alone(collection: Any) -> None:
    pictures = [collection.picture(identity) for identity in collection.ids[:3]]
    for picture, matches in zip(pictures, collection.search_many(images=pictures, k=4), strict=True):
        assert_equal(matches, collection.search(image=picture, ranking="likeness", k=4))


def test_no_picture_is_embedded_twice(saved: Path, clip: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even if there are more of them than are remembered."""
    monkeypatch.setattr(query_vectors, "_RECENT", 1)
    counting = Counting(clip)
    opened = open_collection(saved)
    collection = Collection(state=opened.state, manifest=opened.manifest, folder=None, encoders={clip.id: counting})
    collection.search_many(images=[collection.picture(identity) for identity in collection.ids[:3]])
    assert counting.seen == 3


def test_plain_vectors_are_compared_by_subject_alone(works: Any) -> None:
    rows = np.array([5, 40])
    vectors = works.state.spaces[0].plain(rows)
    for row, matches in zip(rows.tolist(), works.search_many(vectors=3 * vectors, k=6), strict=True):
        assert matches[0].row == row, "nothing is left out"
        assert matches[0].aspects.keys() == matches[0].aspect_percentiles.keys() == {"subject"}
        alone = works.search(work=works.ids[row], preset="subject", ranking="likeness", k=5)
        assert [match.id for match in matches[1:]] == [match.id for match in alone]
        assert [match.score for match in matches[1:]] == pytest.approx([match.score for match in alone], abs=0.01)


def test_what_cannot_be_answered_is_refused(works: Any) -> None:
    vectors = works.state.spaces[0].plain(np.arange(2))
    assert works.search_many(works=[]) == works.search_many(images=[]) == works.search_many(vectors=vectors[:0]) == []
    for arguments, message in (
        ({}, "exactly one"),
        ({"works": [works.ids[0]], "vectors": vectors}, "exactly one"),
        ({"works": ["nobody"]}, "no work 'nobody'"),
        ({"works": [works.ids[0]], "k": 0}, "k must be"),
        ({"vectors": vectors[:, :3]}, "rows of 24 numbers"),
        ({"vectors": np.full_like(vectors, np.nan)}, "rows of 24 numbers"),
        ({"vectors": vectors, "preset": "style"}, "by subject alone"),
        ({"vectors": vectors, "ranking": "best"}, "no ranking 'best'"),
        ({"works": [works.ids[0]], "where": {"colour": "red"}}, "no column 'colour'"),
    ):
        with pytest.raises(QueryError, match=message):
            works.search_many(**arguments)
