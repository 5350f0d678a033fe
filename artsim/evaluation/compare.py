"""Is one setting better than another? The same queries asked of both, and how likely the difference is to be chance."""

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
    """One metric of two settings, over the queries that both have."""

    metric: str
    first: float
    second: float
    difference: float
    """first - second."""
    interval: tuple[float, float]
    """95 % of the difference, by bootstrap over the groups of the first evaluation's `cluster_column`."""
    fisher_p: float
    """Fisher's randomisation test, two-sided, paired by query (Smucker et al. 2007), by ranx."""
    student_p: float
    """Student's t test, two-sided, paired by query, by ranx."""
    better: int
    """Queries for which the first setting is better; `equal` and `worse` likewise."""
    equal: int
    worse: int


@dataclass(frozen=True)
class Comparison:
    first: Evaluation
    second: Evaluation
    queries: int
    """That count in both."""
    left_out: int
    """That count in only one of them: other works in the collection, or nothing relevant to find there."""
    differences: tuple[Difference, ...]


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Compare query by query; works are paired by their id.

    `QueryError` when the two have no query in common. `ArtsimError` when ranx, which is needed for the tests of
    significance and nothing else, is not installed. Its randomisation test draws in several threads, so that its p differs
    in the third decimal from run to run.
    """
    fisher, student = _tests()
    seed = first.task.seed
    where = {identity: number for number, identity in enumerate(second.ids)}
    pairs = [(number, where[identity]) for number, identity in enumerate(first.ids) if identity in where]
    if not pairs:
        raise QueryError("The two have no query in common: compare collections of the same works, with the same ids.")
    ours, theirs = (np.array(column) for column in zip(*pairs, strict=True))
    a, b = first.values[ours], second.values[theirs]
    intervals = bootstrap_intervals(a - b, clusters=first.clusters[ours], seed=seed)
    differences = []
    for metric in HEADLINE:
        column = METRICS.index(metric)
        x, y = np.ascontiguousarray(a[:, column]), np.ascontiguousarray(b[:, column])
        same = bool((x == y).all())  # a t test of nothing but zeros is 0/0
        differences.append(
            Difference(
                metric=metric,
                first=float(x.mean()),
                second=float(y.mean()),
                difference=float(x.mean() - y.mean()),
                interval=(float(intervals[column, 0]), float(intervals[column, 1])),
                fisher_p=1.0 if same else float(fisher(x, y, PERMUTATIONS, 0.05, seed)[0]),
                student_p=1.0 if same or len(x) < 2 else float(student(x, y)[0]),
                better=int((x > y).sum()),
                equal=int((x == y).sum()),
                worse=int((x < y).sum()),
            )
        )
    return Comparison(first, second, len(pairs), len(first) + len(second) - 2 * len(pairs), tuple(differences))


def _tests() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """ranx's two paired tests. Imported here only: it brings numba and pandas, which nothing else needs."""
    try:
        from ranx.statistical_tests import fisher_randomization_test, paired_student_t_test
    except ImportError as error:
        raise ArtsimError(
            f"Comparing two settings needs ranx, which is not installed ({error}). Run: pip install -r requirements-dev.txt"
        ) from error
    return fisher_randomization_test, paired_student_t_test
