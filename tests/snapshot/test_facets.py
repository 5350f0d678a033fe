"""Facets: the filters of a collection come from its own columns."""

from typing import Any

import pyarrow as pa

from artsim.snapshot.facets import Facet, choose_facets
from artsim.snapshot.state import State


def facets_of(**columns: Any) -> dict[str, Facet]:
    return {facet.column: facet for facet in choose_facets(State(pa.table(columns), (), {}, lambda row: b""))}


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
