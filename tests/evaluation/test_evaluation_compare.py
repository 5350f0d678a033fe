from __future__ import annotations

from importlib.util import find_spec

import pytest
from synthetic import make_collection

from artsim.collection import Collection
from artsim.errors import QueryError
from artsim.evaluation import METRICS, Setting, Task, bootstrap_intervals, compare, evaluate

pytestmark = [
    pytest.mark.slow,  # ranx compiles its tests of significance
    pytest.mark.skipif(find_spec("ranx") is None, reason="ranx is not installed (requirements-dev.txt)"),
]

TASK = Task("artist")


def test_a_clear_difference_is_significant_and_its_interval_draws_whole_artists(collection: Collection) -> None:
    subject = evaluate(collection, TASK, Setting(aspects={"subject": 1}))
    color = evaluate(collection, TASK, Setting(aspects={"color": 1}))
    of_map = compare(subject, color).metrics["map"]
    assert of_map.difference == pytest.approx(of_map.first - of_map.second)
    assert of_map.difference > 0.1
    assert of_map.fisher_p < 0.01
    assert of_map.student_p < 0.01
    assert of_map.better + of_map.equal + of_map.worse == len(subject)
    assert of_map.better > of_map.worse
    expected = bootstrap_intervals(subject.values - color.values, clusters=subject.clusters)
    assert of_map.clustered_interval == pytest.approx(expected[METRICS.index("map")])


def test_a_setting_does_not_differ_from_itself_and_works_are_paired_by_id_in_any_order(collection: Collection) -> None:
    for other in (collection, make_collection(order="shuffled")):
        comparison = compare(evaluate(collection, TASK), evaluate(other, TASK))
        assert (comparison.queries, comparison.left_out) == (44, 0)
        for item in comparison.metrics.values():
            assert (item.difference, item.fisher_p, item.student_p) == pytest.approx((0, 1, 1))
            assert item.equal == 44


def test_queries_that_only_one_has_are_left_out_and_counted(collection: Collection) -> None:
    comparison = compare(evaluate(collection, TASK), evaluate(make_collection(artists=8), TASK))
    assert (comparison.queries, comparison.left_out) == (39, 5)


def test_collections_without_a_common_work_cannot_be_compared(collection: Collection) -> None:
    first = evaluate(collection, Task("artist", where={"style": "Cubism"}))
    second = evaluate(collection, Task("artist", where={"style": "Baroque"}))
    with pytest.raises(QueryError, match="no query in common"):
        compare(first, second)
