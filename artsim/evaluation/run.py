"""Evaluate a collection: run every labelled work as a query and measure its answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from artsim.collection import Collection
from artsim.errors import QueryError
from artsim.evaluation.full_ranking import Setting
from artsim.evaluation.labels import Labels, check_labels, read_labels
from artsim.evaluation.metrics import METRICS, measure
from artsim.evaluation.several import rank_by_encoders
from artsim.snapshot.filters import Where, allowed_rows
from artsim.snapshot.state import find_space

TOP = 10  # answers kept per query, for reports


@dataclass(frozen=True)
class Task:
    """Definition of relevance, and the works that are queries and candidates.

    A work is relevant when it shares its `label` with the query (any one value, in a list column). Works without a label
    are neither queries nor candidates; a query never finds itself. `disjoint`: works that share the query's value in that
    column are taken out of its ranking, neither right nor wrong, so that style figures do not measure artists instead; a
    work without a value there stays in all rankings. `where` keeps only works that match it, as in `Collection.search`.
    Queries without any relevant work are left out of the averages.
    """

    label: str
    disjoint: str | None = None
    where: Where | None = None
    cluster: str | None = None
    """Column whose values form the groups of the clustered intervals; default: `disjoint`, else `label`."""
    max_queries: int | None = None
    """Largest number of queries, drawn by `seed`; default: all."""
    seed: int = 0
    """Seed of that sample and of the intervals."""


@dataclass(frozen=True)
class Evaluation:
    """Results of one task under one setting: `values` (q, len(METRICS)), the metrics per query, and their context."""

    task: Task
    setting: Setting
    encoder: str
    """Encoder id, or mode and rule such as "auto, margin"; `revision` and `space` then list those of all encoders."""
    revision: str
    space: str
    answered: Mapping[str, int]
    """Number of queries that each space answered; in a fusion, all of them."""
    works: int
    """Number of works in the collection."""
    candidates: int
    """Number of works that can be queries and answers."""
    unlabelled: int
    """Number of works left out because they have no label."""
    lonely: int
    """Number of labelled works left out as queries, because nothing relevant is in their ranking."""
    chance: float
    """Mean share of relevant works in the rankings: the precision of random answers."""
    cluster_column: str
    rows: np.ndarray = field(repr=False)
    """(q,) int: rows of the query works."""
    ids: tuple[str, ...] = field(repr=False)
    labels: tuple[tuple[Hashable, ...], ...] = field(repr=False)
    clusters: np.ndarray = field(repr=False)
    """(q,) int: group of each query; works with the same value in `cluster_column` share one."""
    values: np.ndarray = field(repr=False)
    top: np.ndarray = field(repr=False)
    """(q, <= TOP) int: rows of the best answers, -1 where there are no more."""
    right: np.ndarray = field(repr=False)
    """(q, <= TOP) bool: whether each of these answers is relevant."""

    def __len__(self) -> int:
        return len(self.rows)

    def means(self) -> dict[str, float]:
        """Mean of each metric over the queries."""
        return dict(zip(METRICS, self.values.mean(axis=0).tolist(), strict=True))

    def of(self, metric: str) -> np.ndarray:
        """(q,) float: one metric per query."""
        return self.values[:, METRICS.index(metric)]


@dataclass(frozen=True)
class ClassFigures:
    """Mean metrics over the queries of one label."""

    label: Hashable
    queries: int
    means: Mapping[str, float]


def evaluate(collection: Collection, task: Task, setting: Setting | None = None) -> Evaluation:
    """Run every labelled work of `collection` as a query.

    `QueryError` when the task or the setting does not fit the collection, or all answers would be right, or all wrong.
    """
    state, setting = collection.state, setting or Setting()
    spaces = state.spaces if setting.several else (find_space(state, setting.encoder),)
    labels = read_labels(state.table, task.label)
    disjoint = read_labels(state.table, task.disjoint, literal=True) if task.disjoint is not None else None
    allowed = allowed_rows(state.table, task.where)
    allowed = np.ones(len(state), bool) if allowed is None else allowed
    relevance = _Relevance(labels, disjoint, labels.present & allowed)
    check_labels(labels, relevance.candidates)
    rows, lonely = _queries(task, relevance)
    values, top, right, shares = [], [], [], []
    answered: Counter[str] = Counter({space.name: 0 for space in spaces})
    for block, order, answered_in_block in rank_by_encoders(collection, state, setting, rows, relevance.ranked):
        answered.update(answered_in_block)
        relevant = np.take_along_axis(np.stack([relevance.relevant(row) for row in block.tolist()]), order, axis=1)
        in_ranking = np.stack([relevance.ranked(row) for row in block.tolist()])
        values.append(measure(relevant))
        shares.append(relevant.sum(axis=1) / in_ranking.sum(axis=1))
        order = order[:, :TOP]
        top.append(np.where(np.take_along_axis(in_ranking, order, axis=1), order, -1))
        right.append(relevant[:, :TOP])
    column = task.cluster or task.disjoint or task.label
    return Evaluation(
        task=task,
        setting=setting,
        encoder=setting.several or spaces[0].encoder,
        revision=" ".join(space.revision for space in spaces),
        space=" ".join(space.name for space in spaces),
        answered=dict(answered),
        works=len(state),
        candidates=int(relevance.candidates.sum()),
        unlabelled=int((allowed & ~labels.present).sum()),
        lonely=lonely,
        chance=float(np.concatenate(shares).mean()),
        cluster_column=column,
        rows=rows,
        ids=tuple(state.table.column("id").take(rows).to_pylist()),
        labels=tuple(labels.values[row] for row in rows),
        clusters=read_labels(state.table, column).groups()[rows],
        values=np.concatenate(values),
        top=np.concatenate(top),
        right=np.concatenate(right),
    )


@dataclass(frozen=True)
class _Relevance:
    """The works in the ranking of a query, and the relevant ones among them."""

    labels: Labels
    disjoint: Labels | None
    candidates: np.ndarray

    def ranked(self, row: int) -> np.ndarray:
        """(n,) bool: whether each work is in the ranking of the query `row`."""
        ranked = self.candidates.copy()
        ranked[row] = False
        if self.disjoint is not None:
            ranked[self.disjoint.sharing(row)] = False
        return ranked

    def relevant(self, row: int) -> np.ndarray:
        """(n,) bool: whether each work is in that ranking and shares the label of `row`."""
        relevant = np.zeros(len(self.candidates), bool)
        relevant[self.labels.sharing(row)] = True
        return relevant & self.ranked(row)


def _queries(task: Task, relevance: _Relevance) -> tuple[np.ndarray, int]:
    """Rows of the queries, ascending, and the number of labelled works that are none: they have nothing to find."""
    rows = [row for row in np.flatnonzero(relevance.candidates).tolist() if relevance.relevant(row).any()]
    if not rows:
        raise QueryError(
            f"No work shares its {task.label} with a work of another {task.disjoint}, so there is nothing to find; "
            f"give another label, or leave out the disjoint column {task.disjoint}."
        )
    lonely = int(relevance.candidates.sum()) - len(rows)
    if task.max_queries is not None and task.max_queries < 1:
        raise QueryError(f"The number of queries must be at least 1; it is {task.max_queries}.")
    if task.max_queries is not None and task.max_queries < len(rows):
        drawn = np.random.default_rng(task.seed).choice(len(rows), task.max_queries, replace=False)
        rows = [rows[number] for number in np.sort(drawn)]
    return np.array(rows, int), lonely


def by_class(evaluation: Evaluation) -> list[ClassFigures]:
    """Mean metrics per label, most queries first; a query with several labels counts under each."""
    numbers_of: dict[Hashable, list[int]] = {}
    for number, labels in enumerate(evaluation.labels):
        for value in labels:
            numbers_of.setdefault(value, []).append(number)
    figures = [
        ClassFigures(
            value,
            len(of_label),
            dict(zip(METRICS, evaluation.values[of_label].mean(axis=0).tolist(), strict=True)),
        )
        for value, of_label in numbers_of.items()
    ]
    return sorted(figures, key=lambda item: (-item.queries, str(item.label)))


def macro_means(classes: Sequence[ClassFigures]) -> dict[str, float]:
    """Mean of the class means: each label counts the same, however many works it has."""
    return {metric: float(np.mean([item.means[metric] for item in classes])) for metric in METRICS}


def confusions(collection: Collection, evaluation: Evaluation) -> list[tuple[Hashable, Hashable, int]]:
    """(label of the query, label of its first answer, count) where the first answer is wrong, most frequent first.

    For a work with several labels, the first one counts.
    """
    labels = read_labels(collection.state.table, evaluation.task.label)
    wrong = [
        (query_labels[0], labels.values[first][0])
        for query_labels, first, right in zip(
            evaluation.labels, evaluation.top[:, 0], evaluation.right[:, 0], strict=True
        )
        if not right
    ]
    return [(expected, answered, count) for (expected, answered), count in Counter(wrong).most_common()]
