"""Filters as expressions: Milvus finds the works that the table's own filter finds, whatever is written in them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from milvus_lite_files import lite_file

from artsim.errors import QueryError
from artsim.index.milvus_collection import MOST_BYTES, Entities, MilvusCollection
from artsim.index.milvus_server import MilvusServer
from artsim.snapshot.filters import allowed_rows
from artsim.snapshot.scalar_fields import columns_of_fields, filter_expression, scalar_fields, scalar_values

TEXTS = [
    None, "", "plain", "Plain", "PLAIN", 'say "no"', "it's", "back\\slash", "\\", '\\"', '"] or true or c_artist in ["',
    "50 %", "_", "line\nbreak", "tab\there", "cr\rhere", "{x}", "null", "Straße", "STRASSE", "İstanbul", "鳥獣戯画", "🖼️",
    "e\u0301", "é", "\x00", "\x7f", "\u2028", " ", "in",
]  # fmt: skip
NUMBERS = [None, 0, -1, 1, 1500, 1642, -44, 2**53 + 1, 2**63 - 1, -(2**63)]
REALS = [None, 0.0, -1.5, 1e-7, 1e22, float("nan"), 0.1, 3.0]


def table() -> pa.Table:
    rng = np.random.default_rng(0)

    def some(values: list[Any]) -> list[Any]:
        return [*values, *(values[i] for i in rng.integers(0, len(values), 60 - len(values)))]

    def lists(values: list[Any]) -> list[Any]:
        each = [[values[i] for i in rng.integers(0, len(values), count)] for count in rng.integers(0, 4, 58)]
        return [None, values, *each]

    return pa.table(
        {
            "id": [f"w{i}" for i in range(60)],
            "artist": some(TEXTS),
            "Künstler (alt)": some(TEXTS[::-1]),
            "height": pa.array(some(NUMBERS), pa.int64()),
            "weight": pa.array(some(REALS), pa.float64()),
            "narrow": pa.array(some([None, 0.1, -2.5, 1e10]), pa.float32()),
            "shown": pa.array(some([None, True, False])),
            "tags": pa.array(lists(TEXTS), pa.list_(pa.string())),
            "sizes": pa.array(lists([1, 2, None]), pa.list_(pa.int64())),
            "year": pa.array(some([None, 1500, 1642]), pa.int64()),
            "year_from": pa.array(some([None, 1490, 1642, -44, 1900]), pa.int64()),
            "year_to": pa.array(some([None, 1510, 1650, -40, 1950]), pa.int64()),
        }
    )


TABLE = table()
COLUMNS = columns_of_fields(TABLE)


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusCollection]:
    """The table in Milvus; its vectors do not matter."""
    with lite_file(tmp_path_factory.mktemp("fields") / "fields.db") as path:
        made = MilvusCollection(MilvusServer(path), "fields", 2)
        made.create(list(scalar_fields(TABLE).values()), len(TABLE))
        rows = np.arange(len(TABLE))
        made.write(Entities(rows, np.ones((len(TABLE), 2), np.float32), scalar_values(TABLE, COLUMNS, rows)))
        yield made


def conditions(values: list[Any], others: st.SearchStrategy[Any], *, ranges: bool = True) -> st.SearchStrategy[Any]:
    known = [value for value in values if value is not None and value == value]
    one = st.sampled_from(known) | others
    bounds = st.tuples(st.none() | one, st.none() | one).filter(lambda ends: None in ends or ends[0] <= ends[1])
    return one | st.lists(one, max_size=4) | (bounds if ranges else one) | st.none()


TEXT = st.text(max_size=8)
WHOLE = st.integers(-(2**63), 2**63 - 1)
YEARS = st.integers(-100, 2000)
WHERE = st.fixed_dictionaries(
    {},
    optional={
        "artist": conditions(TEXTS, TEXT),
        "Künstler (alt)": conditions(TEXTS, TEXT),
        "height": conditions(NUMBERS, WHOLE),
        "weight": conditions(REALS, st.floats(-1e6, 1e6)),
        "narrow": conditions([0.1, -2.5, 1e10], st.floats(-1e6, 1e6, width=32)),
        "shown": st.booleans() | st.lists(st.booleans(), max_size=2),
        "tags": conditions(TEXTS, TEXT, ranges=False),
        "sizes": conditions([1, 2], st.integers(0, 3), ranges=False),
        "year": conditions([1490, 1642, -44, 1900], YEARS)
        | st.lists(st.tuples(YEARS, YEARS.map(lambda y: y + 100)), max_size=2),
    },
)


@pytest.mark.slow
@given(WHERE)
@example({"artist": list(filter(None, TEXTS))})
@example({"artist": '"] or true or c_artist in ["'})
@example({"tags": list(filter(None, TEXTS))})
@example({"height": (-(2**63), 2**63 - 1)})
@example({"year": (1500, 1400 + 100)})
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_milvus_finds_what_the_filter_of_the_table_finds(remote: MilvusCollection, where: dict[str, Any]) -> None:
    try:
        allowed = allowed_rows(TABLE, where)
    except QueryError:  # such as a number that the column cannot hold
        return
    expression = filter_expression(TABLE, where, COLUMNS)
    found = set(remote.nearest(np.ones((1, 2), np.float32), 1_000, expression)[0][0].tolist())
    expected = set(range(len(TABLE))) if allowed is None else set(np.flatnonzero(allowed).tolist())
    assert found >= expected, (where, expression)
    if stated(where):
        assert found == expected, (where, expression)


def stated(where: dict[str, Any]) -> bool:
    """Whether an expression can state it: bounds of whole numbers only where they are exact in floating point, too."""
    for column, condition in where.items():
        options = condition if isinstance(condition, list) else [condition]
        bounds = [bound for option in options if isinstance(option, tuple) for bound in option if bound is not None]
        if any(isinstance(bound, int) and abs(bound) > 2**53 for bound in bounds):
            return False
        if column in ("weight", "narrow") and condition == (None, None):
            return False
        if column == "height" and -(2**63) in options:
            return False
        if column in ("tags", "sizes") and options and not known(column, options):
            return False
    return True


def known(column: str, options: list[Any]) -> bool:
    mask = allowed_rows(TABLE, {column: options})
    return mask is None or bool(mask.any())


def test_nothing_but_what_is_filtered_by_is_kept_and_no_value_that_milvus_cannot_hold() -> None:
    odd = pa.table(
        {
            "id": ["a", "b"],
            "title": ["x", "y"],
            "prose": ["x" * (MOST_BYTES + 1), "y"],
            "endless": [float("inf"), 1.0],
            "huge": pa.array([2**64 - 1, 1], pa.uint64()),
            "many": [["x"] * 5_000, []],
            "nested": [{"a": 1}, {"a": 2}],
            "style": ["Baroque", None],
        }
    )
    assert columns_of_fields(odd) == {"c_style": "style"}
    assert (
        filter_expression(odd, {"prose": "y", "style": "baroque"}, columns_of_fields(odd)) == 'c_style in ["Baroque"]'
    )


def test_columns_whose_names_look_alike_have_fields_of_their_own() -> None:
    alike = pa.table({"a b": ["1"], "a-b": ["2"], "in": ["3"]})
    fields = columns_of_fields(alike)
    assert sorted(fields.values()) == ["a b", "a-b", "in"]
    assert len(scalar_fields(alike)) == 3


def test_a_condition_that_does_not_fit_its_column_is_refused_as_the_filter_refuses_it() -> None:
    for where in ({"height": "tall"}, {"height": ("a", 3)}, {"artist": (3, "a")}, {"height": (5, 3)}):
        with pytest.raises(QueryError):
            allowed_rows(TABLE, where)
        with pytest.raises(QueryError):
            filter_expression(TABLE, where, COLUMNS)
