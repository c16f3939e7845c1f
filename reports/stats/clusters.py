"""Calls that are not independent: how uncertain an estimate of them is.

`Influence` holds how much each group of calls moves an estimate; its variance is the sum of squares over
groups (the linearised, cluster-robust variance: K. Wolter, Introduction to Variance Estimation, 2nd ed.,
chapter 6; the factor G / (G - 1): A. Cameron and D. Miller, A Practitioner's Guide to Cluster-Robust
Inference, J. Human Resources 50, 2015). Groups have names that two samples share, so that the covariance of
two estimates is a sum over names.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .components import Components, components, unbiased_components

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[Any]


LEAST_FREEDOM = 3.0


@dataclass(frozen=True, slots=True)
class Named:
    """Numbers by name; the names ascend and differ."""

    names: Names
    values: npt.NDArray[Any]

    @classmethod
    def added_up(cls, names: Names, values: Floats) -> "Named":
        """`values` summed by name."""
        distinct, place = np.unique(names, return_inverse=True)
        return cls(distinct, np.bincount(place, values, len(distinct)))

    def plus(self, other: "Named", factor: float = 1.0) -> "Named":
        """self + factor * other, 0 where a name is missing."""
        if np.array_equal(self.names, other.names):
            return Named(self.names, self.values + factor * other.values)
        names = np.concatenate([self.names, other.names])
        return Named.added_up(names, np.concatenate([self.values, factor * other.values]))


@dataclass(frozen=True, eq=False)
class Influence:
    """The share of each group in the error of an estimate; the estimate's error is about their sum.

    `marks` are the shares that come from what a request was and got (its length, its luck), by group, and
    `questions` what each of those groups asked, as whole numbers: groups of one question may be alike (one
    prompt has one length), by a random effect of the question. None: groups are like no others.
    """

    sums: Named
    marks: Named | None = None
    questions: Named | None = None

    @classmethod
    def of(cls, parts: Floats, groups: Names) -> "Influence":
        """`parts` of calls, added up by group."""
        return cls(Named.added_up(groups, parts))

    def scaled(self, by: float) -> "Influence":
        """The influence on `by` times the estimate."""
        marks = None if self.marks is None else Named(self.marks.names, self.marks.values * by)
        return Influence(Named(self.sums.names, self.sums.values * by), marks, self.questions)

    @property
    def groups(self) -> int:
        return len(self.sums.values)

    @cached_property
    def variance(self) -> float:
        """Of the estimate; infinite for fewer than two groups."""
        return self._own + self.alike if self.groups > 1 else math.inf

    @cached_property
    def freedom(self) -> float:
        """Degrees of freedom of the variance, for Student's t, at most the number of groups less one.

        2 * variance² / the variance of the variance (F. Satterthwaite, An approximate distribution of
        estimates of variance components, Biometrics 2, 1946): of the sum of squares by its fourth powers, so
        that a few large groups count as few; of the questions' effect by its standard error. Not below
        `LEAST_FREEDOM`, where the approximation ends.
        """
        if self.groups < 2 or not self.variance:
            return float(max(0, self.groups - 1))
        squares = np.square(self.sums.values)
        doubt = max(0.0, float(np.square(squares).sum() - squares.sum() ** 2 / self.groups))
        doubt += (self._pairs * self._effect.between_error) ** 2
        most = self.groups - 1.0
        return min(most, max(LEAST_FREEDOM, 2 * self.variance**2 / doubt)) if doubt > 0 else most

    @property
    def alike(self) -> float:
        """The variance that groups of one question add by being alike: s² (Σ n_q² - n), with s² the variance
        of the question's effect; where that is estimated as negative, at most half of the other variance."""
        return max(-self._own / 2, self._effect.between * self._pairs) if self.groups > 1 else 0.0

    def minus(self, other: "Influence") -> "Influence":
        """The influence on the difference of two estimates, whose groups of one name are the same."""
        sums = self.sums.plus(other.sums, -1.0)
        if self.marks is None or other.marks is None or self.questions is None or other.questions is None:
            return Influence(sums)
        marks = self.marks.plus(other.marks, -1.0)
        both = np.concatenate([self.questions.names, other.questions.names])
        names, first = np.unique(both, return_index=True)
        asked = np.concatenate([self.questions.values, other.questions.values])[first]
        return Influence(sums, marks, Named(names, asked))

    def correlation(self, other: "Influence") -> float:
        """Of the two estimates, from -1 to 1; 0 where one of them does not vary."""
        ours, theirs = self.variance, other.variance
        size = math.sqrt(ours * theirs)
        if not 0 < size < math.inf:
            return 0.0
        return max(-1.0, min(1.0, (ours + theirs - self.minus(other).variance) / 2 / size))

    @cached_property
    def _own(self) -> float:
        n = self.groups
        return float(np.square(self.sums.values).sum()) * n / (n - 1)

    @cached_property
    def _effect(self) -> Components:
        if self.marks is None or self.questions is None:
            return Components(0.0, 0.0, 0.0)
        return unbiased_components(self.marks.values, self.questions.values)

    @cached_property
    def _pairs(self) -> float:
        if self.questions is None:
            return 0.0
        _, sizes = np.unique(self.questions.values, return_counts=True)
        return float(np.square(sizes).sum() - sizes.sum())


def kish(sizes: npt.ArrayLike) -> float:
    """The effective number of groups of these sizes, (sum)² / sum of squares (L. Kish, Survey Sampling)."""
    n = np.asarray(sizes, dtype=np.float64)
    return float(n.sum() ** 2 / np.square(n).sum()) if len(n) else 0.0


@dataclass(frozen=True, slots=True)
class Worth:
    """The number of independent calls that some are worth, and the degrees of freedom of that number."""

    calls: float
    freedom: float


def answers_worth(right: npt.NDArray[np.bool_], answers: Names, questions: Names) -> Worth:
    """The number of independent calls that these are worth, for the share that is `right`.

    Calls that got one answer are right or wrong together: their correlation is 1. Different answers to one
    question have the correlation r, from the variances between and within questions. With n calls, n_a by
    answer and n_q by question, the design effect is (Σ n_a² + r (Σ n_q² - Σ n_a²)) / n (J. Rao and A. Scott,
    Biometrics 48, 1992); its degrees of freedom are Satterthwaite's, as for `Influence`.
    """
    _, first, served = np.unique(answers, return_index=True, return_counts=True)
    _, asked = np.unique(questions, return_counts=True)
    n = len(right)
    n_a2 = float(np.square(served.astype(np.float64)).sum())
    n_q2 = max(n_a2, float(np.square(asked.astype(np.float64)).sum()))
    found = components(right[first].astype(np.float64), questions[first])
    size = n_a2 + found.alike * (n_q2 - n_a2)
    everything = found.between + found.within
    if not everything:
        return Worth(n * n / size, kish(asked) - 1)
    doubt = ((n_q2 - n_a2) * found.between_error / everything) ** 2 + 2 * n_a2**2 / len(first)
    return Worth(n * n / size, min(len(asked) - 1.0, 2 * size**2 / doubt))
