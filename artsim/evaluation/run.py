"""Evaluate a collection: run every labelled work as a query and measure its answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from artsim.collection import Collection
from artsim.encoders.presets import PRESET_RANKINGS
from artsim.encoders.protocol import Aspect
from artsim.errors import QueryError
from artsim.evaluation.intervals import bootstrap_intervals, bounds_or_none
from artsim.evaluation.labels import Relevance, check_labels, draw_queries
from artsim.evaluation.metrics import METRICS, mean_metrics, measure
from artsim.evaluation.ranking import Setting, rank_works
from artsim.search.match import WORDS, Word, word_of
from artsim.snapshot.filters import Where, allowed_rows, as_plain
from artsim.snapshot.labels import read_labels
from artsim.snapshot.state import find_space

TOP = 10  # answers kept per query, for reports


@dataclass(frozen=True)
class Task:
    """Definition of relevance, and the works that are queries and candidates.

    A work is relevant when it shares its `label` with the query. `disjoint`: works that share the query's value in that column
    are taken out of its ranking. `where` keeps only works that match it, as in `Collection.search`. See docs/evaluation.md.
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

    @property
    def cluster_column(self) -> str:
        return self.cluster or self.disjoint or self.label


@dataclass(frozen=True)
class Evaluation:
    """Results of one task under one setting: `values` (q, len(METRICS)), the metrics per query, and their context."""

    task: Task
    setting: Setting
    encoder: str
    """Encoder id, or mode and rule such as "auto, margin"; `revision` and `space` then list those of all encoders."""
    revision: str
    space: str
    aspects: Mapping[Aspect, float]
    """The weights of the setting; of a preset, those for the first of the encoders."""
    answered: Mapping[str, int]
    """Number of queries that each space answered; in a fusion, all of them."""
    works: int
    candidates: int
    """Number of works that can be queries and answers; the others of `where` are `without_label`."""
    without_label: int
    without_relevant: int
    """Number of candidates that are no queries, because nothing relevant is in their ranking."""
    chance: float
    """Mean share of relevant works in the rankings: the precision of random answers."""
    rows: np.ndarray = field(repr=False)
    """(q,) int: rows of the query works."""
    ids: tuple[str, ...] = field(repr=False)
    labels: tuple[tuple[Hashable, ...], ...] = field(repr=False)
    clusters: np.ndarray = field(repr=False)
    """(q,) int: group of each query; works with the same value in the task's `cluster_column` share one."""
    values: np.ndarray = field(repr=False)
    top: np.ndarray = field(repr=False)
    """(q, TOP) int: rows of the best answers, -1 where there are no more."""
    right: np.ndarray = field(repr=False)
    """(q, TOP) bool: whether each of these answers is relevant."""
    scores: np.ndarray = field(repr=False)
    """(q, TOP): the score of each of them, nan where there are no more."""

    def __len__(self) -> int:
        return len(self.rows)

    def means(self) -> dict[str, float]:
        """Mean of each metric over the queries."""
        return mean_metrics(self.values)

    def of(self, metric: str) -> np.ndarray:
        """(q,) float: one metric per query."""
        return self.values[:, METRICS.index(metric)]

    @cached_property
    def intervals(self) -> np.ndarray:
        """(len(METRICS), 2): 95 % interval of each mean, by bootstrap over queries."""
        return bootstrap_intervals(self.values, seed=self.task.seed)

    @cached_property
    def clustered_intervals(self) -> np.ndarray:
        """(len(METRICS), 2): the same over groups of queries; nan with one group only."""
        return bootstrap_intervals(self.values, clusters=self.clusters, seed=self.task.seed)

    def as_json(self) -> dict[str, Any]:
        """The JSON of `artsim evaluate --json`."""
        classes = by_class(self)
        return {
            "label": self.task.label,
            "disjoint": self.task.disjoint,
            "where": as_plain(self.task.where),
            "ranking": self.setting.ranking,
            "aspects": dict(self.aspects),
            "encoder": self.encoder,
            "revision": self.revision,
            "space": self.space,
            "answered": dict(self.answered),
            "works": self.works,
            "candidates": self.candidates,
            "queries": len(self),
            "without_label": self.without_label,
            "without_relevant": self.without_relevant,
            "chance": self.chance,
            **self.means(),
            "intervals": dict(zip(METRICS, map(bounds_or_none, self.intervals), strict=True)),
            "clustered_intervals": dict(zip(METRICS, map(bounds_or_none, self.clustered_intervals), strict=True)),
            "clusters": {"column": self.task.cluster_column, "count": len(np.unique(self.clusters))},
            "words": [asdict(item) for item in by_word(self)],
            "class_means": macro_means(classes),
            "classes": [{"label": as_plain(item.label), "queries": item.queries, **item.means} for item in classes],
        }


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
    relevance = Relevance(labels, disjoint, labels.present & allowed)
    check_labels(labels, relevance.candidates)
    queries = [row for row in np.flatnonzero(relevance.candidates).tolist() if relevance.of(row)[1].any()]
    if not queries:
        raise QueryError(
            f"No work shares its {task.label} with a work of another {task.disjoint}, so there is nothing to find; "
            f"give another label, or leave out the disjoint column {task.disjoint}."
        )
    rows = draw_queries(np.array(queries), task.max_queries, seed=task.seed)
    top, right = np.full((len(rows), TOP), -1), np.zeros((len(rows), TOP), bool)
    top_scores = np.full((len(rows), TOP), np.nan)
    values, shares = [], []
    answered = Counter({space.name: 0 for space in spaces})
    for number, row in enumerate(rows.tolist()):
        ranked, relevant = relevance.of(row)
        order, scores, names = rank_works(collection, setting, row, ranked)
        answered.update(names)
        is_right = relevant[order]
        values.append(measure(is_right))
        shares.append(is_right.mean())
        top[number, : len(order)], right[number, : len(order)] = order[:TOP], is_right[:TOP]
        top_scores[number, : len(order)] = scores[:TOP]
    return Evaluation(
        task=task,
        setting=setting,
        encoder=setting.several or spaces[0].encoder,
        revision=" ".join(space.revision for space in spaces),
        space=" ".join(space.name for space in spaces),
        aspects=spaces[0].weights_by_aspect(setting.aspects),
        answered=dict(answered),
        works=len(state),
        candidates=int(relevance.candidates.sum()),
        without_label=int((allowed & ~labels.present).sum()),
        without_relevant=int(relevance.candidates.sum()) - len(queries),
        chance=float(np.mean(shares)),
        rows=rows,
        ids=tuple(state.table.column("id").take(rows).to_pylist()),
        labels=tuple(labels.values[row] for row in rows),
        clusters=read_labels(state.table, task.cluster_column).groups()[rows],
        values=np.stack(values),
        top=top,
        right=right,
        scores=top_scores,
    )


