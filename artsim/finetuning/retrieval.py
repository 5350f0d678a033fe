"""Retrieval before and after fine-tuning: the same queries with the backbone and with the fine-tuned encoder.

Covers the trained label, and also whether works by one artist and altered copies of one work are still found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from artsim.encoders.presets import PRESETS
from artsim.encoders.protocol import Aspect, Blocks, Encoder
from artsim.evaluation import METRICS, Setting, bootstrap_intervals, measure, rank_works
from artsim.evaluation.distortions import cropped, generator, recoloured
from artsim.finetuning.works import LabelledWorks
from artsim.snapshot.space import Space, make_space
from artsim.snapshot.space_statistics import fit_statistics

SHOWN = ("precision@1", "precision@10", "map")
FEW = 5  # sets with fewer queries are not reported
QUERIES = 300  # largest number per set
COPIES = 100
Segments = Mapping[Aspect, tuple[int, ...]]


@dataclass(frozen=True)
class RetrievalChange:
    """Mean metrics of one query set, before and after."""

    queries_of: str
    """The query works."""
    among: str
    """The works that are searched."""
    task: str
    setting: str
    queries: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    interval: tuple[float, float] = field(default=(math.nan, math.nan))
    """95 % interval of the difference in the last metric, by bootstrap over artists (over works where there are none)."""

    @property
    def metric(self) -> str:
        return list(self.before)[-1]

    @property
    def difference(self) -> float:
        return self.after[self.metric] - self.before[self.metric]

    @property
    def verdict(self) -> str:
        """ "better" and "worse" where the interval does not reach 0."""
        if self.difference == 0:
            return "same"
        if self.interval[0] > 0:
            return "better"
        return "worse" if self.interval[1] < 0 else "within chance"


def compare_retrieval(
    works: LabelledWorks,
    sets: Mapping[str, np.ndarray],
    before: tuple[Blocks, Segments],
    after: tuple[Blocks, Segments],
    *,
    label: str,
    alone: str,
    subject_too: bool,
    seed: int = 0,
) -> list[RetrievalChange]:
    """Changes for each set of query rows among all works; for the set `alone` also among the works of that set only.

    `subject_too`: whether `subject` vectors changed and are reported. Of a large set, a sample of queries is drawn by `seed`.
    """
    settings, tasks, own = _settings(subject_too), _tasks(works, label), sets[alone]
    by_label = same_label(label, known_artists=works.artists is not None)
    inside = {by_label: tasks[by_label].only(own)}
    inner = [
        _space({aspect: block[own] for aspect, block in blocks.items()}, segments)
        for blocks, segments in (before, after)
    ]
    outer = [_space(blocks, segments) for blocks, segments in (before, after)]
    drawn = {name: _drawn(rows, seed) for name, rows in sets.items()}
    changes = _compare(inner, {alone: _drawn(np.arange(len(own)), seed)}, inside, settings, "each other", seed)
    return changes + _compare(outer, drawn, tasks, settings, "all works", seed)


@dataclass(frozen=True)
class HeldOut:
    """One fold: works by artists that its training did not see, with the blocks of both encoders."""

    works: LabelledWorks
    before: tuple[Blocks, Segments]
    after: tuple[Blocks, Segments]


def compare_held_out(
    folds: Sequence[HeldOut], *, label: str, queries_of: str, subject_too: bool, seed: int = 0
) -> list[RetrievalChange]:
    """Changes over the queries of all folds; each query searches only its own fold, whose artists were not trained on."""
    changes = []
    spaces = [[_space(blocks, segments) for blocks, segments in (fold.before, fold.after)] for fold in folds]
    drawn = [_drawn(np.arange(len(fold.works)), seed) for fold in folds]
    for task_name in _tasks(folds[0].works, label):
        tasks = [_tasks(fold.works, label)[task_name] for fold in folds]
        for setting_name, setting in _settings(subject_too).items():
            each = [
                _evaluate_queries(pair, task, setting, rows)
                for pair, task, rows in zip(spaces, tasks, drawn, strict=True)
            ]
            per_fold = [fold for fold in each if fold.artists is not None]
            if sum(len(fold.before) for fold in per_fold) < FEW:
                continue
            pooled = _PerQuery(
                np.concatenate([fold.before for fold in per_fold]),
                np.concatenate([fold.after for fold in per_fold]),
                np.concatenate([fold.artists for fold in per_fold if fold.artists is not None]),
            )
            changes.append(_change(pooled, (queries_of, "each other", task_name, setting_name), seed))
    return changes


def _settings(subject_too: bool) -> dict[str, Setting]:
    names = ("style", "balanced", *(["subject"] if subject_too else []))
    return {name: Setting(aspects=PRESETS[name]) for name in names}


def _tasks(works: LabelledWorks, label: str) -> dict[str, _RetrievalTask]:
    artists = works.artists
    tasks = {same_label(label, known_artists=artists is not None): _RetrievalTask(works.labels, artists, artists)}
    return tasks if artists is None else {**tasks, "same artist": _RetrievalTask(artists, None, artists)}


def same_label(label: str, *, known_artists: bool) -> str:
    """Name of the task of finding works with the same label."""
    return f"same {label}" + (", other artists" if known_artists else "")


@dataclass(frozen=True)
class _RetrievalTask:
    """Relevant are works with the same number in `labels` (n,), except those with the same number in `apart` (n,)."""

    labels: np.ndarray
    apart: np.ndarray | None
    artists: np.ndarray | None
    """(n,) int: groups for the intervals."""

    def only(self, rows: np.ndarray) -> _RetrievalTask:
        apart, artists = (None if each is None else each[rows] for each in (self.apart, self.artists))
        return _RetrievalTask(self.labels[rows], apart, artists)

    def ranked(self, row: int) -> np.ndarray:
        """(n,) bool: whether each work is in the ranking of the query `row`."""
        ranked = np.ones(len(self.labels), bool) if self.apart is None else self.apart != self.apart[row]
        ranked[row] = False
        return ranked

    def relevant(self, row: int) -> np.ndarray:
        """(n,) bool: whether each work is in that ranking and relevant."""
        return (self.labels == self.labels[row]) & self.ranked(row)


def _space(blocks: Blocks, segments: Segments) -> Space:
    return make_space(
        "space", "", "", {aspect: aspect for aspect in blocks}, blocks, segments=segments, index_kind="flat"
    )


def _drawn(rows: np.ndarray, seed: int) -> np.ndarray:
    return rows if len(rows) <= QUERIES else np.sort(np.random.default_rng(seed).choice(rows, QUERIES, replace=False))


def _compare(
    spaces: Sequence[Space],
    sets: Mapping[str, np.ndarray],
    tasks: Mapping[str, _RetrievalTask],
    settings: Mapping[str, Setting],
    among: str,
    seed: int,
) -> list[RetrievalChange]:
    """Changes per set, task and setting; sets with fewer than `FEW` queries that have relevant works are left out."""
    changes = []
    for queries_of, rows in sets.items():
        for task_name, task in tasks.items():
            for setting_name, setting in settings.items():
                per_query = _evaluate_queries(spaces, task, setting, rows)
                if len(per_query.before) >= FEW:
                    changes.append(_change(per_query, (queries_of, among, task_name, setting_name), seed))
    return changes


@dataclass(frozen=True)
class _PerQuery:
    """Metrics (q, len(SHOWN)) per query, and its artist (q,) where artists are known."""

    before: np.ndarray
    after: np.ndarray
    artists: np.ndarray | None


def _evaluate_queries(spaces: Sequence[Space], task: _RetrievalTask, setting: Setting, rows: np.ndarray) -> _PerQuery:
    """Evaluate the queries at `rows` that have relevant works, in both spaces."""
    queries = np.array([row for row in rows if task.relevant(row).any()], int)
    if not len(queries):
        return _PerQuery(np.zeros((0, len(SHOWN))), np.zeros((0, len(SHOWN))), None)
    before, after = (_figures(space, task, setting, queries) for space in spaces)
    return _PerQuery(before, after, None if task.artists is None else task.artists[queries])


def _change(per_query: _PerQuery, names: tuple[str, str, str, str], seed: int) -> RetrievalChange:
    low, high = bootstrap_intervals(
        (per_query.after - per_query.before)[:, -1:], clusters=per_query.artists, seed=seed
    )[0]
    queries_of, among, task, setting = names
    return RetrievalChange(
        queries_of=queries_of,
        among=among,
        task=task,
        setting=setting,
        queries=len(per_query.before),
        before=dict(zip(SHOWN, per_query.before.mean(axis=0).tolist(), strict=True)),
        after=dict(zip(SHOWN, per_query.after.mean(axis=0).tolist(), strict=True)),
        interval=(float(low), float(high)),
    )


def _figures(space: Space, task: _RetrievalTask, setting: Setting, rows: np.ndarray) -> np.ndarray:
    """(q, len(SHOWN)): metrics per query."""
    found = []
    for block, order in rank_works(space, setting, rows, task.ranked):
        relevant = np.stack([task.relevant(row) for row in block.tolist()])
        found.append(measure(np.take_along_axis(relevant, order, axis=1)))
    return np.concatenate(found)[:, [METRICS.index(metric) for metric in SHOWN]]


def compare_copies(
    encoders: Sequence[Encoder],
    blocks: Sequence[Blocks],
    rows: np.ndarray,
    load: Callable[[int], Image.Image],
    names: Sequence[str],
    *,
    queries_of: str,
    seed: int = 0,
) -> RetrievalChange:
    """Whether a cropped and recoloured copy of each work at `rows` (at most `COPIES`) finds it first, by `layout`.

    `encoders` and the raw blocks of all works: before, then after.
    """
    rows = rows if len(rows) <= COPIES else np.sort(np.random.default_rng(seed).choice(rows, COPIES, replace=False))
    copies = []
    for row in rows:
        rng = generator(seed, names[row])
        copies.append(recoloured(cropped(load(row), rng), rng))
    found = []
    for encoder, own in zip(encoders, blocks, strict=True):
        needed: Blocks = {"subject": own["subject"], "layout": own["layout"]}
        statistics = fit_statistics("space", needed)
        originals, altered = (
            statistics.split(statistics.index_vectors(each))["layout"]
            for each in (needed, encoder.embed_images(copies))
        )
        found.append(((altered @ originals.T).argmax(axis=1) == rows).astype(float))
    low, high = bootstrap_intervals((found[1] - found[0])[:, None], seed=seed)[0]
    return RetrievalChange(
        queries_of=queries_of,
        among="all works",
        task="same work, altered copy",
        setting="same-work",
        queries=len(rows),
        before={"recall@1": float(found[0].mean())},
        after={"recall@1": float(found[1].mean())},
        interval=(float(low), float(high)),
    )
