"""What speaks for a cached answer: how near its question is, and what the other questions near it say.

Questions that got the same answer are of one *group*. If the neighbours of a new question agree, the nearest
one's answer is more likely right than its similarity alone tells.
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
"""What is nearer than that is the same."""


class Evidence(NamedTuple):
    """The nearest cached question, by its row, and the features of the match."""

    row: int
    similarity: float
    same_tokens: bool
    features: Floats


class Observations(NamedTuple):
    """Matches of which it is known whether the answer was right, and the calls that each stands for.

    A call that had no neighbour stands for itself in `weights`, with features of 0.
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
    there = groups >= 0
    same = (groups == groups[:, :1]) & there
    others = np.where(there & ~same, similarities, -np.inf).max(axis=1)
    others = np.where(np.isfinite(others), others, similarities[:, -1])
    second = np.where(same, similarities, 0.0)[:, 1:].max(axis=1)
    share = same.sum(axis=1) / similarities.shape[1]
    closeness = -np.log(np.maximum(1 - nearest, LEAST_DISTANCE))
    told = np.stack([nearest, closeness, nearest - others, share, second], axis=1)
    return np.concatenate([told, agree], axis=1)
