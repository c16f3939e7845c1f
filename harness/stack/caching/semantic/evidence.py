"""Features of a match: how near the cached question is, and whether the other near questions agree with it.

Questions with the same answer form a *group*. If the neighbours of a new question are of one group, the
nearest one's answer is more likely right than its similarity alone suggests.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NEIGHBOURS = 8
FEATURES = ("similarity", "closeness", "margin", "share", "second", "negations", "numbers", "names")
"""The nearest question's similarity, and how close that is to 1, on a logarithmic scale; how much nearer it
is than the nearest of another group; the share of neighbours that are of its group; the similarity of the
second nearest of its group; then, each 1 or 0, whether the nearest question has the same negations, numbers
and names.
"""
LEAST_DISTANCE = 0.001
"""Smaller distances count as this one."""


class Evidence(NamedTuple):
    """The nearest cached question, by its row, and the features of the match."""

    row: int
    similarity: float
    same_tokens: bool
    features: Floats


class Observations(NamedTuple):
    """Matches with a known verdict (`right`); `weights`: the number of calls that each stands for.

    A call without a neighbour has features of 0.
    """

    features: Floats
    right: NDArray[np.bool_]
    weights: Floats


def features_of(similarities: Floats, groups: Integers, agree: NDArray[np.bool_]) -> Floats:
    """The features of matches, a row each.

    `similarities` and `groups` are those of the neighbours, nearest first, 0 and -1 where there is none;
    `agree` is whether negations, numbers and names of the nearest one are the same.
    """
    nearest = similarities[:, 0]
    present = groups >= 0
    same = (groups == groups[:, :1]) & present
    others = np.where(present & ~same, similarities, -np.inf).max(axis=1)
    others = np.where(np.isfinite(others), others, similarities[:, -1])
    second = np.where(same, similarities, 0.0)[:, 1:].max(axis=1)
    share = same.sum(axis=1) / similarities.shape[1]
    closeness = -np.log(np.maximum(1 - nearest, LEAST_DISTANCE))
    similarity_features = np.stack([nearest, closeness, nearest - others, share, second], axis=1)
    return np.concatenate([similarity_features, agree], axis=1)
