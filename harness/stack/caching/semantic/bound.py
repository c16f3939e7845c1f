"""Upper confidence limits of a weighted sum of rare events, and of a share.

An event of weight w stands for w calls. The upper confidence limit is that of Fay and Feuer
(1997, Statistics in Medicine 16, 791-801), with the mean weight in place of the largest (Tiwari, Clegg and
Zou, 2006); for weights of one it is the exact Poisson limit. The quantile of chi-square is Wilson and
Hilferty's.
"""

from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def upper_limits(events: Floats, squares: Floats, weights: Floats, confidence: float) -> Floats:
    """The upper limit of the true sum at `confidence`, for sums of weights `events` and of their squares.

    `weights` are those of all observations, events or not.
    """
    seen = events + weights.mean()
    variance = squares + (weights**2).mean()
    freedom = 2 * seen**2 / variance
    limits: Floats = variance / (2 * seen) * _chi_square(freedom, NormalDist().inv_cdf(confidence))
    return limits


def _chi_square(freedom: Floats, z: float) -> Floats:
    spread = 2 / (9 * freedom)
    quantiles: Floats = freedom * (1 - spread + z * np.sqrt(spread)) ** 3
    return quantiles


def wilson_upper(events: int, of: int, confidence: float = 0.975) -> float:
    """The upper end of Wilson's interval for a share; 0.975: of the two-sided 95 % interval."""
    if of == 0:
        return 1.0
    z = NormalDist().inv_cdf(confidence)
    share = events / of
    middle = share + z * z / (2 * of)
    return (middle + z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))) / (1 + z * z / of)
