"""Facet counts: the number of works after adding a choice to all other filters."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from artsim.snapshot.facets import choose_facets, count_choices
from artsim.snapshot.filters import allowed_rows
from artsim.snapshot.state import State

STATE = State(
    pa.table(
        {
            "id": list("abcdefgh"),
            "artist": ["Rembrandt"] * 3 + ["Vermeer"] * 2 + ["Hals"] * 3,
            "tags": [["Men"], ["Men", "Dogs"], ["Dogs"], ["Women"], ["Women", "Men"], [], ["Men"], ["Dogs"]],
            "year": pa.array([1631, 1642, 1661, 1658, 1665, 1624, None, 1666], pa.int32()),
        }
    ),
    (),
    {},
    lambda row: b"",
)
FACETS = choose_facets(STATE)


def counts(column: str, **where: Any) -> dict[Any, int]:
    return {choice.value: choice.count for choice in count_choices(STATE, FACETS, where)[column]}


def test_without_filters_values_are_counted_most_frequent_first() -> None:
    assert list(counts("artist").items()) == [("Hals", 3), ("Rembrandt", 3), ("Vermeer", 2)]
    assert counts("tags") == {"Men": 4, "Dogs": 3, "Women": 2}


def test_a_chosen_value_without_works_stays_listed() -> None:
    assert counts("tags", artist=["Rembrandt"], tags=["Women"])["Women"] == 0


def test_a_range_has_round_intervals_that_cover_every_dated_work() -> None:
    intervals = counts("year")
    assert sum(intervals.values()) == 7
    assert list(intervals) == sorted(intervals)
    assert all(low % 5 == 0 and high - low == 4 for low, high in intervals)


@pytest.mark.parametrize(
    "where",
    [{}, {"artist": ["Hals"]}, {"tags": ["Dogs"], "year": (1650, 1700)}, {"tags": ["Men"], "year": (1640, 1670)}],
)
def test_every_count_equals_the_works_that_the_choice_leaves(where: dict[str, Any]) -> None:
    for column, choices in count_choices(STATE, FACETS, where).items():
        assert any(choice.count for choice in choices)
        for choice in choices:
            condition = choice.value if isinstance(choice.value, tuple) else [choice.value]
            mask = allowed_rows(STATE.table, {**where, column: condition})
            assert choice.count == int(np.sum(mask)), (column, choice)
