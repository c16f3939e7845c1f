"""Calls that are not independent: how many independent ones they are worth.

`Influence` holds how much each group of calls moves an estimate; its variance is the sum of squares over
groups (the linearised, cluster-robust variance: K. Wolter, Introduction to Variance Estimation, 2nd ed.,
chapter 6; the factor G / (G - 1): A. Cameron and D. Miller, A Practitioner's Guide to Cluster-Robust
Inference, J. Human Resources 50, 2015). Groups have names that two samples share, so that the covariance of
two estimates is a sum over names.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """The share of each group in the error of an estimate; the estimate's error is about their sum."""

    sums: "pd.Series[float]"

    @classmethod
    def of(cls, parts: Floats, groups: "pd.Series[Any]") -> "Influence":
        """`parts` of calls, added up by group; calls of the group NaN are left out."""
        return cls(pd.Series(parts).groupby(groups.to_numpy(), sort=True).sum())

    @property
    def variance(self) -> float:
        """Of the estimate, with independent groups; infinite for fewer than two."""
        n = len(self.sums)
        return float(np.square(self.sums.to_numpy()).sum()) * n / (n - 1) if n > 1 else math.inf

    def minus(self, other: "Influence") -> "Influence":
        """The influence on the difference of two estimates, whose groups of one name are the same."""
        return Influence(self.sums.sub(other.sums, fill_value=0.0))

    def correlation(self, other: "Influence") -> float:
        """Of the two estimates, from -1 to 1; 0 where one of them does not vary."""
        ours, theirs = self.sums, other.sums
        both = ours.index.intersection(theirs.index)
        product = float((ours.loc[both] * theirs.loc[both]).sum())
        size = math.sqrt(float(np.square(ours).sum()) * float(np.square(theirs).sum()))
        return max(-1.0, min(1.0, product / size)) if size else 0.0


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
    """The intraclass correlation of `values` within `groups`, by analysis of variance, clipped to 0..1; 0
    where no group has two values, or all groups are one."""
    grouped = pd.Series(values).groupby(groups.to_numpy(), sort=True)
    sizes, means = grouped.size().to_numpy(np.float64), grouped.mean().to_numpy(np.float64)
    n, k = float(len(values)), len(sizes)
    if k < 2 or n <= k:
        return 0.0
    mean = float(values.mean())
    between = float((sizes * np.square(means - mean)).sum()) / (k - 1)
    inside = (float(np.square(values - mean).sum()) - between * (k - 1)) / (n - k)
    typical = (n - float(np.square(sizes).sum()) / n) / (k - 1)
    spread = between + (typical - 1) * inside
    return max(0.0, min(1.0, (between - inside) / spread)) if spread > 0 else 0.0