def evaluate_settings(collection: Collection, task: Task, setting: Setting | None = None) -> dict[str, Evaluation]:
    """Evaluate the task with each distinct preset and with the raw cosine, by name; encoders as in `setting`.

    Presets keep their own ranking; those with an aspect that the encoder lacks are left out.
    """
    base = setting or Setting()
    space = find_space(collection.state, None if base.several else base.encoder)
    settings: dict[str, Setting] = {}
    for name, weights in space.presets.items():
        if all(aspect in space.statistics.aspects for aspect, weight in weights.items() if weight):
            settings[name] = replace(base, ranking=PRESET_RANKINGS.get(name, "tuned"), aspects=name)
    settings["cosine"] = replace(base, ranking="cosine", aspects={"subject": 1.0})
    return {name: evaluate(collection, task, variant) for name, variant in settings.items()}


@dataclass(frozen=True)
class ClassFigures:
    """Mean metrics over the queries of one label."""

    label: Hashable
    queries: int
    means: Mapping[str, float]


def by_class(evaluation: Evaluation) -> list[ClassFigures]:
    """Mean metrics per label, most queries first; a query with several labels counts under each."""
    numbers_of: dict[Hashable, list[int]] = {}
    for number, labels in enumerate(evaluation.labels):
        for value in labels:
            numbers_of.setdefault(value, []).append(number)
    figures = [
        ClassFigures(value, len(of_label), mean_metrics(evaluation.values[of_label]))
        for value, of_label in numbers_of.items()
    ]
    return sorted(figures, key=lambda item: (-item.queries, str(item.label)))


@dataclass(frozen=True)
class WordFigures:
    """What a word for scores is worth, among the first `TOP` answers of all queries."""

    word: Word
    from_score: float
    """The least score that it is said of."""
    share: float
    """Share of the answers that it is said of."""
    right: float | None
    """Share of those that are relevant; None without any."""


def by_word(evaluation: Evaluation) -> list[WordFigures]:
    """What each word is worth, most similar first."""
    scores, right = (values[evaluation.top >= 0] for values in (evaluation.scores, evaluation.right))
    words = np.array([word_of(score) for score in scores])
    return [
        WordFigures(
            word, least, float((words == word).mean()), float(right[words == word].mean()) if word in words else None
        )
        for word, least in WORDS.items()
    ]


def macro_means(classes: Sequence[ClassFigures]) -> dict[str, float]:
    """Mean of the class means: each label counts the same, however many works it has."""
    return {metric: float(np.mean([item.means[metric] for item in classes])) for metric in METRICS}
