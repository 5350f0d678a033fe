from __future__ import annotations

import numpy as np
import pytest
from synthetic import make_collection

from artsim.collection import Collection
from artsim.errors import QueryError
from artsim.evaluation import Setting, Task, by_class, evaluate, evaluate_settings, macro_means


def searched_relevance(collection: Collection, query: str, label: str, disjoint: str | None) -> list[bool] | None:
    """Relevance of the answers of a plain search, best first, by definition; None for a work that is no query."""
    query_work = collection.work(query)
    if query_work[label] in (None, "Unknown"):
        return None
    labels = {collection.work(identity)[label] for identity in collection.ids} - {None, "Unknown"}
    other = (disjoint,) if disjoint else ()
    matches = collection.search(work=query, k=len(collection), where={label: labels}, other=other)
    right = [match.work[label] == query_work[label] for match in matches]
    return right if any(right) else None


def average_precision(right: list[bool]) -> float:
    precisions = [sum(right[: rank + 1]) / (rank + 1) for rank, is_right in enumerate(right) if is_right]
    return sum(precisions) / len(precisions)


@pytest.mark.parametrize(("label", "disjoint"), [("artist", None), ("style", None), ("style", "artist")])
def test_the_metrics_match_a_search_per_work(collection: Collection, label: str, disjoint: str | None) -> None:
    expected = {identity: searched_relevance(collection, identity, label, disjoint) for identity in collection.ids}
    rankings = {identity: right for identity, right in expected.items() if right is not None}
    evaluation = evaluate(collection, Task(label, disjoint))
    assert evaluation.ids == tuple(rankings)
    assert (evaluation.without_label, evaluation.candidates) == (1, len(collection) - 1)
    means = evaluation.means()
    assert means["map"] == pytest.approx(np.mean([average_precision(right) for right in rankings.values()]))
    assert means["precision@1"] == pytest.approx(np.mean([right[0] for right in rankings.values()]))
    assert means["precision@10"] == pytest.approx(np.mean([sum(right[:10]) / 10 for right in rankings.values()]))
    assert means["hit@10"] == pytest.approx(np.mean([any(right[:10]) for right in rankings.values()]))
    assert evaluation.chance == pytest.approx(np.mean([np.mean(right) for right in rankings.values()]))


def test_works_with_nothing_to_find_are_counted_but_are_no_queries_and_short_rankings_end_with_minus_1() -> None:
    collection = make_collection(artists=4, works=3)  # style 0 has two artists, styles 1 and 2 have one each
    evaluation = evaluate(collection, Task("style", "artist"))
    assert (len(evaluation), evaluation.without_relevant) == (5, 6)  # the last of the twelve has no style
    assert {label for (label,) in evaluation.labels} == {"Baroque"}
    assert (evaluation.top[0] >= 0).sum() == 8  # eleven with a style, three of them by the artist of the query
    artists = collection.state.table.column("artist").to_pylist()
    for row, answers in zip(evaluation.rows, evaluation.top, strict=True):
        assert artists[row] not in [artists[answer] for answer in answers if answer >= 0]


def test_filters_remove_works_from_queries_and_candidates(collection: Collection) -> None:
    evaluation = evaluate(collection, Task("artist", where={"style": "Cubism"}, max_queries=10))
    assert (evaluation.candidates, len(evaluation)) == (14, 10)
    assert {label for (label,) in evaluation.labels} == {"Artist 2", "Artist 5", "Artist 8"}


def test_figures_by_class_add_up_to_the_whole(collection: Collection) -> None:
    evaluation = evaluate(collection, Task("artist"))
    classes = by_class(evaluation)
    assert [item.queries for item in classes] == [5] * 8 + [4]
    total = sum(item.queries * item.means["map"] for item in classes)
    assert total / len(evaluation) == pytest.approx(evaluation.means()["map"])
    assert macro_means(classes)["map"] == pytest.approx(np.mean([item.means["map"] for item in classes]))


def test_every_setting_is_evaluated_once(collection: Collection) -> None:
    evaluations = evaluate_settings(collection, Task("artist"))
    assert next(iter(evaluations)) == "balanced"
    assert {"subject", "style", "color", "cosine"} <= set(evaluations)
    assert len({tuple(item.values.ravel()) for item in evaluations.values()}) == len(evaluations)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task("mood"), "no column 'mood'"),
        (Task("everything"), "one class only"),
        (Task("id"), "No two works share"),
        (Task("artist", "artist"), "shares its artist with a work of another artist"),
        (Task("artist", "mood"), "no column 'mood'"),
        (Task("artist", max_queries=0), "at least 1"),
        (Task("artist", where={"style": "Dada"}), "No work that is left has a label"),
    ],
)
def test_a_task_that_does_not_fit_the_collection_is_refused(collection: Collection, task: Task, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        evaluate(collection, task)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (Setting(encoder="other"), "no encoder 'other'"),
        (Setting(ranking="bm25"), "no ranking 'bm25'; choose among tuned"),  # type: ignore[arg-type]
        (Setting(encoder="fusion", fusion="sum"), "no fusion 'sum'"),  # type: ignore[arg-type]
        (Setting(aspects={"mood": 1}), "no aspect mood"),  # type: ignore[dict-item]
    ],
)
def test_a_setting_that_does_not_fit_the_collection_is_refused(
    collection: Collection, setting: Setting, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        evaluate(collection, Task("artist"), setting)
