from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from artsim.errors import QueryError
from artsim.evaluation.labels import check_labels
from artsim.snapshot.labels import read_labels

TABLE = pa.table(
    {
        "artist": ["Monet", " Monet ", "Unknown", None, "", "Degas", "anonymous"],
        "tags": [["sea", "boat"], ["boat"], ["sky"], [], None, ["sea"], ["sky", "Unknown"]],
        "year": [1870.0, 1870.0, float("nan"), None, 1871.0, 1872.0, 1873.0],
        "place": [{"city": "Paris"}] * 7,
    }
)


def test_empty_and_unknown_values_are_no_label_unless_read_literally() -> None:
    labels = read_labels(TABLE, "artist")
    assert labels.present.tolist() == [True, True, False, False, False, True, False]
    assert labels.sharing(0).tolist() == labels.sharing(1).tolist() == [0, 1]
    assert read_labels(TABLE, "artist", literal=True).sharing(2).tolist() == [2]
    assert read_labels(TABLE, "year").present.tolist() == [True, True, False, False, True, True, True]


def test_one_shared_item_of_a_list_is_enough() -> None:
    labels = read_labels(TABLE, "tags")
    assert labels.sharing(0).tolist() == [0, 1, 5]
    assert labels.sharing(3).tolist() == labels.sharing(4).tolist() == []


def test_groups_hold_works_with_the_same_values_and_the_others_are_alone() -> None:
    groups = read_labels(TABLE, "artist").groups()
    assert groups[0] == groups[1]
    assert len(set(groups.tolist())) == 6
    with pytest.raises(QueryError, match="cannot be a label"):
        read_labels(TABLE, "place")


def test_labels_are_checked_among_the_candidates_only() -> None:
    labels = read_labels(pa.table({"label": list("aabbcdd")}), "label")
    check_labels(labels, np.ones(7, bool))
    with pytest.raises(QueryError, match="No two works share"):
        check_labels(labels, np.array([1, 0, 1, 0, 1, 1, 0], bool))
