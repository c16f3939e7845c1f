"""The gamma distribution's CDF and its inverse, which the standard library lacks (it only draws).

The regularised lower incomplete gamma function P(a, x) by its power series below x = a + 1 and by Legendre's
continued fraction (evaluated with Lentz's method) above, as in Abramowitz and Stegun, 6.5.29 and 6.5.31: each
where it converges fast. Good to about 1e-11 for shapes from 0.01 to 10,000.
"""

import math

_EPSILON = 1e-16
_TINY = 1e-300


def cdf(shape: float, x: float) -> float:
    """The probability that a gamma variable of `shape` and scale 1 is at most `x`."""
    if x <= 0.0:
        return 0.0
    if x < shape + 1.0:
        return min(1.0, _prefix(shape, x) * _series(shape, x))
    return max(0.0, 1.0 - _prefix(shape, x) * _fraction(shape, x))


def quantile(shape: float, p: float) -> float:
    """The `x` at which `cdf(shape, x)` is `p`, 0 < p < 1; by bisection to the last bit."""
    high = shape + 1.0
    while cdf(shape, high) < p:
        high *= 2.0
    low = 0.0
    while low < (middle := (low + high) / 2.0) < high:
        if cdf(shape, middle) < p:
            low = middle
        else:
            high = middle
    return high


def _prefix(shape: float, x: float) -> float:
    return math.exp(shape * math.log(x) - x - math.lgamma(shape))


def _series(shape: float, x: float) -> float:
    term = total = 1.0 / shape
    n = shape
    while term > total * _EPSILON:
        n += 1.0
        term *= x / n
        total += term
    return total


def _fraction(shape: float, x: float) -> float:
    b = x + 1.0 - shape
    c = 1.0 / _TINY
    d = 1.0 / b
    value = d
    n, change = 0, 0.0
    while abs(change - 1.0) > 2.0 * _EPSILON:
        n += 1
        a = n * (shape - n)
        b += 2.0
        d = 1.0 / _away_from_zero(a * d + b)
        c = _away_from_zero(b + a / c)
        change = c * d
        value *= change
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
