"""Calls that are not independent: how many independent ones they are worth.

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
import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Influence:
    """The share of each group in the error of an estimate; the estimate's error is about their sum.

    `marks` are the shares that come from what a request was and got (its length, its luck), by group, and
    `questions` what each group asked: groups of one question may be alike (one prompt has one length), by a
    random effect of the question. None: groups are like no others.
    """

    sums: "pd.Series[float]"
    marks: "pd.Series[float] | None" = None
    questions: "pd.Series[Any] | None" = None

    @classmethod
    def of(cls, parts: Floats, groups: "pd.Series[Any]") -> "Influence":
        """`parts` of calls, added up by group."""
        return cls(pd.Series(parts).groupby(groups.to_numpy(), sort=True).sum())

    def scaled(self, by: float) -> "Influence":
        """The influence on `by` times the estimate."""
        marks = None if self.marks is None else self.marks * by
        return Influence(self.sums * by, marks, self.questions)

    @cached_property
    def variance(self) -> float:
        """Of the estimate; infinite for fewer than two groups."""
        n = len(self.sums)
        if n < 2:
            return math.inf
        return float(np.square(self.sums.to_numpy()).sum()) * n / (n - 1) + self.alike

    @cached_property
    def alike(self) -> float:
        """The variance that groups of one question add by being alike: s² (Σ n_q² - n), with s² the variance
        of the question's effect by analysis of variance (not below 0)."""
        if self.marks is None or self.questions is None:
            return 0.0
        sizes = self.questions.value_counts(sort=False).to_numpy(dtype=np.float64)
        between, _ = components(np.asarray(self.marks, dtype=np.float64), self.questions)
        return between * float(np.square(sizes).sum() - sizes.sum())

    def minus(self, other: "Influence") -> "Influence":
        """The influence on the difference of two estimates, whose groups of one name are the same."""
        sums = self.sums.sub(other.sums, fill_value=0.0)
        if self.marks is None or other.marks is None or self.questions is None or other.questions is None:
            return Influence(sums)
        marks = self.marks.sub(other.marks, fill_value=0.0)
        return Influence(sums, marks, self.questions.combine_first(other.questions).reindex(marks.index))

    def correlation(self, other: "Influence") -> float:
        """Of the two estimates, from -1 to 1; 0 where one of them does not vary."""
        ours, theirs = self.variance, other.variance
        size = math.sqrt(ours * theirs)
        if not 0 < size < math.inf:
            return 0.0
        return max(-1.0, min(1.0, (ours + theirs - self.minus(other).variance) / 2 / size))


def kish(sizes: npt.ArrayLike) -> float:
    """The effective number of groups of these sizes, (sum)² / sum of squares (L. Kish, Survey Sampling)."""
    n = np.asarray(sizes, dtype=np.float64)
    return float(n.sum() ** 2 / np.square(n).sum()) if len(n) else 0.0


def answers_worth(
    right: npt.NDArray[np.bool_], answers: "pd.Series[Any]", questions: "pd.Series[Any]"
) -> float:
    """The number of independent calls that these are worth, for the share that is `right`.

    Calls that got one answer are right or wrong together: their correlation is 1. Different answers to one
    question have the correlation r: the intraclass correlation of a one-way analysis of variance over answers
    (J. Fleiss, B. Levin and M. Paik, Statistical Methods for Rates and Proportions, 3rd ed., 15.1; clipped to
    0..1). With n calls, n_a by answer and n_q by question, the design effect is
    (Σ n_a² + r (Σ n_q² - Σ n_a²)) / n (J. Rao and A. Scott, Biometrics 48, 1992).
    """
    frame = pd.DataFrame({"right": right, "answer": answers.to_numpy(), "question": questions.to_numpy()})
    by_answer = frame.groupby("answer", sort=True).agg(
        right=("right", "first"), question=("question", "first"), n=("right", "size")
    )
    n_a2 = float(np.square(by_answer["n"].to_numpy(np.float64)).sum())
    n_q2 = float(np.square(frame.groupby("question", sort=True).size().to_numpy(np.float64)).sum())
    alike = intraclass(by_answer["right"].to_numpy(np.float64), by_answer["question"])
    n = len(frame)
    return n * n / (n_a2 + alike * max(0.0, n_q2 - n_a2))


def intraclass(values: Floats, groups: "pd.Series[Any]") -> float:
    """The intraclass correlation of `values` within `groups`, from 0 to 1; 0 where no group has two values,
    or all groups are one."""
    between, inside = components(values, groups)
    return between / (between + inside) if between + inside > 0 else 0.0


def components(values: Floats, groups: "pd.Series[Any]") -> tuple[float, float]:
    """The variances between and within groups, by a one-way analysis of variance (S. Searle, G. Casella and
    C. McCulloch, Variance Components, 3.6); that between is not below 0, and 0 where it cannot be told."""
    grouped = pd.Series(values).groupby(groups.to_numpy(), sort=True)
    sizes, means = grouped.size().to_numpy(np.float64), grouped.mean().to_numpy(np.float64)
    n, k = float(len(values)), len(sizes)
    if k < 2 or n <= k:
        return 0.0, 0.0
    mean = float(values.mean())
    between = float((sizes * np.square(means - mean)).sum()) / (k - 1)
    inside = (float(np.square(values - mean).sum()) - between * (k - 1)) / (n - k)
    typical = (n - float(np.square(sizes).sum()) / n) / (k - 1)
    return max(0.0, (between - inside) / typical), inside
