"""`where` filters: exactly the works that meet every condition, for every type of column."""

import datetime
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from datasets import Value

from artsim.errors import QueryError
from artsim.snapshot.filters import allowed_rows, as_plain, distinct_values, groups_of, numbered_groups
from artsim.snapshot.state import metadata_table
from artsim.snapshot.years import dated_features


@pytest.fixture(params=["one chunk", "many chunks"])
def table(request: pytest.FixtureRequest) -> pa.Table:
    """Six works; in several chunks, as after works were added."""
    whole = pa.table(
        {
            "id": ["a", "b", "c", "d", "e", "f"],
            "artist": ["Monet", "Manet", None, "Monet", "", "Vermeer"],
            "year": pa.array([1890, 1863, None, 1906, 1650, -300], pa.int32()),
            "height": [1.5, None, 2.0, 3.0, 0.5, 2.5],
            "tags": [["sea", "ship"], ["sea"], None, [], ["ship"], ["woman", "letter", "ship"]],
            "lent": [True, False, None, False, True, False],
            "bought": [datetime.date(1900, 1, day) if day != 3 else None for day in range(1, 7)],
            "nothing": pa.array([None] * 6, pa.string()),
        }
    )
    if request.param == "one chunk":
        return whole
    return pa.concat_tables([whole.slice(0, 2), whole.slice(2, 1), whole.slice(3)])


@pytest.mark.parametrize(
    ("where", "works"),
    [
        # equal to the value, or to one of several; a number also in its text form
        ({"artist": "Monet"}, "ad"),
        ({"lent": True}, "ae"),
        ({"year": "1890"}, "a"),
        ({"year": 1890.0}, "a"),
        ({"artist": "1890"}, ""),
        ({"artist": ["Monet", "Vermeer", "Nobody"]}, "adf"),
        ({"artist": {"Manet"}}, "b"),
        # within a range, both ends included, or open at one end or at both
        ({"year": (1863, 1890)}, "ab"),
        ({"height": (1.5, 2.5)}, "acf"),
        ({"year": (1863, None)}, "abd"),
        ({"year": (None, 1863)}, "bef"),
        ({"year": (None, None)}, "abdef"),
        ({"artist": ("M", "Mb")}, "b"),
        ({"bought": (datetime.date(1900, 1, 4), None)}, "def"),
        # one item of a list is enough; all conditions must hold
        ({"tags": "ship"}, "aef"),
        ({"tags": ["sea", "letter"]}, "abf"),
        ({"tags": "ship", "year": (1800, None)}, "a"),
        # a work without a value meets no condition
        ({"artist": ["Monet", None]}, "ad"),
        ({"tags": [None, "sea"]}, "ab"),
        ({"nothing": "x"}, ""),
        ({"nothing": ("a", "z")}, ""),
    ],
    ids=str,
)
def test_a_filter_allows_exactly_the_works_that_meet_it(where: Any, works: str, table: pa.Table) -> None:
    mask = allowed_rows(table, where)
    assert mask is not None
    assert mask.dtype == bool
    assert "".join(np.array(table.column("id").to_pylist())[mask]) == works


def test_no_conditions_are_no_filter(table: pa.Table) -> None:
    for where in (None, {}, {"artist": None}, {"artist": []}, {"artist": set()}, {"year": None, "tags": frozenset()}):
        assert allowed_rows(table, where) is None


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ({"painter": "Monet"}, r"no column 'painter' to filter by; there are id, artist, year"),
        ({"year": "long ago"}, r"The filter year='long ago' does not fit that column, which holds numbers"),
        ({"year": 1890.5}, "does not fit"),
        ({"year": ["x", 1]}, "does not fit"),
        ({"year": 10**30}, "does not fit"),
        ({"year": ("early", 1900)}, "does not fit"),
        ({"artist": (1, 2)}, "does not fit that column, which holds text"),
        ({"artist": {"name": "Monet"}}, "does not fit"),
        ({"tags": (1, 2)}, "does not fit"),
        ({"year": (1900, 1800)}, r"The range for year is empty: 1900 is more than 1800"),
        ({"year": (1900,)}, r"must be \(low, high\); it has 1 values"),
    ],
    ids=str,
)
def test_impossible_conditions_raise_a_one_line_error(where: Any, reason: str, table: pa.Table) -> None:
    with pytest.raises(QueryError, match=reason) as error:
        allowed_rows(table, where)
    assert "\n" not in str(error.value)


