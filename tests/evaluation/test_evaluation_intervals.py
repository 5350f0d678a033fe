from __future__ import annotations

import numpy as np

from artsim.evaluation import bootstrap_intervals


def test_the_interval_matches_the_normal_approximation_and_the_same_seed_gives_the_same() -> None:
    values = np.random.default_rng(1).normal(size=(400, 2))
    bounds = bootstrap_intervals(values)
    half = 1.96 * values.std(axis=0) / np.sqrt(len(values))
    np.testing.assert_allclose(bounds[:, 0], values.mean(axis=0) - half, atol=0.02)
    np.testing.assert_allclose(bounds[:, 1], values.mean(axis=0) + half, atol=0.02)
    assert bootstrap_intervals(values, seed=5).tolist() == bootstrap_intervals(values, seed=5).tolist()


def test_identical_queries_of_one_group_count_once() -> None:
    of_ten = np.random.default_rng(2).random((10, 1))
    repeated, groups = np.repeat(of_ten, 30, axis=0), np.repeat(np.arange(10) * 7, 30)
    clustered = bootstrap_intervals(repeated, clusters=groups)
    np.testing.assert_allclose(clustered, bootstrap_intervals(of_ten), atol=1e-9)
    assert np.ptp(clustered) > 3 * np.ptp(bootstrap_intervals(repeated))


def test_groups_of_different_sizes_keep_the_mean_over_queries_and_one_group_has_no_interval() -> None:
    groups = np.repeat(np.arange(4), [1, 2, 30, 7])
    assert bootstrap_intervals(np.ones((40, 1)), clusters=groups).tolist() == [[1, 1]]
    assert np.isnan(bootstrap_intervals(np.ones((5, 2)), clusters=np.zeros(5, int))).all()
