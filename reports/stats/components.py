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
    """The components of `values` in `groups`, for values that are all of one kind, such as right or wrong.

    Within: pooled over groups of two values or more. Between: Paule's and Mandel's, at which the groups'
    means, weighted by their precision, scatter as expected; 0 at least (R. Paule and J. Mandel, J. Res. Natl.
    Bur. Stand. 87, 1982; R. DerSimonian and R. Kacker, Contemporary Clinical Trials 28, 2007). An analysis of
    variance weighs groups by their size and knows little where a few groups have most values. No variance
    between can be told where no group has two values, or all groups are one: it is 0.
    """
    found = _Groups.of(values, groups)
    if found is None:
        return Components(0.0, 0.0, 0.0)
    if found.within <= 0:
        return Components(float(np.var(found.means, ddof=1)), 0.0, 0.0)
    return found.with_between(_paule_mandel(found.means, found.within / found.sizes))


def unbiased_components(values: Floats, groups: npt.NDArray[Any]) -> Components:
    """The components by a one-way analysis of variance, whose variance between may be negative.

    Right on average for values of any distribution, also heavy tails (S. Searle, G. Casella and C. McCulloch,
    Variance Components, 3.6); cut off at 0 it would be too large on average (J. Nelder, The interpretation of
    negative components of variance, Biometrika 41, 1954).
    """
    found = _Groups.of(values, groups)
    if found is None:
        return Components(0.0, 0.0, 0.0)
    n, k = found.sizes.sum(), len(found.sizes)
    scatter = float((found.sizes * np.square(found.means - values.mean())).sum()) / (k - 1)
    typical = float(n - np.square(found.sizes).sum() / n) / (k - 1)
    return found.with_between((scatter - found.within) / typical)


@dataclass(frozen=True, slots=True)
class _Groups:
    means: Floats
    sizes: Floats
    within: float

    @classmethod
    def of(cls, values: Floats, groups: npt.NDArray[Any]) -> "_Groups | None":
        """None where nothing can be told: one group, or none of two values."""
        distinct, place = np.unique(groups, return_inverse=True)
        n, k = len(values), len(distinct)
        if k < 2 or n <= k:
            return None
        sizes = np.bincount(place, minlength=k).astype(np.float64)
        means = np.bincount(place, values, k) / sizes
        return cls(means, sizes, float(np.square(values - means[place]).sum()) / (n - k))

    def with_between(self, between: float) -> Components:
        if self.within <= 0:
            return Components(between, 0.0, 0.0)
        errors = max(0.0, between) + self.within / self.sizes
        return Components(between, self.within, math.sqrt(2 / float(np.square(1 / errors).sum())))


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
