"""Percentiles and the uncertainty of what a run counted, without assuming a distribution.

One percentile definition is used everywhere: nearest rank, the smallest observed value that at least a share
q of the sample does not exceed. It is always a value that was really seen, it is what one reads off the
empirical distribution, it allows +inf for calls that never answered, and the order-statistic interval below
speaks about the same number.

The intervals describe the sampling of calls within one run. Where calls are not independent, `worth` is the
number of independent ones that they are worth (`clusters.py`). How much runs differ for other reasons
(another machine, another day) is a question that only several runs can answer.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from .beta import beta_cdf, beta_quantile

Floats = npt.NDArray[np.float64]

_STEPS = 40
_NEAR = 1e-9  # 0.07 * 100 is 7.000000000000001 in floats, and its rank is 7


def nearest_rank(ordered: Sequence[float] | Floats, q: float) -> float | None:
    """The nearest-rank q-quantile of an ascending sample: its ceil(q * n)-th value; None when empty."""
    if not 0 < q <= 1:
        raise ValueError(f"q must be in (0, 1], got {q}")
    n = len(ordered)
    if n == 0:
        return None
    return float(ordered[min(max(math.ceil(q * n - _NEAR), 1), n) - 1])


def wilson(rate: float, of: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Wilson's score interval of a rate of so many calls, or so many independent ones that they are worth;
    None when `of` is 0.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927). Unlike
    the textbook interval it stays inside [0, 1] and is not of zero width at 0 % or 100 %.
    """
    if of == 0:
        return None
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be in 0..1, got {rate}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    spread = z * z / of
    centre = rate + spread / 2
    half = z * math.sqrt(rate * (1 - rate) / of + spread / (4 * of))
    low = 0.0 if rate == 0 else (centre - half) / (1 + spread)
    high = 1.0 if rate == 1 else (centre + half) / (1 + spread)
    return low, high


def clopper_pearson(rate: float, worth: float, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper's and Pearson's interval of a rate of calls that are worth so many independent ones, which need
    be no whole number.

    Source: E. Korn and B. Graubard, Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data (1998). Where few groups of calls have most weight, a rate near
    0 or 1 is further from it by chance than Wilson's interval allows.
    """
    tail, hits = (1 - confidence) / 2, rate * worth
    low = beta_quantile(tail, hits, worth - hits + 1) if rate > 0 else 0.0
    high = beta_quantile(1 - tail, hits + 1, worth - hits) if rate < 1 else 1.0
    return low, high


def mover(
    ours: tuple[float, float, float], theirs: tuple[float, float, float], correlation: float = 0.0
) -> tuple[float, float]:
    """The interval of a difference of two estimates, each given as (estimate, low, high); an end is infinite
    where an estimate is not bounded.

    The method of variance estimates recovery: G. Zou and A. Donner, Construction of confidence limits about
    effect measures, Statistics in Medicine 27 (2008). With `correlation` 0 and Wilson's limits it is
    Newcombe's; for rates of the same calls, Newcombe's method 10 for paired data.
    """
    (a, a_low, a_high), (b, b_low, b_high) = ours, theirs

    def reach(x: float, y: float) -> float:
        if math.isinf(x) or math.isinf(y):
            return math.inf
        return math.sqrt(max(0.0, x * x - 2 * correlation * x * y + y * y))

    return a - b - reach(a - a_low, b_high - b), a - b + reach(a_high - a, b - b_low)


def quantile_interval(
    ordered: Sequence[float] | Floats, q: float, confidence: float = 0.95, worth: float | None = None
) -> tuple[float | None, float | None]:
    """A distribution-free interval of the q-quantile from an ascending sample's own order statistics.

    The value at rank r of n exceeds the true quantile with the probability P(X > q) of a beta(r, n + 1 - r).
    The ends are at the ranks, fractions included, where that is one tail or the other, between the values of
    the two whole ranks beside them (A. Hutson, Calculating nonparametric confidence intervals for quantiles
    using fractional order statistics, J. Applied Statistics 26, 1999). An end is None where the sample is too
    small to bound it.

    `worth`: the effective sample size, if it is not n; the ranks are then those of a sample of that size,
    stretched to n (R. Woodruff, Confidence intervals for medians and other position measures, 1952).
    """
    size = len(ordered)
    if not size:
        return None, None
    n = size if worth is None else max(1.0, worth)
    stretch, tail = (size + 1) / (n + 1), (1 - confidence) / 2
    ends = (_rank(n, q, above) for above in (tail, 1 - tail))
    low, high = (None if rank is None else _at_rank(ordered, rank * stretch) for rank in ends)
    return low, high


@lru_cache(maxsize=1_000)
def _rank(n: float, q: float, above: float) -> float | None:
    """The rank, from 1 to n, whose value exceeds the q-quantile with this probability; None outside."""

    def exceeds(rank: float) -> float:
        return 1 - beta_cdf(q, rank, n + 1 - rank)

    low, high = 1.0, n
    if not exceeds(low) <= above <= exceeds(high):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if exceeds(middle) < above else (low, middle)
    return (low + high) / 2


def _at_rank(ordered: Sequence[float] | Floats, rank: float) -> float | None:
    """The value at a rank between whole ones; None where there is no such rank."""
    before = math.floor(rank + _NEAR)
    if not (before >= 1 and rank <= len(ordered) + _NEAR):
        return None
    part, value = rank - before, float(ordered[before - 1])
    if part <= _NEAR or before == len(ordered):
        return value
    after = float(ordered[before])
    return after if math.isinf(after) else value + part * (after - value)
