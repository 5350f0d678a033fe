from __future__ import annotations

import math

import numpy as np
import pytest

from artsim.evaluation.metrics import METRICS, measure


def metrics_of(*relevant: int) -> dict[str, float]:
    """Metrics of one ranking, given as 1 (right) and 0 (wrong), best first."""
    return dict(zip(METRICS, measure(np.array(relevant, bool)).tolist(), strict=True))


def test_metrics_match_a_calculation_by_hand() -> None:
    metrics = metrics_of(0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0)
    assert metrics["precision@1"] == metrics["recall@1"] == 0
    assert metrics["precision@5"] == pytest.approx(2 / 5)
    assert metrics["precision@10"] == pytest.approx(2 / 10)
    assert metrics["hit@5"] == metrics["hit@10"] == 1
    assert metrics["recall@10"] == pytest.approx(2 / 3)
    assert metrics["r_precision"] == pytest.approx(1 / 3)  # R = 3, one of the first three
    assert metrics["map"] == pytest.approx((1 / 2 + 2 / 4 + 3 / 11) / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert metrics["ndcg@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert metrics_of(1, 0, 1)["precision@10"] == pytest.approx(2 / 10), "also with fewer than ten works"


def test_a_query_without_a_relevant_work_is_refused() -> None:
    with pytest.raises(ValueError, match="leave it out"):
        measure(np.zeros(5, bool))
