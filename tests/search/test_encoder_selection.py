"""Encoder selection and fusion, on hand-made numbers."""

import numpy as np
import pytest

from artsim.search.encoder_selection import best_of, spread_of, standard_scores
from artsim.search.fusion import reciprocal_ranks, shares_of


def test_a_score_is_measured_in_spreads_above_the_median_of_the_sample() -> None:
    sample = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])  # median 0, median absolute deviation 1
    assert spread_of(sample) == pytest.approx(1.4826)
    np.testing.assert_allclose(standard_scores(np.array([0.0, 1.4826, -2.9652]), sample), [0, 1, -2])


def test_a_few_pairs_that_are_truly_alike_do_not_widen_the_spread() -> None:
    crowd = np.random.default_rng(0).normal(0, 0.1, 10_000)
    alike = np.concatenate([crowd, np.full(300, 0.9)])
    assert spread_of(alike) == pytest.approx(spread_of(crowd), rel=0.05)
    assert alike.std() > 1.5 * crowd.std()


def test_a_sample_without_spread_gives_no_score() -> None:
    assert np.isnan(standard_scores(np.array([0.5, 0.6]), np.zeros(0))).all()
    assert np.isnan(standard_scores(np.array([0.5, 0.6]), np.full(7, 0.5))).all()


@pytest.mark.parametrize(
    ("values", "position"),
    [([0.1, 0.3, 0.2], 1), ([0.3, 0.3], 0), ([np.nan, -5.0], 1), ([np.nan, np.nan], 0), ([2.0], 0)],
)
def test_the_highest_value_is_chosen_and_the_first_of_equals(values: list[float], position: int) -> None:
    assert best_of(values) == position


def test_the_wider_the_spread_of_a_space_the_smaller_its_share() -> None:
    narrow, wide = np.array([-0.1, 0.0, 0.1]), np.array([-0.4, 0.0, 0.4])
    np.testing.assert_allclose(shares_of([narrow, wide], [1, 1]), [0.8, 0.2])
    np.testing.assert_allclose(shares_of([narrow, wide], [1, 4]), [0.5, 0.5])


def test_without_a_spread_the_weights_alone_count() -> None:
    np.testing.assert_allclose(shares_of([np.zeros(0), np.array([0.1, 0.2])], [3, 1]), [0.75, 0.25])


def test_reciprocal_ranks_are_weighted() -> None:
    rows, scores = reciprocal_ranks([np.array([7]), np.array([3])], [3, 1])
    assert dict(zip(rows.tolist(), scores.tolist(), strict=True)) == pytest.approx({7: 3 / 61, 3: 1 / 61})
