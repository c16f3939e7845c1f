"""Logistic regression with a ridge: P(right) from a few features, by Newton's method. Deterministic."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEPS = 30
RIDGE = 1.0


class Scale(NamedTuple):
    """Standardises features to mean 0 and spread 1; a constant feature becomes 0."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, features: Floats) -> "Scale":
        spread = features.std(axis=0)
        return cls(features.mean(axis=0), np.where(spread > 1e-9, spread, np.inf))

    def __call__(self, features: Floats) -> Floats:
        scaled: Floats = (features - self.mean) / self.spread
        return scaled


def fit(features: Floats, right: NDArray[np.bool_], weights: Floats) -> Floats:
    """The coefficients, the constant first; the ridge shrinks all others."""
    columns = with_constant(features)
    ridge = np.full(columns.shape[1], RIDGE)
    ridge[0] = 1e-3
    coefficients = np.zeros(columns.shape[1])
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(-np.clip(columns @ coefficients, -30, 30)))
        slope = columns.T @ (weights * (right - expected)) - ridge * coefficients
        curvature = (columns * (weights * expected * (1 - expected))[:, None]).T @ columns
        step = np.linalg.solve(curvature + np.diag(ridge), slope)
        coefficients += np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-8:
            break
    return coefficients


def log_odds(coefficients: Floats, features: Floats) -> Floats:
    """The log-odds that each row is right."""
    odds: Floats = with_constant(features) @ coefficients
    return odds


def with_constant(features: Floats) -> Floats:
    return np.concatenate([np.ones((len(features), 1)), features], axis=1)
