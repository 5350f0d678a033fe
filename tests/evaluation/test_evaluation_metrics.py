from __future__ import annotations

import math

import numpy as np
import pytest

from artsim.evaluation import METRICS, measure


def metrics_of(*relevant: int) -> dict[str, float]:
    """Metrics of one ranking, given as 1 (right) and 0 (wrong), best first."""
    return dict(zip(METRICS, measure(np.array([relevant], bool))[0].tolist(), strict=True))


def test_metrics_match_a_calculation_by_hand() -> None:
    metrics = metrics_of(0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0)
    assert metrics["precision@1"] == 0
    assert metrics["precision@5"] == pytest.approx(2 / 5)
    assert metrics["precision@10"] == pytest.approx(2 / 10)
    assert metrics["hit@5"] == metrics["hit@10"] == 1
    assert metrics["recall@1"] == 0
    assert metrics["recall@10"] == pytest.approx(2 / 3)
    assert metrics["r_precision"] == pytest.approx(1 / 3)  # R = 3, one of the first three
    assert metrics["map"] == pytest.approx((1 / 2 + 2 / 4 + 3 / 11) / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert metrics["ndcg@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)


def test_precision_at_10_divides_by_10_even_with_fewer_works() -> None:
    assert metrics_of(1, 0, 1)["precision@10"] == pytest.approx(2 / 10)


def test_a_query_without_a_relevant_work_is_refused() -> None:
    with pytest.raises(ValueError, match="leave it out"):
        measure(np.zeros((1, 5), bool))


@pytest.mark.slow
def test_metrics_match_ranx() -> None:
    ranx = pytest.importorskip("ranx", reason="ranx is not installed (requirements-dev.txt)")
    from numba.typed import List

    rng = np.random.default_rng(0)
    relevant = rng.random((40, 60)) < rng.uniform(0.02, 0.4, (40, 1))
    relevant[:, 30] |= ~relevant.any(axis=1)
    judged, ranked = List(), List()
    for row in relevant:
        judged.append(np.stack([np.flatnonzero(row).astype(float), np.ones(row.sum())], axis=1))
        ranked.append(np.stack([np.arange(60.0), -np.arange(60.0)], axis=1))
    names = {"precision@10": "precision@10", "r-precision": "r_precision", "map": "map", "ndcg@10": "ndcg@10"}
    theirs = ranx.evaluate(judged, ranked, list(names), return_mean=False)
    ours = measure(relevant)
    for name, metric in names.items():
        np.testing.assert_allclose(ours[:, METRICS.index(metric)], theirs[name], atol=1e-9, err_msg=metric)
