"""Facets: the filters of a collection come from its own columns, with the number of works that each choice would leave."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from artsim.snapshot.facets import Facet, choose_facets, count_choices
from artsim.snapshot.filters import allowed_rows
from artsim.snapshot.state import State


def state_of(**columns: Any) -> State:
    return State(pa.table(columns), (), {}, lambda row: b"")


def facets_of(**columns: Any) -> dict[str, Facet]:
    return {facet.column: facet for facet in choose_facets(state_of(**columns))}


def test_repeated_text_lists_and_numbers_can_be_filtered_by() -> None:
    facets = facets_of(
        id=list("abcdef"),
        medium=["Oil", "Oil", "Ink", "Ink", None, ""],
        tags=[["Men"], ["Men", "Dogs"], [], ["Dogs"], ["Men"], ["Dogs"]],
        year=[1500, 1600, None, 1700, 1800, 1650],
    )
    assert list(facets) == ["medium", "tags", "year"]
    assert facets["medium"].values == (("Ink", 2), ("Oil", 2))
    assert facets["tags"].values == (("Dogs", 3), ("Men", 3))
    assert (facets["year"].low, facets["year"].high) == (1500, 1800)


def test_unique_and_constant_values_prose_and_links_are_no_filters() -> None:
    text = "A long description of a picture, which two works happen to share word for word. " * 2
    useless = {"scan": ["1", "2", "3", "4"], "owner": ["Met"] * 4, "width": [9, 9, 9, 9]}
    assert facets_of(id=list("abcd"), **useless, note=[text, text, "b" * 99, "b" * 99], url=["x", "x", "y", "y"]) == {}


def test_of_two_equivalent_columns_the_better_known_one_is_kept() -> None:
    facets = facets_of(
        id=list("abcdef"),
        artist_bio=["Dutch, 1606-1669", "Dutch, 1606-1669", "French", "French", "Greek", "Greek"],
        artist=["Rembrandt", "Rembrandt", "Corot", "Corot", "El Greco", "El Greco"],
        place=["Rome", "Paris", "Rome", "Paris", "Rome", "Paris"],
    )
    assert list(facets) == ["artist", "place"]


def test_the_best_known_columns_come_first_and_ranges_last(collection: Any) -> None:
    columns = [facet.column for facet in choose_facets(collection.state)]
    assert columns[-1] == "year"
    assert columns.index("medium") < columns.index("tags")


def test_one_wild_number_is_outside_and_numbers_that_end_in_id_are_numbers() -> None:
    years = [1503, 153505, 1946, -3000, 1890, 1700]
    state = state_of(
        id=list("abcdef"), year=years, paid=[100, 250, 300, 120, 80, 90], object_id=range(6), grid=[1, 2, 1, 2, 3, 1]
    )
    facets = choose_facets(state)
    assert {facet.column: (facet.low, facet.high) for facet in facets} == {
        "year": (1503, 1946), "paid": (80, 300)
    }  # fmt: skip
    choices = count_choices(state, facets, {})["year"]
    assert [(choice.value, choice.count) for choice in (choices[0], choices[-1])] == [
        ((None, 1499), 1),
        ((1950, None), 1),
    ]
    others = {f"{name}_year": [1, 2, 3] for name in ("birth", "death", "loan")}
    assert next(iter(facets_of(id=list("abc"), **others, year=[1, 2, 3]))) == "year"
    many = [*range(1000, 1060)]
    assert [*facets_of(id=[str(number) for number in many], key=many, year=many)] == ["year"]


STATE = state_of(
    id=list("abcdefgh"),
    artist=["Rembrandt"] * 3 + ["Vermeer"] * 2 + ["Hals"] * 3,
    tags=[["Men"], ["Men", "Dogs"], ["Dogs"], ["Women"], ["Women", "Men"], [], ["Men"], ["Dogs"]],
    year=pa.array([1631, 1642, 1661, 1658, 1665, 1624, None, 1666], pa.int32()),
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


def test_whole_numbers_that_no_float_holds_are_a_range_too() -> None:
    state = state_of(
        id=list("abcd"), size=[2**63 - 1, 2**63 - 1, 2**62, 5], year_from=[2**63 - 1] * 4, year_to=[2**62] * 4
    )
    facets = choose_facets(state)
    assert count_choices(state, facets, {})