def test_distinct_values_are_counted_most_frequent_first(table: pa.Table) -> None:
    assert distinct_values(table, "artist") == [("Monet", 2), ("Manet", 1), ("Vermeer", 1)]
    assert distinct_values(table, "tags") == [("ship", 3), ("sea", 2), ("letter", 1), ("woman", 1)]
    assert distinct_values(table, "nothing") == []


def test_groups_are_values_first_items_and_centuries(table: pa.Table) -> None:
    everything = np.arange(len(table))
    assert groups_of(table, "artist", everything) == ["Monet", "Manet", None, "Monet", None, "Vermeer"]
    assert groups_of(table, "tags", everything) == ["sea", "sea", None, None, "ship", "woman"]
    assert groups_of(table, "century", everything) == [1800, 1800, None, 1900, 1600, -300]
    assert groups_of(table, "tags", np.array([5, 2, 0])) == ["woman", None, "sea"]
    with pytest.raises(QueryError, match="no column 'painter' to group by"):
        groups_of(table, "painter", everything)


def test_rows_of_one_group_have_one_number(table: pa.Table) -> None:
    for by in ("artist", "tags", "century"):
        numbers, values = numbered_groups(table, by)
        named = [values[number] if number >= 0 else None for number in numbers]
        assert named == groups_of(table, by, np.arange(len(table)))
        assert sorted(set(numbers[numbers >= 0])) == list(range(len(values)))


DATED = pa.table(
    {
        "id": list("abcdef"),
        "year": ["c. 1503–1506", "published 1893", "17th century", "unknown", None, "1893"],
        "medium": ["Oil on canvas", "oil on canvas", "oil on canvas", "Ink", "", None],
    }
)


@pytest.mark.parametrize(
    ("where", "works"),
    [
        ({"year": (1506, 1600)}, "ac"),  # any year in common is enough
        ({"year": (None, 1502)}, ""),
        ({"year": (1650, None)}, "bcf"),
        ({"year": (1642.5, 1642.5)}, "c"),
        ({"year": 1505}, "a"),
        ({"year": [1650, 1893, None]}, "bcf"),
        ({"year": "1893"}, "f"),  # a text is the text of the column
        ({"medium": "OIL ON CANVAS"}, "abc"),
        ({"medium": ["Oil on canvas", "Ink"]}, "abcd"),
        ({"id": "A"}, ""),  # a column that is no facet
    ],
    ids=str,
)
def test_years_are_compared_however_they_are_written_and_texts_in_any_capitals(where: Any, works: str) -> None:
    for table in (
        DATED,
        metadata_table(DATED.to_pylist(), dated_features(dict.fromkeys(DATED.column_names, Value("string")))),
    ):
        mask = allowed_rows(table, where)
        assert mask is not None
        assert "".join(np.array(table.column("id").to_pylist())[mask]) == works


def test_values_that_differ_by_capitals_are_one_in_the_most_common_spelling() -> None:
    assert distinct_values(DATED, "medium") == [("oil on canvas", 3), ("Ink", 1)]
    assert groups_of(DATED, "medium", np.arange(4)) == ["oil on canvas"] * 3 + ["Ink"]
    assert groups_of(DATED, "century", np.arange(6)) == [1500, 1800, 1600, None, None, 1800]


def test_values_are_converted_to_json_types() -> None:
    work = {
        "bought": datetime.date(1900, 1, 2),
        "tags": ("a", "b"),
        "size": {"w": 1.5, "h": math.nan},
        "opens": datetime.time(12),
    }
    expected = {"bought": "1900-01-02", "tags": ["a", "b"], "size": {"w": 1.5, "h": None}, "opens": "12:00:00"}
    assert as_plain(work) == expected
