"""JSON summaries of evaluations, comparisons and label-free statistics."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from artsim.evaluation.compare import Comparison
from artsim.evaluation.intervals import bootstrap_intervals
from artsim.evaluation.metrics import METRICS
from artsim.evaluation.neighbours import Neighbours
from artsim.evaluation.run import Evaluation, by_class, macro_means
from artsim.snapshot.filters import as_plain


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """JSON summary of an evaluation. The interval of a single group is null."""
    task = evaluation.task
    classes = by_class(evaluation)
    by_query = bootstrap_intervals(evaluation.values, seed=task.seed)
    by_group = bootstrap_intervals(evaluation.values, clusters=evaluation.clusters, seed=task.seed)
    return {
        "label": task.label,
        "disjoint": task.disjoint,
        "where": as_plain(task.where),
        "ranking": evaluation.setting.ranking,
        "aspects": dict(evaluation.setting.aspects),
        "encoder": evaluation.encoder,
        "revision": evaluation.revision,
        "space": evaluation.space,
        "answered": dict(evaluation.answered),
        "works": evaluation.works,
        "candidates": evaluation.candidates,
        "queries": len(evaluation),
        "without_label": evaluation.unlabelled,
        "without_relevant": evaluation.lonely,
        "chance": evaluation.chance,
        **evaluation.means(),
        "intervals": {metric: _bounds(by_query[number]) for number, metric in enumerate(METRICS)},
        "clustered_intervals": {metric: _bounds(by_group[number]) for number, metric in enumerate(METRICS)},
        "clusters": {"column": evaluation.cluster_column, "count": len(set(evaluation.clusters.tolist()))},
        "class_means": macro_means(classes),
        "classes": [{"label": as_plain(item.label), "queries": item.queries, **item.means} for item in classes],
    }


def comparison_summary(comparison: Comparison) -> dict[str, Any]:
    """JSON summary of a comparison."""
    second = comparison.second
    return {
        "with": {
            "ranking": second.setting.ranking,
            "aspects": dict(second.setting.aspects),
            "encoder": second.encoder,
            "space": second.space,
        },
        "queries": comparison.queries,
        "left_out": comparison.left_out,
        "metrics": {
            item.metric: {
                "first": item.first,
                "second": item.second,
                "difference": item.difference,
                "clustered_interval": _bounds(item.interval),
                "fisher_p": item.fisher_p,
                "student_p": item.student_p,
                "better": item.better,
                "equal": item.equal,
                "worse": item.worse,
            }
            for item in comparison.differences
        },
    }


def settings_summary(evaluations: Mapping[str, Evaluation]) -> list[dict[str, Any]]:
    """One entry with mean metrics per setting."""
    return [
        {"name": name, "ranking": item.setting.ranking, "aspects": dict(item.setting.aspects), **item.means()}
        for name, item in evaluations.items()
    ]


def neighbours_summary(statistics: Sequence[Neighbours]) -> list[dict[str, Any]]:
    """One entry per space; unknown values are null."""
    return [
        {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in entry.items()}
        for entry in map(dataclasses.asdict, statistics)
    ]


def _bounds(bounds: Sequence[float]) -> list[float] | None:
    return None if any(math.isnan(bound) for bound in bounds) else [float(bound) for bound in bounds]
