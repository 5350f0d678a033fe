"""Search before and after fine-tuning, by `artsim.evaluation`: the same queries with the backbone and with the new encoder.

Covers the trained label, and also whether works by one artist and altered copies of one work are still found.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from artsim.collection import Collection
from artsim.errors import QueryError
from artsim.evaluation import METRICS, Setting, Task, bootstrap_intervals, evaluate
from artsim.evaluation.copies import find_reproductions
from artsim.evaluation.distortions import combined
from artsim.finetuning.recipe import Recipe

log = logging.getLogger(__name__)

LABEL, ARTIST = "label", "artist"
"""Columns of the collections that are compared here."""
SHOWN = ("precision@1", "precision@10", "map")
FEW = 5  # tasks with fewer queries are not reported
QUERIES = 300  # largest number per collection
COPIES = 100


@dataclass(frozen=True)
class Change:
    """Mean metrics of one task, before and after. Each query searches among the works that its training did not see."""

    queries_of: str
    task: str
    preset: str
    queries: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    interval: tuple[float, float] | None
    """95 % interval of the difference in the last metric, by bootstrap over artists (over works where there are none); None
    with fewer than two."""

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
        low, high = self.interval or (0.0, 0.0)
        return "better" if low > 0 else "worse" if high < 0 else "within chance"


def compare_search(collections: Sequence[Collection], recipe: Recipe, *, queries_of: str) -> list[Change]:
    """Changes over the queries of all collections, each of which holds works that one training did not see.

    Their first space is that of the backbone, the second that of the new encoder.
    """
    label, seed = recipe.label, recipe.seed
    presets = ("style", "balanced", *(["subject"] if recipe.top_epochs else []))  # `subject` changes with the backbone
    artists = ARTIST in collections[0].state.table.column_names
    tasks = {f"same {label}": Task(LABEL, max_queries=QUERIES, seed=seed)}
    if artists:
        by_label = Task(LABEL, disjoint=ARTIST, max_queries=QUERIES, seed=seed)
        tasks = {f"same {label}, other artists": by_label, "same artist": Task(ARTIST, max_queries=QUERIES, seed=seed)}
    changes = []
    for name, task in tasks.items():
        for preset in presets:
            found = [figures for each in collections if (figures := _evaluate(each, task, preset)) is not None]
            if sum(len(before) for before, _, _ in found) >= FEW:
                before, after, groups = (np.concatenate(column) for column in zip(*found, strict=True))
                clusters = groups if artists else None
                changes.append(_change((queries_of, name, preset), SHOWN, before, after, clusters, seed))
    return changes


def _evaluate(collection: Collection, task: Task, preset: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """(q, len(SHOWN)) before and after, and the artist of each query; None where no query has anything to find."""
    settings = [Setting(aspects=preset, encoder=space.name) for space in collection.state.spaces]
    try:
        before, after = (evaluate(collection, task, setting) for setting in settings)
    except QueryError as error:
        log.info("Not reported: %s", error)
        return None
    columns = [METRICS.index(metric) for metric in SHOWN]
    table = collection.state.table
    groups = table.column(ARTIST if ARTIST in table.column_names else LABEL).take(before.rows)
    return before.values[:, columns], after.values[:, columns], np.array(groups.to_pylist())


def compare_copies(collection: Collection, *, queries_of: str, seed: int) -> Change:
    """Whether a recoloured, cropped or framed and distorted copy of each work (at most `COPIES`) finds the work first."""
    ids = np.random.default_rng(seed).permutation(collection.ids)[:COPIES].tolist()
    ways = {space.name: {"preset": "same-work", "encoder": space.name} for space in collection.state.spaces}
    before, after = (found.values()[:, :1] for found in find_reproductions(collection, ids, [combined], ways))
    return _change((queries_of, "same work, altered copy", "same-work"), ("recall@1",), before, after, None, seed)


def _change(
    names: tuple[str, str, str],
    metrics: Sequence[str],
    before: np.ndarray,
    after: np.ndarray,
    clusters: np.ndarray | None,
    seed: int,
) -> Change:
    """The change of `metrics`, from their values (q, m) per query."""
    low, high = bootstrap_intervals((after - before)[:, -1:], clusters=clusters, seed=seed)[0].tolist()
    old, new = (dict(zip(metrics, values.mean(axis=0).tolist(), strict=True)) for values in (before, after))
    return Change(*names, len(before), old, new, None if math.isnan(low) else (low, high))
