"""Compare two settings over the same queries, with paired significance tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from artsim.errors import ArtsimError, QueryError
from artsim.evaluation.intervals import bootstrap_intervals, bounds_or_none
from artsim.evaluation.metrics import HEADLINE, METRICS
from artsim.evaluation.run import Evaluation

PERMUTATIONS = 10_000


@dataclass(frozen=True)
class Difference:
    """One metric under two settings, over the queries that both evaluations have."""

    first: float
    second: float
    difference: float
    clustered_interval: list[float] | None
    """95 % interval of the difference, by bootstrap over the groups of the first evaluation; None with one group."""
    fisher_p: float
    """Two-sided, paired by query: Fisher's randomisation test (Smucker et al. 2007); `student_p` Student's t test."""
    student_p: float
    better: int
    """Number of queries for which the first setting is better; `equal` and `worse` likewise."""
    equal: int
    worse: int


@dataclass(frozen=True)
class Comparison:
    """Two evaluations, compared query by query."""

    first: Evaluation
    second: Evaluation
    queries: int
    """Number of queries that count in both evaluations."""
    left_out: int
    """Number of queries that count in only one: the other lacks the work, or has nothing relevant for it."""
    metrics: dict[str, Difference]

    def as_json(self) -> dict[str, Any]:
        """The JSON of `artsim evaluate --json`."""
        second, setting = self.second, self.second.setting
        return {
            "with": {
                "ranking": setting.ranking,
                "aspects": dict(second.aspects),
                "encoder": second.encoder,
                "space": second.space,
            },
            "queries": self.queries,
            "left_out": self.left_out,
            "metrics": {metric: asdict(difference) for metric, difference in self.metrics.items()},
        }


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Compare two evaluations query by query; queries are paired by work id.

    `QueryError` when they have no query in common; `ArtsimError` as `paired_tests`. ranx's randomisation test draws in several
    threads, so its p differs in the third decimal from run to run.
    """
    fisher, student = paired_tests()
    seed = first.task.seed
    common, first_rows, second_rows = np.intersect1d(first.ids, second.ids, assume_unique=True, return_indices=True)
    if not len(common):
        raise QueryError(
            "The two evaluations have no query in common; compare collections of the same works, with the same ids."
        )
    first_rows, second_rows = np.sort(first_rows), second_rows[np.argsort(first_rows)]
    values = first.values[first_rows], second.values[second_rows]
    intervals = bootstrap_intervals(values[0] - values[1], clusters=first.clusters[first_rows], seed=seed)
    metrics = {}
    for metric in HEADLINE:
        column = METRICS.index(metric)
        x, y = (np.ascontiguousarray(each[:, column]) for each in values)
        identical = bool((x == y).all())  # the t statistic of all-zero differences is 0/0
        metrics[metric] = Difference(
            first=float(x.mean()),
            second=float(y.mean()),
            difference=float(x.mean() - y.mean()),
            clustered_interval=bounds_or_none(intervals[column]),
            fisher_p=1.0 if identical else float(fisher(x, y, PERMUTATIONS, 0.05, seed)[0]),
            student_p=1.0 if identical or len(x) < 2 else float(student(x, y)[0]),
            better=int((x > y).sum()),
            equal=int((x == y).sum()),
            worse=int((x < y).sum()),
        )
    return Comparison(first, second, len(common), len(first) + len(second) - 2 * len(common), metrics)


def paired_tests() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Fisher's and Student's paired tests of ranx. `ArtsimError` where it is not installed: it is in the extra `train`."""
    try:
        from ranx.statistical_tests import fisher_randomization_test, paired_student_t_test
    except ImportError as error:
        raise ArtsimError(
            f"Comparing two settings needs ranx, which is not installed ({error}). Run: pip install ranx "
            "(it is part of the extra train)"
        ) from error
    return fisher_randomization_test, paired_student_t_test
