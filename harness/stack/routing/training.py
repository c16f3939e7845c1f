"""Training the heuristic router: logistic regression by Newton's method, in a few lines of numpy.

Minimises the mean log loss plus `l2 / 2` times the squared weights (without the intercept), on features
standardised to mean 0 and deviation 1. The loss is strictly convex: the result is unique and needs no random
start. Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 4.4.1.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .heuristic import Weights

Floats = npt.NDArray[np.float64]
DIGITS = 6
"""Decimal digits of the weights: too many to change a decision, few enough to be equal on all machines."""


def train(
    names: Sequence[str],
    rows: Sequence[Sequence[float]],
    large: Sequence[bool],
    *,
    l2: float = 0.1,
    steps: int = 50,
) -> Weights:
    """Weights that predict `large` (the question needs the large tier) from the features in `rows`."""
    x: Floats = np.asarray(rows, dtype=np.float64)
    y: Floats = np.asarray(large, dtype=np.float64)
    means, deviations = x.mean(axis=0), x.std(axis=0)
    deviations[deviations == 0] = 1.0
    design = np.column_stack([np.ones(len(x)), (x - means) / deviations])
    penalty = np.full(design.shape[1], l2)
    penalty[0] = 0.0
    weights = np.zeros(design.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (p - y) / len(y) + penalty * weights
        curvature = (design.T * (p * (1 - p))) @ design / len(y) + np.diag(penalty)
        weights -= np.linalg.solve(curvature, gradient)
    return Weights(
        names=tuple(names),
        means=_rounded(means),
        deviations=_rounded(deviations),
        weights=_rounded(weights[1:]),
        intercept=round(float(weights[0]), DIGITS),
    )


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(value), DIGITS) for value in values)
