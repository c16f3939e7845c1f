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
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NEAR = 1e-9  # 0.07 * 100 is 7.000000000000001 in floats, and its rank is 7


def nearest_rank(ordered: Sequence[float] | Floats, q: float) -> float | None:
    """The nearest-rank q-quantile of an ascending sample: its ceil(q * n)-th value; None when empty."""
    if not 0 < q <= 1:
        raise ValueError(f"q must be in (0, 1], got {q}")
    n = len(ordered)
    if n == 0:
        return None
    return float(ordered[min(max(math.ceil(q * n - _NEAR), 1), n) - 1])


def wilson(
    hits: int, of: int, confidence: float = 0.95, worth: float | None = None
) -> tuple[float, float] | None:
    """Wilson's score interval of a rate hits/of; None when `of` is 0.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927). Unlike
    the textbook interval it stays inside [0, 1] and is not of zero width at 0 % or 100 %.

    `worth`: the effective sample size, if it is not `of` (E. Korn and B. Graubard, Confidence intervals for
    proportions with small expected number of positive counts estimated from survey data, 1998).
    """
    if of == 0:
        return None
    if not 0 <= hits <= of:
        raise ValueError(f"hits must be in 0..{of}, got {hits}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    n = of if worth is None else worth
    rate, spread = hits / of, z * z / n
    centre = rate + spread / 2
    half = z * math.sqrt(rate * (1 - rate) / n + spread / (4 * n))
    low = 0.0 if hits == 0 else (centre - half) / (1 + spread)
    high = 1.0 if hits == of else (centre + half) / (1 + spread)
    return low, high


def newcombe(
    first: tuple[int, int], second: tuple[int, int], confidence: float = 0.95
) -> tuple[float, float] | None:
    """The interval of the difference of two rates, first - second, each given as (hits, of).

    Newcombe's hybrid score method, number 10 of: R. G. Newcombe, Interval estimation for the difference
    between independent proportions (1998). It treats the two samples as independent; where both met the same
    luck the true interval is narrower. None when either sample is empty.
    """
    a, b = wilson(*first, confidence), wilson(*second, confidence)
    if a is None or b is None:
        return None
    p, q = first[0] / first[1], second[0] / second[1]
    low = p - q - math.hypot(p - a[0], b[1] - q)
    high = p - q + math.hypot(a[1] - p, q - b[0])
    return max(low, -1.0), min(high, 1.0)


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

    The number of values at or below the true quantile is binomial(n, q). With l the greatest rank for which
    P(B < l) <= alpha/2 and u the least for which P(B >= u) <= alpha/2, the l-th and u-th values hold the true
    quantile between them with at least that confidence, whatever the distribution (David and Nagaraja, Order
    Statistics, section 7.1). An end is None where the sample is too small to bound it.

    `worth`: the effective sample size, if it is not n; the ranks are then those of a sample of that size,
    stretched to n (R. Woodruff, Confidence intervals for medians and other position measures, 1952).
    """
    size = len(ordered)
    n = size if worth is None else max(1, round(worth))
    below = binomial_cdf(n, q)  # below[k] = P(B <= k)
    tail = (1 - confidence) / 2
    lower = int(
        np.searchsorted(below, tail, side="right")
    )  # P(B < lower) <= tail, and no longer for lower + 1
    upper = int(np.searchsorted(below, 1 - tail, side="left")) + 1  # P(B >= upper) = 1 - P(B <= upper - 1)
    if n != size:
        lower = math.floor(lower * (size + 1) / (n + 1)) if lower >= 1 else 0
        upper = math.ceil(upper * (size + 1) / (n + 1)) if upper <= n else size + 1
    return (
        float(ordered[lower - 1]) if 1 <= lower <= size else None,
        float(ordered[upper - 1]) if 1 <= upper <= size else None,
    )


def binomial_cdf(n: int, p: float) -> Floats:
    """P(B <= k) for k = 0..n of a binomial(n, p) with 0 < p < 1, summed from log-probabilities."""
    k = np.arange(n + 1, dtype=np.float64)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1, dtype=np.float64)))))
    log_choose = log_factorial[n] - log_factorial - log_factorial[::-1]
    log_mass: Floats = log_choose + k * math.log(p) + (n - k) * math.log1p(-p)
    cumulative: Floats = np.minimum(np.cumsum(np.exp(log_mass)), 1.0)
    return cumulative
