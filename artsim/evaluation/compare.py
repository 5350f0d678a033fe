"""Compare two settings over the same queries, with paired significance tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from artsim.errors import ArtsimError, QueryError
from artsim.evaluation.intervals import bootstrap_intervals
from artsim.evaluation.metrics import HEADLINE, METRICS
from artsim.evaluation.run import Evaluation

PERMUTATIONS = 10_000


@dataclass(frozen=True)
class Difference:
    """One metric under two settings, over the queries that both evaluations have."""

    metric: str
    first: float
    second: float
    difference: float
    """first - second."""
    interval: tuple[float, float]
    """95 % interval of the difference, by bootstrap over the groups of the first evaluation's `cluster_column`."""
    fisher_p: float
    """Two-sided p of Fisher's randomisation test, paired by query (Smucker et al. 2007; ranx)."""
    student_p: float
    """Two-sided p of Student's t test, paired by query (ranx)."""
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
    differences: tuple[Difference, ...]


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Compare two evaluations query by query; queries are paired by work id.

    `QueryError` when they have no query in common; `ArtsimError` when ranx, which only the significance tests need, is not
    installed. Its randomisation test draws in several threads, so its p differs in the third decimal from run to run.
    """
    fisher, student = _paired_tests()
    seed = first.task.seed
    row_of_id = {identity: number for number, identity in enumerate(second.ids)}
    pairs = [(number, row_of_id[identity]) for number, identity in enumerate(first.ids) if identity in row_of_id]
    if not pairs:
        raise QueryError(
            "The two evaluations have no query in common; compare collections of the same works, with the same ids."
        )
    first_rows, second_rows = (np.array(column) for column in zip(*pairs, strict=True))
    first_values, second_values = first.values[first_rows], second.values[second_rows]
    intervals = bootstrap_intervals(first_values - second_values, clusters=first.clusters[first_rows], seed=seed)
    differences = []
    for metric in HEADLINE:
        column = METRICS.index(metric)
        x, y = np.ascontiguousarray(first_values[:, column]), np.ascontiguousarray(second_values[:, column])
        identical = bool((x == y).all())  # the t statistic of all-zero differences is 0/0
        differences.append(
            Difference(
                metric=metric,
                first=float(x.mean()),
                second=float(y.mean()),
                difference=float(x.mean() - y.mean()),
                interval=(float(intervals[column, 0]), float(intervals[column, 1])),
                fisher_p=1.0 if identical else float(fisher(x, y, PERMUTATIONS, 0.05, seed)[0]),
                student_p=1.0 if identical or len(x) < 2 else float(student(x, y)[0]),
                better=int((x > y).sum()),
                equal=int((x == y).sum()),
                worse=int((x < y).sum()),
            )
        )
    return Comparison(first, second, len(pairs), len(first) + len(second) - 2 * len(pairs), tuple(differences))


def _paired_tests() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The two paired tests of ranx, imported only here: ranx brings numba and pandas, which nothing else needs."""
    try:
        from ranx.statistical_tests import fisher_randomization_test, paired_student_t_test
    except ImportError as error:
        raise ArtsimError(
            f"Comparing two settings needs ranx, which is not installed ({error}). Run: pip install ranx"
        ) from error
    return fisher_randomization_test, paired_student_t_test
