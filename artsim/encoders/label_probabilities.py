"""Probabilities of labels that hold what they say, and the measure of whether they do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import BaseModel, ConfigDict

SURE = 0.5
"""The least probability of an answer."""
TOLERATED = 0.1
"""The expected calibration error, beyond that of chance, up to which probabilities hold what they say."""
_BINS = 10
_EXTREME = 0.01  # probabilities below this, and above 1 minus this, are taken for it
_PRIOR = 1.0  # how strongly a map is held to the identity
_STEPS = 50
_FOLDS = 100
_TEMPERATURES = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)


class ProbabilityMap(BaseModel):
    """Maps the probability of the most probable label to how often it is right (Platt scaling: Platt 1999)."""

    model_config = ConfigDict(frozen=True)

    slope: float = 1.0
    intercept: float = 0.0

    def of_best(self, probabilities: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-(self.slope * _logit(probabilities) + self.intercept)))

    def __call__(self, probabilities: np.ndarray) -> np.ndarray:
        """(c,) with the sum 1: the largest one is mapped, the others keep their proportions and do not exceed it."""
        number = int(probabilities.argmax())
        others = np.delete(probabilities, number)
        if not others.any():
            return probabilities
        least = others.max() / (others.sum() + others.max())  # where the second is as probable
        best = max(float(self.of_best(probabilities[number])), float(least))
        mapped = probabilities * (1 - best) / others.sum()
        mapped[number] = best
        return mapped


class Reliability(BaseModel):
    """What predictions are worth, measured on works that had no part in them."""

    model_config = ConfigDict(frozen=True)

    works: int
    groups: int
    """Works of one group, such as an artist, are predicted without one another."""
    accuracy: float
    """Share of the works whose most probable label is right."""
    calibration_error: float
    """Expected calibration error: mean distance between probability and share that is right, over ten bins of probability."""
    chance_error: float = 0.0
    """The calibration error to expect of probabilities that hold, as there are so few works: see `chance_error`."""
    answered: float
    """Share of the works whose most probable label has at least the probability `SURE`."""
    right: float | None
    """Share of those that are right; None if there are none."""

    @property
    def holds(self) -> bool:
        """Whether the probabilities hold what they say: their calibration error exceeds chance by at most `TOLERATED`."""
        return self.calibration_error - self.chance_error <= TOLERATED


class HeadCalibration(BaseModel):
    """Makes probabilities of the scores that a head gives to its classes."""

    model_config = ConfigDict(frozen=True)

    temperature: float
    map: ProbabilityMap
    reliability: Reliability

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Scores (c,) -> probabilities (c,) with the sum 1."""
        return self.map(softmax(scores / self.temperature))


def fit_calibration(scores: np.ndarray, right: np.ndarray, groups: np.ndarray) -> HeadCalibration:
    """From the `scores` (n, c) of works that the head was not trained on, and their `right` classes (n,); see `left_out`."""
    rows = np.arange(len(right))

    def fit(chosen: np.ndarray) -> tuple[float, ProbabilityMap]:
        losses = [
            -np.log(softmax(scores[chosen] / t)[rows[: chosen.sum()], right[chosen]] + 1e-9).mean()
            for t in _TEMPERATURES
        ]
        temperature = _TEMPERATURES[int(np.argmin(losses))]
        best = softmax(scores[chosen] / temperature).max(axis=1)
        return temperature, fit_map(best, scores[chosen].argmax(axis=1) == right[chosen])

    probabilities = np.zeros(len(right))
    for measured, others in left_out(groups):
        temperature, found = fit(others)
        probabilities[measured] = found.of_best(softmax(scores[measured] / temperature).max(axis=1))
    temperature, found = fit(np.ones(len(right), bool))
    names = len(np.unique(groups))
    reliability = measure_reliability(probabilities, scores.argmax(axis=1) == right, groups=names)
    return HeadCalibration(temperature=temperature, map=found, reliability=reliability)


def left_out(groups: np.ndarray, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Works (n,) bool that are measured, and the others, for each of at most `_FOLDS` folds of whole `groups` (n,).

    Works that are all of one group are left out one by one.
    """
    names, numbers = np.unique(groups, return_inverse=True)
    if len(names) == 1:
        names, numbers = np.arange(len(groups)), np.arange(len(groups))
    folds = np.random.default_rng(seed).permutation(len(names))[numbers] % _FOLDS
    for fold in np.unique(folds):
        measured = folds == fold
        yield measured, ~measured


def fit_map(probabilities: np.ndarray, right: np.ndarray) -> ProbabilityMap:
    """Logistic regression of `right` (n,) bool on the logits of the `probabilities` (n,) of answers, by Newton's method."""
    inputs = np.stack([_logit(probabilities), np.ones(len(probabilities))], axis=1)
    identity = np.array([1.0, 0.0])
    found = identity.copy()
    for _ in range(_STEPS):
        predicted = 1 / (1 + np.exp(-inputs @ found))
        gradient = inputs.T @ (predicted - right) + _PRIOR * (found - identity)
        curvature = (inputs * (predicted * (1 - predicted))[:, None]).T @ inputs + _PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        found = found - step
        if np.abs(step).max() < 1e-6:
            break
    return ProbabilityMap(slope=float(found[0]), intercept=float(found[1]))


def measure_reliability(probabilities: np.ndarray, right: np.ndarray, *, groups: int) -> Reliability:
    """Of the best `probabilities` (n,) of works, and whether they are `right` (n,) bool."""
    sure = probabilities >= SURE
    return Reliability(
        works=len(right),
        groups=groups,
        accuracy=float(right.mean()),
        calibration_error=calibration_error(probabilities, right),
        chance_error=chance_error(probabilities),
        answered=float(sure.mean()),
        right=float(right[sure].mean()) if sure.any() else None,
    )


def calibration_error(probabilities: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error (Naeini et al. 2015) of `probabilities` (n,) of answers that are `right` (n,) bool or not."""
    error = 0.0
    for members in _bins(probabilities):
        error += members.mean() * abs(probabilities[members].mean() - right[members].mean())
    return float(error)


def chance_error(probabilities: np.ndarray) -> float:
    """The mean of `calibration_error` if each answer is right with exactly its probability (n,).

    About .2 for 24 works, .04 for 500. The distance in a bin is taken for the magnitude of a normal variable.
    """
    variances = probabilities * (1 - probabilities)
    spreads = sum(np.sqrt(variances[members].sum()) for members in _bins(probabilities))
    return float(np.sqrt(2 / np.pi) * spreads / len(probabilities))


def _bins(probabilities: np.ndarray) -> Iterator[np.ndarray]:
    """(n,) bool for each bin that has members."""
    bins = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    for number in np.unique(bins):
        yield bins == number


def softmax(values: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _logit(probabilities: np.ndarray) -> np.ndarray:
    kept = np.clip(probabilities, _EXTREME, 1 - _EXTREME)
    return np.log(kept / (1 - kept))
