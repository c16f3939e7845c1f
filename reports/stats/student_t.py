"""The mean of a few runs and its uncertainty: Student's t, exactly, without a dependency.

Source: the distribution for whole degrees of freedom as a finite series, Abramowitz and Stegun, Handbook of
Mathematical Functions, 26.7.3 and 26.7.4; its quantile by bisection.
"""

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist, fmean, stdev

SERIES_UP_TO = 300


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """mean ± t * s / sqrt(n) of independent values; None for fewer than two."""
    n = len(values)
    if n < 2:
        return None
    half = t_quantile((1 + confidence) / 2, n - 1) * stdev(values) / math.sqrt(n)
    mean = fmean(values)
    return mean - half, mean + half


@cache
def t_quantile(p: float, freedom: int) -> float:
    """The t with P(T <= t) = p, for p in [0.5, 1) and whole degrees of freedom; above 300 by the expansion in
    1 / freedom (Abramowitz and Stegun, 26.7.5), which then differs by less than 1e-8."""
    if not 0.5 <= p < 1 or freedom < 1:
        raise ValueError(f"expected 0.5 <= p < 1 and freedom >= 1, got {p} and {freedom}")
    if freedom > SERIES_UP_TO:
        z = NormalDist().inv_cdf(p)
        second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
        third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
        return z + (z**3 + z) / 4 / freedom + second / freedom**2 + third / freedom**3
    low, high = 0.0, 1.0
    while _central(high, freedom) < 2 * p - 1:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _central(middle, freedom) < 2 * p - 1 else (low, middle)
    return (low + high) / 2


def _central(t: float, freedom: int) -> float:
    """P(|T| <= t)."""
    theta = math.atan2(t, math.sqrt(freedom))
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = freedom % 2 == 1
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return 2 / math.pi * (theta + sine * total) if odd else sine * total
