"""The beta distribution, without a dependency: the regularised incomplete beta function and its inverse.

Source: the continued fraction of the NIST Digital Library of Mathematical Functions, 8.17.22, by Lentz's
method (W. Press et al., Numerical Recipes, 3rd ed., 6.4); the inverse by bisection.
"""

import math

_TINY = 1e-300
_NEAR = 1e-12
_TERMS = 10_000


def beta_cdf(x: float, a: float, b: float) -> float:
    """P(X <= x) of a beta(a, b), for a, b > 0."""
    if not 0 < x < 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a / _fraction(x, a, b)


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with P(X <= x) = p."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if beta_cdf(middle, a, b) < p else (low, middle)
    return (low + high) / 2


def _fraction(x: float, a: float, b: float) -> float:
    value, numerator, denominator = 1.0, 1.0, 0.0
    for term in range(1, _TERMS):
        m = term // 2
        if term % 2:
            part = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            part = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator = 1 / (1 + part * denominator or _TINY)
        numerator = 1 + part / numerator or _TINY
        value *= numerator * denominator
        if abs(numerator * denominator - 1) < _NEAR:
            break
    return value
