from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from artsim.errors import QueryError
from artsim.evaluation.labels import check_labels, read_labels

TABLE = pa.table(
    {
        "artist": ["Monet", " Monet ", "Unknown", None, "", "Degas", "anonymous"],
        "tags": [["sea", "boat"], ["boat"], ["sky"], [], None, ["sea"], ["sky", "Unknown"]],
        "year": [1870.0, 1870.0, float("nan"), None, 1871.0, 1872.0, 1873.0],
        "place": [{"city": "Paris"}] * 7,
    }
)
ALL = np.ones(7, bool)


def test_sharing_is_symmetric() -> None:
    labels = read_labels(TABLE, "artist")
    assert labels.sharing(0).tolist() == labels.sharing(1).tolist() == [0, 1]


def test_empty_and_unknown_values_are_no_label() -> None:
    assert read_labels(TABLE, "artist").present.tolist() == [True, True, False, False, False, True, False]
    assert read_labels(TABLE, "year").present.tolist() == [True, True, False, False, True, True, True]


def test_literal_reading_keeps_unknown_as_a_value() -> None:
    assert read_labels(TABLE, "artist", literal=True).sharing(2).tolist() == [2]


def test_one_shared_item_of_a_list_is_enough() -> None:
    labels = read_labels(TABLE, "tags")
    assert labels.sharing(0).tolist() == [0, 1, 5]
    assert labels.sharing(3).tolist() == labels.sharing(4).tolist() == []


def test_groups_hold_works_with_the_same_values_and_the_others_are_alone() -> None:
    groups = read_labels(TABLE, "artist").groups()
    assert groups[0] == groups[1]
    assert len(set(groups.tolist())) == 6


@pytest.mark.parametrize(
    ("column", "message"), [("century", "There is no column 'century'.*artist, tags"), ("place", "cannot be a label")]
)
def test_a_column_that_holds_no_labels_is_refused(column: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        read_labels(TABLE, column)


@pytest.mark.parametrize(
    ("values", "message"),
    [(["a"] * 7, "one class only"), (list("abcdefg"), "No two works share"), ([None] * 7, "No work that is left")],
)
def test_labels_that_make_all_answers_right_or_wrong_are_refused(values: list[str | None], message: str) -> None:
    labels = read_labels(pa.table({"label": pa.array(values, pa.string())}), "label")
    with pytest.raises(QueryError, match=message):
        check_labels(labels, ALL)


def test_labels_are_checked_among_the_candidates_only() -> None:
    labels = read_labels(pa.table({"label": list("aabbcdd")}), "label")
    check_labels(labels, ALL)
    with pytest.raises(QueryError, match="No two works share"):
        check_labels(labels, np.array([1, 0, 1, 0, 1, 1, 0], bool))
