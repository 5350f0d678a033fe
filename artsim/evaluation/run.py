"""Every labelled work asked as a query: how good the answers are."""

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
from artsim.search.engine import find_space
from artsim.snapshot.filters import Where, allowed_rows

TOP = 10  # answers kept per query, for reports


@dataclass(frozen=True)
class Task:
    """What counts as a right answer, and among which works.

    A work is relevant when it shares its `label` with the query (any one, in a column of lists). Works without a label are
    neither queries nor candidates; a query never finds itself. `disjoint`: works that share the query's value in that
    column are taken out of its ranking, neither right nor wrong, so that style figures are not artist figures in disguise;
    a work without a value there stays in all rankings. `where` keeps only works that meet it, as in `Collection.search`.
    Queries without any relevant work are left out of the averages.
    """

    label: str
    disjoint: str | None = None
    where: Where | None = None
    cluster: str | None = None
    """Column whose values make groups for the clustered intervals; by default `disjoint`, else `label`."""
    max_queries: int | None = None
    """At most so many queries, drawn by `seed`; all of them by default."""
    seed: int = 0
    """Of that, and of the intervals."""


@dataclass(frozen=True)
class Evaluation:
    """The figures of one task with one setting: `values` (q, len(METRICS)) per query, and what is needed to explain them."""

    task: Task
    setting: Setting
    encoder: str
    """Its id; "auto, margin" and the like where several answer. `revision` and `space` are then those of all of them."""
    revision: str
    space: str
    answered: Mapping[str, int]
    """How many queries each space answered; in a fusion, all of them."""
    works: int
    """In the collection."""
    candidates: int
    """Works that can be queries and answers."""
    unlabelled: int
    """Works left out because they have no label."""
    lonely: int
    """Labelled works left out as queries because nothing relevant is in their ranking."""
    chance: float
    """Mean share of relevant works in the rankings: the precision of answers drawn blindly."""
    cluster_column: str
    rows: np.ndarray = field(repr=False)
    """(q,): the query works."""
    ids: tuple[str, ...] = field(repr=False)
    labels: tuple[tuple[Hashable, ...], ...] = field(repr=False)
    clusters: np.ndarray = field(repr=False)
    """(q,) int: number of each query's group, works with the same value in `cluster_column`."""
    values: np.ndarray = field(repr=False)
    top: np.ndarray = field(repr=False)
    """(q, <= TOP): the best answers, -1 where there are no more."""
    right: np.ndarray = field(repr=False)
    """(q, <= TOP) bool: whether each is relevant."""

    def __len__(self) -> int:
        return len(self.rows)

    def means(self) -> dict[str, float]:
        """Each metric's mean over the queries."""
        return dict(zip(METRICS, self.values.mean(axis=0).tolist(), strict=True))

    def of(self, metric: str) -> np.ndarray:
        """(q,): one metric, per query."""
        return self.values[:, METRICS.index(metric)]


@dataclass(frozen=True)
class ClassFigures:
    """The queries of one label."""

    label: Hashable
    queries: int
    means: Mapping[str, float]


def evaluate(collection: Collection, task: Task, setting: Setting | None = None) -> Evaluation:
    """Ask every labelled work of `collection`. `QueryError` when the task cannot tell right answers from wrong ones."""
    state, setting = collection.state, setting or Setting()
    spaces = state.spaces if setting.several else (find_space(state, setting.encoder),)
    labels = read_labels(state.table, task.label)
    apart = read_labels(state.table, task.disjoint, literal=True) if task.disjoint is not None else None
    allowed = allowed_rows(state.table, task.where)
    allowed = np.ones(len(state), bool) if allowed is None else allowed
    judge = _Judge(labels, apart, labels.present & allowed)
    check_labels(labels, judge.candidates)
    rows, lonely = _queries(task, judge)
    values, top, right, shares = [], [], [], []
    answered: Counter[str] = Counter({space.name: 0 for space in spaces})
    for block, order, by in rank_by_encoders(collection, state, setting, rows, judge.left):
        answered.update(by)
        relevant = np.take_along_axis(np.stack([judge.relevant(row) for row in block.tolist()]), order, axis=1)
        left = np.stack([judge.left(row) for row in block.tolist()])
        values.append(measure(relevant))
        shares.append(relevant.sum(axis=1) / left.sum(axis=1))
        order = order[:, :TOP]
        top.append(np.where(np.take_along_axis(left, order, axis=1), order, -1))
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
        candidates=int(judge.candidates.sum()),
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
class _Judge:
    """Which works are in the ranking of a query, and which of them are right."""

    labels: Labels
    apart: Labels | None
    candidates: np.ndarray

    def left(self, row: int) -> np.ndarray:
        """(n,) bool: the works that are in the ranking of the query `row`."""
        left = self.candidates.copy()
        left[row] = False
        if self.apart is not None:
            left[self.apart.sharing(row)] = False
        return left

    def relevant(self, row: int) -> np.ndarray:
        """(n,) bool: those among them that share its label."""
        relevant = np.zeros(len(self.candidates), bool)
        relevant[self.labels.sharing(row)] = True
        return relevant & self.left(row)


def _queries(task: Task, judge: _Judge) -> tuple[np.ndarray, int]:
    """The rows that count as queries, ascending, and how many labelled works do not: they have nothing to find."""
    rows = [row for row in np.flatnonzero(judge.candidates).tolist() if judge.relevant(row).any()]
    if not rows:
        raise QueryError(
            f"No work shares its {task.label} with a work of another {task.disjoint}, so there is nothing to find; "
            f"give another label, or do not keep {task.disjoint} apart."
        )
    lonely = int(judge.candidates.sum()) - len(rows)
    if task.max_queries is not None and task.max_queries < 1:
        raise QueryError(f"The number of queries must be at least 1; it is {task.max_queries}.")
    if task.max_queries is not None and task.max_queries < len(rows):
        drawn = np.random.default_rng(task.seed).choice(len(rows), task.max_queries, replace=False)
        rows = [rows[number] for number in np.sort(drawn)]
    return np.array(rows, int), lonely


def by_class(evaluation: Evaluation) -> list[ClassFigures]:
    """Figures per label, most queries first; a query with several labels counts under each."""
    numbers: dict[Hashable, list[int]] = {}
    for number, own in enumerate(evaluation.labels):
        for value in own:
            numbers.setdefault(value, []).append(number)
    figures = [
        ClassFigures(
            value,
            len(own),
            dict(zip(METRICS, evaluation.values[own].mean(axis=0).tolist(), strict=True)),
        )
        for value, own in numbers.items()
    ]
    return sorted(figures, key=lambda item: (-item.queries, str(item.label)))


def macro_means(classes: Sequence[ClassFigures]) -> dict[str, float]:
    """The mean over the classes of their means: each label counts the same, however many works it has."""
    return {metric: float(np.mean([item.means[metric] for item in classes])) for metric in METRICS}


def confusions(collection: Collection, evaluation: Evaluation) -> list[tuple[Hashable, Hashable, int]]:
    """(label of the query, label of its first answer, how often) where the first answer is wrong, most frequent first.

    Of works with several labels the first one is named.
    """
    labels = read_labels(collection.state.table, evaluation.task.label)
    wrong = [
        (own[0], labels.values[first][0])
        for own, first, right in zip(evaluation.labels, evaluation.top[:, 0], evaluation.right[:, 0], strict=True)
        if not right
    ]
    return [(asked, found, count) for (asked, found), count in Counter(wrong).most_common()]
