"""Encoder selection and fusion without figures to go by, and with weights."""

import numpy as np
import pytest

from artsim.search.encoder_selection import best_of, standard_scores
from artsim.search.fusion import reciprocal_ranks, shares_of


def test_a_sample_without_spread_gives_no_score() -> None:
    assert np.isnan(standard_scores(np.array([0.5, 0.6]), np.zeros(0))).all()
    assert np.isnan(standard_scores(np.array([0.5, 0.6]), np.full(7, 0.5))).all()


@pytest.mark.parametrize(
    ("values", "position"),
    [([0.1, 0.3, 0.2], 1), ([0.3, 0.3], 0), ([np.nan, -5.0], 1), ([np.nan, np.nan], 0), ([2.0], 0)],
)
def test_the_highest_value_is_chosen_and_the_first_of_equals(values: list[float], position: int) -> None:
    assert best_of(values) == position


def test_without_a_spread_the_weights_alone_count() -> None:
    np.testing.assert_allclose(shares_of([np.zeros(0), np.array([0.1, 0.2])], [3, 1]), [0.75, 0.25])


def test_reciprocal_ranks_are_weighted() -> None:
    rows, scores = reciprocal_ranks([np.array([7]), np.array([3])], [3, 1])
    assert dict(zip(rows.tolist(), scores.tolist(), strict=True)) == pytest.approx({7: 3 / 61, 3: 1 / 61})
