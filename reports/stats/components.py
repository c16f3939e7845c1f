"""Variance components of grouped values: how much groups differ, and how much values of one group do.

The model is y_ij = mean + effect of group i + error, both independent with constant variances.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_STEPS = 40
_NOTHING = 1e-300


@dataclass(frozen=True, slots=True)
class Components:
    """The variances between and within groups; `between_error`: the standard error of the first."""

    between: float
    within: float
    between_error: float

    @property
    def alike(self) -> float:
        """The correlation of two values of one group, from 0 to 1."""
        return self.between / (self.between + self.within) if self.between + self.within > 0 else 0.0


def components(values: Floats, groups: npt.NDArray[Any]) -> Components:
    """The components of `values` in `groups`.

    Within: pooled over groups of two values or more. Between: Paule's and Mandel's, at which the groups'
    means, weighted by their precision, scatter as expected; 0 at least (R. Paule and J. Mandel, J. Res. Natl.
    Bur. Stand. 87, 1982; R. DerSimonian and R. Kacker, Contemporary Clinical Trials 28, 2007). An analysis of
    variance weighs groups by their size and knows little where a few groups have most values. No variance
    between can be told where no group has two values, or all groups are one: it is 0.
    """
    distinct, place = np.unique(groups, return_inverse=True)
    n, k = len(values), len(distinct)
    if k < 2 or n <= k:
        return Components(0.0, 0.0, 0.0)
    sizes = np.bincount(place, minlength=k).astype(np.float64)
    means = np.bincount(place, values, k) / sizes
    within = float(np.square(values - means[place]).sum()) / (n - k)
    if within <= 0:
        return Components(float(np.var(means, ddof=1)), 0.0, 0.0)
    between = _paule_mandel(means, within / sizes)
    error = math.sqrt(2 / float(np.square(1 / (between + within / sizes)).sum()))
    return Components(between, within, error)


def _paule_mandel(means: Floats, errors: Floats) -> float:
    """The variance of the true means; `errors`: the variances of the means about them."""
    freedom = len(means) - 1

    def excess(between: float) -> float:
        weights = 1 / np.maximum(between + errors, _NOTHING)
        centre = float((weights * means).sum() / weights.sum())
        return float((weights * np.square(means - centre)).sum()) - freedom

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, float(np.var(means, ddof=1))
    while excess(high) > 0:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2
