"""A classifier of works by a label, from the vectors of labelled works, with probabilities that hold what they say.

Two estimates are mixed: ridge regression on the labels, and a vote of the neighbours, weighted by their likeness. The penalty of
the first and the temperatures of both are those with the least log loss, each group of works, such as those of an artist,
predicted without itself; for ridge regression such predictions have a closed form. The probability of the best label is then
mapped to how often it is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from artsim.encoders.label_probabilities import (
    ProbabilityMap,
    Reliability,
    fit_map,
    left_out,
    measure_reliability,
    softmax,
)

PENALTIES = (0.3, 1.0, 3.0)
RIDGE_TEMPERATURES = (0.04, 0.05, 0.07, 0.1, 0.14, 0.2)
VOTE_TEMPERATURES = (0.03, 0.05, 0.07, 0.1)
_VOTE = 0.25  # share of the vote; chosen on art-eval by artist and by style
_LEAST = 1e-3  # probability: no single work decides


@dataclass(frozen=True)
class Classifier:
    """Predicts one of c labels from the products (n,) of a vector with those of the n works that it was fitted to."""

    coefficients: np.ndarray
    """(n, c) of the ridge regression."""
    shares: np.ndarray
    """(n, c): the labels of each work, each row with the sum 1."""
    ridge_temperature: float
    vote_temperature: float
    map: ProbabilityMap
    reliability: Reliability

    def probabilities(self, products: np.ndarray) -> np.ndarray:
        """(c,) with the sum 1."""
        ridge = self.shares.mean(axis=0) + products @ self.coefficients
        mixed = _mixed(softmax(ridge / self.ridge_temperature), _vote(products, self.shares, self.vote_temperature))
        return self.map(mixed)


@dataclass(frozen=True)
class _Fit:
    """One choice of penalty and temperatures: what it predicts of each work, the work's group left out."""

    penalty: float
    ridge_temperature: float
    vote_temperature: float
    loss: np.ndarray
    """(n,): log loss."""
    best: np.ndarray
    """(n,): the probability of the most probable label."""
    right: np.ndarray
    """(n,) bool: whether it is right."""


def fit_classifier(products: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> Classifier:
    """Fit to the `products` (n, n) of the vectors of works, their `labels` (n, c) bool, at least one each, and `groups` (n,)."""
    products = products.astype(np.float64)
    shares = labels / labels.sum(axis=1, keepdims=True)
    fits = list(_fits(products, labels, shares, groups))
    best = min(fits, key=lambda fit: fit.loss.mean())
    inverse = np.linalg.inv(products + best.penalty * np.eye(len(products)))
    return Classifier(
        coefficients=(inverse @ (shares - shares.mean(axis=0))).astype(np.float32),
        shares=shares.astype(np.float32),
        ridge_temperature=best.ridge_temperature,
        vote_temperature=best.vote_temperature,
        map=fit_map(best.best, best.right),
        reliability=_reliability(fits, groups),
    )


def _fits(products: np.ndarray, labels: np.ndarray, shares: np.ndarray, groups: np.ndarray) -> Iterator[_Fit]:
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    votes = {temperature: _left_out_votes(products, shares, members, temperature) for temperature in VOTE_TEMPERATURES}
    for penalty in PENALTIES:
        outputs = _left_out_ridge(products, shares, members, penalty)
        for ridge_temperature in RIDGE_TEMPERATURES:
            ridge = softmax(outputs / ridge_temperature)
            for vote_temperature, vote in votes.items():
                mixed = _mixed(ridge, vote)
                of_labels = np.maximum((mixed * labels).sum(axis=1), _LEAST)
                right = labels[np.arange(len(labels)), mixed.argmax(axis=1)]
                loss = -np.log(of_labels)
                yield _Fit(penalty, ridge_temperature, vote_temperature, loss, mixed.max(axis=1), right)


def _left_out_ridge(products: np.ndarray, shares: np.ndarray, members: list[np.ndarray], penalty: float) -> np.ndarray:
    """(n, c): what ridge regression to all other groups gives for the works of each group."""
    inverse = np.linalg.inv(products + penalty * np.eye(len(products)))
    targets = shares - shares.mean(axis=0)
    coefficients = inverse @ targets
    outputs = np.empty_like(shares)
    for rows in members:
        outputs[rows] = targets[rows] - np.linalg.solve(inverse[np.ix_(rows, rows)], coefficients[rows])
    return outputs + shares.mean(axis=0)


def _left_out_votes(
    products: np.ndarray, shares: np.ndarray, members: list[np.ndarray], temperature: float
) -> np.ndarray:
    """(n, c): the vote of all other groups on the works of each group."""
    votes = np.empty_like(shares)
    for rows in members:
        others = products[rows]
        others[:, rows] = -np.inf
        votes[rows] = _vote(others, shares, temperature)
    return votes


def _vote(products: np.ndarray, shares: np.ndarray, temperature: float) -> np.ndarray:
    return softmax(products / temperature) @ shares


def _mixed(ridge: np.ndarray, vote: np.ndarray) -> np.ndarray:
    return (1 - _VOTE) * ridge + _VOTE * vote


def _reliability(fits: list[_Fit], groups: np.ndarray) -> Reliability:
    """Penalty, temperatures and map are chosen without the works that they are measured on."""
    probabilities, right = np.zeros(len(groups)), np.zeros(len(groups), bool)
    for measured, others in left_out(groups):
        fit = min(fits, key=lambda fit: fit.loss[others].mean())
        probabilities[measured] = fit_map(fit.best[others], fit.right[others]).of_best(fit.best[measured])
        right[measured] = fit.right[measured]
    return measure_reliability(probabilities, right, groups=len(np.unique(groups)))
