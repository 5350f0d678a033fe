"""Which weights of the aspects find works of the same label best, and what they gain over the default on works that had no part
in the choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from artsim.collection import Collection
from artsim.columns import column_of, label_columns
from artsim.encoders.protocol import Aspect
from artsim.errors import QueryError
from artsim.evaluation.intervals import bootstrap_intervals, bounds_or_none
from artsim.evaluation.ranking import Setting
from artsim.evaluation.run import Task, evaluate
from artsim.messages.progress import Progress
from artsim.snapshot.state import find_space

METRIC = "map"
ASPECTS: tuple[Aspect, ...] = ("subject", "style", "color")
"""The aspects that are weighted; the layout finds the same work only."""
_STEPS = 5
_FOLDS = 5


@dataclass(frozen=True)
class SuggestedWeights:
    """The weights with the best mean average precision (mAP) over all queries, and what choosing so gains on held-out folds."""

    label: str
    weights: Mapping[Aspect, float]
    default: Mapping[Aspect, float]
    queries: int
    groups: int
    """Queries of one group, such as an artist, are in one fold."""
    best_map: float
    default_map: float
    """mAP over all queries."""
    gain: float
    """Mean difference in mAP to the default of what was chosen on the other folds."""
    interval: np.ndarray
    """(2,): its 95 % interval, by bootstrap over groups."""

    @property
    def is_better(self) -> bool:
        """Whether the gain is beyond chance."""
        return bool(self.interval[0] > 0)

    def as_json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "aspects": dict(self.weights if self.is_better else self.default),
            "best": dict(self.weights),
            "default": dict(self.default),
            "queries": self.queries,
            "groups": self.groups,
            "best_map": self.best_map,
            "default_map": self.default_map,
            "gain": self.gain,
            "interval": bounds_or_none(self.interval),
            "is_better": self.is_better,
        }


def suggest_weights(
    collection: Collection, task: Task, setting: Setting | None = None, *, progress: Progress | None = None
) -> SuggestedWeights:
    """Try weights in steps of a fifth, and the default. Folds are made of whole artists where there are artists, else of labels.

    Each choice is one evaluation, 22 in all. `QueryError` as `evaluate`, or if there are fewer than two groups of queries.
    """
    setting = setting or Setting()
    space = find_space(collection.state, setting.encoder)
    default = {aspect: float(weight) for aspect, weight in space.weights_by_aspect("balanced").items() if weight}
    choices = [default, *_choices(set(space.statistics.aspects))]
    task = replace(task, cluster=_cluster(collection, task))
    values, clusters = [], np.zeros(0, int)
    for number, weights in enumerate(choices):
        if progress is not None:
            progress(number, len(choices))
        found = evaluate(collection, task, replace(setting, aspects=weights))
        values.append(found.of(METRIC))
        clusters = found.clusters
    if progress is not None:
        progress(len(choices), len(choices))
    per_query = np.stack(values, axis=1)  # (q, choices)
    gains, groups = _held_out_gains(per_query, clusters, task.seed)
    best = int(per_query.mean(axis=0).argmax())
    return SuggestedWeights(
        label=task.label,
        weights=choices[best],
        default=default,
        queries=len(per_query),
        groups=groups,
        best_map=float(per_query[:, best].mean()),
        default_map=float(per_query[:, 0].mean()),
        gain=float(gains.mean()),
        interval=bootstrap_intervals(gains[:, None], clusters=clusters, seed=task.seed)[0],
    )


def _choices(aspects: set[Aspect]) -> Iterator[dict[Aspect, float]]:
    """All weights in steps of 1 / `_STEPS` with the sum 1."""
    for subject in range(_STEPS + 1):
        for style in range(_STEPS + 1 - subject):
            steps = dict(zip(ASPECTS, (subject, style, _STEPS - subject - style), strict=True))
            weights = {aspect: count / _STEPS for aspect, count in steps.items() if count}
            if weights.keys() <= aspects:
                yield weights


def _cluster(collection: Collection, task: Task) -> str:
    """The column whose values are kept together: the artist where there is one."""
    if task.cluster is not None:
        return task.cluster
    table = collection.state.table
    artists = [name for name in label_columns("artist") if name in table.column_names]
    if column_of(task.label).label != "artist" and artists:
        return artists[0]
    return task.label


def _held_out_gains(values: np.ndarray, clusters: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
    """(q,): what the best choice of the other folds gains over the first, the default, in each query; the number of groups."""
    names, numbers = np.unique(clusters, return_inverse=True)
    if len(names) < 2:
        raise QueryError(
            "Weights cannot be suggested from the queries of one artist or label; give a column with more."
        )
    folds = np.random.default_rng(seed).permutation(len(names))[numbers] % min(_FOLDS, len(names))
    gains = np.zeros(len(values))
    for fold in np.unique(folds):
        held_out = folds == fold
        best = int(values[~held_out].mean(axis=0).argmax())
        gains[held_out] = values[held_out, best] - values[held_out, 0]
    return gains, len(names)
