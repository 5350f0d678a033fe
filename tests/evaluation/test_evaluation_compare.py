from __future__ import annotations

import pytest
from synthetic import make_collection

from artsim.collection import Collection
from artsim.errors import QueryError
from artsim.evaluation import METRICS, Setting, Task, bootstrap_intervals, compare, evaluate

pytest.importorskip("ranx", reason="ranx is not installed (requirements-dev.txt)")

TASK = Task("artist")


def test_a_clear_difference_is_significant(collection: Collection) -> None:
    subject = evaluate(collection, TASK, Setting(aspects={"subject": 1}))
    color = evaluate(collection, TASK, Setting(aspects={"color": 1}))
    of_map = {item.metric: item for item in compare(subject, color).differences}["map"]
    assert of_map.difference == pytest.approx(of_map.first - of_map.second)
    assert of_map.difference > 0.1
    assert of_map.interval[0] > 0
    assert of_map.fisher_p < 0.01
    assert of_map.student_p < 0.01
    assert of_map.better + of_map.equal + of_map.worse == len(subject)
    assert of_map.better > of_map.worse


def test_the_interval_of_the_difference_draws_whole_artists(collection: Collection) -> None:
    tuned, cosine = evaluate(collection, TASK), evaluate(collection, TASK, Setting(ranking="cosine"))
    expected = bootstrap_intervals(tuned.values - cosine.values, clusters=tuned.clusters)
    for item in compare(tuned, cosine).differences:
        assert item.interval == pytest.approx(tuple(expected[METRICS.index(item.metric)]))


def test_a_setting_does_not_differ_from_itself(collection: Collection) -> None:
    evaluation = evaluate(collection, TASK)
    for item in compare(evaluation, evaluation).differences:
        assert (item.difference, item.fisher_p, item.student_p) == (0, 1, 1)
        assert item.equal == len(evaluation)


def test_works_are_paired_by_id_in_any_order(collection: Collection) -> None:
    shuffled = evaluate(make_collection(order="shuffled"), TASK)
    comparison = compare(evaluate(collection, TASK), shuffled)
    assert (comparison.queries, comparison.left_out) == (44, 0)
    assert all(item.difference == pytest.approx(0) and item.worse == 0 for item in comparison.differences)


def test_queries_that_only_one_has_are_left_out_and_counted(collection: Collection) -> None:
    fewer = evaluate(make_collection(artists=8), TASK)
    comparison = compare(evaluate(collection, TASK), fewer)
    assert comparison.queries == 39
    assert comparison.left_out == 5


def test_collections_without_a_common_work_cannot_be_compared(collection: Collection) -> None:
    first = evaluate(collection, Task("artist", where={"style": "Cubism"}))
    second = evaluate(collection, Task("artist", where={"style": "Baroque"}))
    with pytest.raises(QueryError, match="no query in common"):
        compare(first, second)
