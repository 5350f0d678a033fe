from __future__ import annotations

import numpy as np
import pytest

from artsim.analysis.classifier import _left_out_ridge, fit_classifier
from artsim.encoders.label_probabilities import (
    ProbabilityMap,
    calibration_error,
    chance_error,
    fit_calibration,
    fit_map,
    measure_reliability,
)


def clusters(classes: int = 3, groups: int = 8, works: int = 6, noise: float = 1.0) -> tuple[np.ndarray, ...]:
    """Vectors (n, 16), labels (n, classes) bool and groups (n,): each group has one label and an offset of its own."""
    random = np.random.default_rng(5)
    labels = np.repeat(np.arange(groups) % classes, works)
    numbers = np.repeat(np.arange(groups), works)
    centres, offsets = random.normal(size=(classes, 16)), random.normal(size=(groups, 16))
    vectors = centres[labels] + noise * (offsets[numbers] + random.normal(size=(len(labels), 16)))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, np.eye(classes, dtype=bool)[labels], numbers


def test_left_out_ridge_is_ridge_regression_without_the_group() -> None:
    vectors, labels, groups = clusters()
    products, targets = vectors @ vectors.T, labels.astype(float)
    mean = targets.mean(axis=0)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    found = _left_out_ridge(products, targets, members, 0.3)
    for rows in members:
        others = np.setdiff1d(np.arange(len(labels)), rows)
        inverse = np.linalg.inv(products[np.ix_(others, others)] + 0.3 * np.eye(len(others)))
        expected = products[np.ix_(rows, others)] @ inverse @ (targets[others] - mean) + mean
        np.testing.assert_allclose(found[rows], expected, atol=1e-8)


def test_new_vectors_of_a_class_get_its_label_and_noise_gets_none() -> None:
    vectors, labels, groups = clusters(noise=0.3)
    classifier = fit_classifier(vectors @ vectors.T, labels, groups)
    for number in range(3):
        centre = vectors[labels[:, number]].mean(axis=0)
        probabilities = classifier.probabilities(vectors @ (centre / np.linalg.norm(centre)))
        assert probabilities.argmax() == number and probabilities[number] > 0.8
        assert probabilities.sum() == pytest.approx(1)
    assert classifier.reliability.accuracy > 0.9 and classifier.reliability.groups == 8


def test_labels_that_the_vectors_do_not_show_are_never_sure() -> None:
    vectors, labels, groups = clusters(groups=40, works=3)
    shuffled = labels[::3][np.random.default_rng(1).permutation(40)].repeat(3, axis=0)
    reliability = fit_classifier(vectors @ vectors.T, shuffled, groups).reliability
    assert reliability.accuracy < 0.6 and reliability.answered < 0.5
    assert reliability.calibration_error < 0.15


def test_a_work_with_two_labels_is_right_with_either() -> None:
    vectors, labels, groups = clusters(noise=0.3)
    both = labels.copy()
    both[:, 0] |= labels[:, 1]  # all works of the second class have the first label, too
    assert fit_classifier(vectors @ vectors.T, both, groups).reliability.accuracy == 1


@pytest.mark.parametrize(
    ("probabilities", "right", "expected"),
    [
        ([0.85] * 4, [True, True, True, False], 0.1),
        ([0.95] * 2 + [0.15] * 2, [True, False, False, False], (0.45 + 0.15) / 2),
        ([1.0] * 3, [True] * 3, 0),
    ],
)
def test_the_calibration_error_is_the_distance_between_probability_and_share(
    probabilities: list[float], right: list[bool], expected: float
) -> None:
    assert calibration_error(np.array(probabilities), np.array(right)) == pytest.approx(expected)


@pytest.mark.parametrize("works", [24, 100, 500])
def test_few_works_are_not_blamed_for_the_calibration_error_of_chance(works: int) -> None:
    random = np.random.default_rng(4)
    probabilities = random.uniform(0.2, 0.95, works)
    errors = [calibration_error(probabilities, random.random(works) < probabilities) for _ in range(400)]
    assert chance_error(probabilities) == pytest.approx(np.mean(errors), rel=0.1)
    holding = [
        measure_reliability(probabilities, random.random(works) < probabilities, groups=works).holds for _ in range(40)
    ]
    assert np.mean(holding) > 0.9
    assert not measure_reliability(probabilities, np.zeros(works, bool), groups=works).holds


def test_a_map_corrects_probabilities_that_promise_too_much() -> None:
    random = np.random.default_rng(2)
    promised = random.uniform(0.5, 0.99, 4000)
    right = random.random(4000) < 0.5 + (promised - 0.5) / 2
    mapped = fit_map(promised, right).of_best(promised)
    assert calibration_error(promised, right) > 0.1 and calibration_error(mapped, right) < 0.03


def test_a_map_leaves_the_order_and_the_sum() -> None:
    mapped = ProbabilityMap(slope=1, intercept=-4)(np.array([0.1, 0.6, 0.3]))
    assert mapped.sum() == pytest.approx(1)
    assert mapped[1] >= mapped[2] > mapped[0] > 0 and mapped[2] / mapped[0] == pytest.approx(3)
    assert ProbabilityMap()(np.array([1.0])).tolist() == [1.0]


def test_scores_of_a_head_become_probabilities_that_hold() -> None:
    random = np.random.default_rng(3)
    right = random.integers(0, 4, 1200)
    scores = random.normal(size=(1200, 4))
    scores[np.arange(1200), right] += 1.5
    calibration = fit_calibration(scores * 5, right, np.arange(1200))  # a head that is five times too sure
    assert calibration.temperature > 2 and calibration.reliability.calibration_error < 0.05
    assert calibration(scores[0] * 5).sum() == pytest.approx(1)
    of_one_artist = fit_calibration(scores * 5, right, np.zeros(1200, int)).reliability
    assert (of_one_artist.groups, of_one_artist.works) == (1, 1200), "its works are measured one by one"
    assert of_one_artist.calibration_error < 0.05


def test_nobody_is_sure_of_nothing() -> None:
    unsure = measure_reliability(np.array([0.2, 0.4]), np.array([True, False]), groups=2)
    assert (unsure.answered, unsure.right) == (0, None)
