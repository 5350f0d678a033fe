from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic import make_collection

from artsim.collection import Collection
from artsim.errors import QueryError
from artsim.evaluation import Evaluation, Setting, Task, by_class, confusions, evaluate, evaluate_settings, macro_means


def searched_relevance(collection: Collection, query: str, label: str, disjoint: str | None) -> list[bool] | None:
    """Relevance of the answers of a plain search, best first, by definition; None for a work that is no query."""
    query_work = collection.work(query)
    if query_work[label] in (None, "Unknown"):
        return None
    labels = {collection.work(identity)[label] for identity in collection.ids} - {None, "Unknown"}
    other = (disjoint,) if disjoint else ()
    matches = collection.search(work=query, k=len(collection), where={label: labels}, other=other)
    answers = [match.work for match in matches]
    right = [work[label] == query_work[label] for work in answers]
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
    means = evaluation.means()
    assert means["map"] == pytest.approx(np.mean([average_precision(right) for right in rankings.values()]))
    assert means["precision@1"] == pytest.approx(np.mean([right[0] for right in rankings.values()]))
    assert means["precision@10"] == pytest.approx(np.mean([sum(right[:10]) / 10 for right in rankings.values()]))
    assert means["hit@10"] == pytest.approx(np.mean([any(right[:10]) for right in rankings.values()]))
    assert evaluation.chance == pytest.approx(np.mean([np.mean(right) for right in rankings.values()]))


def test_disjoint_artists_make_style_harder(collection: Collection) -> None:
    without_disjoint, with_disjoint = evaluate(collection, Task("style")), evaluate(collection, Task("style", "artist"))
    assert with_disjoint.means()["map"] < without_disjoint.means()["map"]
    artists = collection.state.table.column("artist").to_pylist()
    for row, answers in zip(with_disjoint.rows, with_disjoint.top, strict=True):
        assert artists[row] not in [artists[answer] for answer in answers]


def test_works_without_a_label_are_neither_queries_nor_answers(collection: Collection) -> None:
    evaluation = evaluate(collection, Task("artist"))
    unlabelled = len(collection) - 1
    assert evaluation.unlabelled == 1
    assert evaluation.candidates == len(collection) - 1
    assert unlabelled not in evaluation.rows
    assert unlabelled not in evaluation.top


def test_works_with_nothing_to_find_are_counted_but_are_no_queries() -> None:
    collection = make_collection(artists=4, works=3)  # style 0 has two artists, styles 1 and 2 have one each
    evaluation = evaluate(collection, Task("style", "artist"))
    assert (len(evaluation), evaluation.lonely) == (5, 6)  # the last of the twelve has no style
    assert {label for (label,) in evaluation.labels} == {"Baroque"}


def test_one_shared_tag_makes_a_work_relevant(collection: Collection) -> None:
    evaluation = evaluate(collection, Task("tags"))
    tags = [set(tags or ()) for tags in collection.state.table.column("tags").to_pylist()]
    for row, answers, right in zip(evaluation.rows, evaluation.top, evaluation.right, strict=True):
        assert [bool(tags[row] & tags[answer]) for answer in answers] == right.tolist()


def test_filters_remove_works_from_queries_and_candidates(collection: Collection) -> None:
    evaluation = evaluate(collection, Task("artist", where={"style": "Cubism"}))
    assert evaluation.candidates == 14
    assert {label for (label,) in evaluation.labels} == {"Artist 2", "Artist 5", "Artist 8"}


def test_a_sample_of_queries_is_the_same_for_the_same_seed(collection: Collection) -> None:
    drawn = evaluate(collection, Task("artist", max_queries=10, seed=3))
    assert len(drawn) == 10
    assert drawn.ids == evaluate(collection, Task("artist", max_queries=10, seed=3)).ids
    assert drawn.ids != evaluate(collection, Task("artist", max_queries=10, seed=4)).ids


def test_figures_by_class_add_up_to_the_whole(collection: Collection) -> None:
    evaluation = evaluate(collection, Task("artist"))
    classes = by_class(evaluation)
    assert [item.queries for item in classes] == [5] * 8 + [4]
    total = sum(item.queries * item.means["map"] for item in classes)
    assert total / len(evaluation) == pytest.approx(evaluation.means()["map"])
    assert macro_means(classes)["map"] == pytest.approx(np.mean([item.means["map"] for item in classes]))


def test_confusions_name_the_wrong_first_answers(collection: Collection) -> None:
    evaluation = evaluate(collection, Task("artist"), Setting(aspects={"color": 1}))
    counts = confusions(collection, evaluation)
    assert sum(count for *_, count in counts) == round(len(evaluation) * (1 - evaluation.means()["precision@1"]))
    assert all(expected != answered for expected, answered, _ in counts)


def test_every_setting_is_evaluated_once(collection: Collection) -> None:
    evaluations = evaluate_settings(collection, Task("artist"))
    assert next(iter(evaluations)) == "balanced"
    assert {"subject", "style", "color", "cosine"} <= set(evaluations)
    assert len({tuple(item.values.ravel()) for item in evaluations.values()}) == len(evaluations)


def test_the_order_of_the_works_does_not_matter(collection: Collection) -> None:
    def by_id(evaluation: Evaluation) -> dict[str, list[float]]:
        return dict(zip(evaluation.ids, evaluation.values.round(9).tolist(), strict=True))

    task = Task("style", "artist")
    assert by_id(evaluate(collection, task)) == by_id(evaluate(make_collection(order="shuffled"), task))


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task("mood"), "no column 'mood'"),
        (Task("everything"), "one class only"),
        (Task("id"), "No two works share"),
        (Task("nothing"), "No work that is left has a label"),
        (Task("artist", "artist"), "shares its artist with a work of another artist"),
        (Task("artist", "mood"), "no column 'mood'"),
        (Task("artist", max_queries=0), "at least 1"),
        (Task("artist", where={"mood": "sad"}), "no column 'mood'"),
        (Task("artist", where={"style": "Dada"}), "No work that is left has a label"),
    ],
)
def test_a_task_that_does_not_fit_the_collection_is_refused(collection: Collection, task: Task, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        evaluate(collection, task)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "other"}, "no encoder 'other'"),
        ({"aspects": {"mood": 1}}, "no aspect mood"),
        ({"aspects": {}}, "are 0"),
    ],
)
def test_a_setting_that_does_not_fit_the_collection_is_refused(
    collection: Collection, change: dict[str, object], message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        evaluate(collection, Task("artist"), dataclasses.replace(Setting(), **change))  # type: ignore[arg-type]
