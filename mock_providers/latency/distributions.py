"""Latency distributions: lognormal, constant, gamma and empirical (`kind`), each with an optional slow mode.

All draws are pure functions of the generator passed in.
"""

import math
import random
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter
from statistics import NormalDist
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..exchange.options import Options, PositiveSeconds, Seconds
from . import gamma

Sigma = Annotated[float, Field(ge=0, le=3)]
Probability = Annotated[float, Field(gt=0, lt=1)]

_NORMAL = NormalDist()


class SlowMode(Options):
    """The `share` of draws that come from lognormal(`median_s`, `sigma`) instead: cold starts, requeues."""

    share: Probability
    median_s: PositiveSeconds
    sigma: Sigma


class Distribution(Options):
    """Base class of latency distributions; `slow` (default none) is a slow mode mixed in."""

    slow: SlowMode | None = None

    def draw(self, rng: random.Random) -> float:
        """One latency in seconds. Without a slow mode no draw decides on it."""
        slow = self.slow
        if slow is not None and rng.random() < slow.share:
            return slow.median_s * math.exp(rng.gauss(0.0, slow.sigma))
        return self._draw(rng)

    def quantile(self, p: float) -> float:
        """The least latency that a share `p` of draws does not exceed, exactly; ValueError outside (0, 1)."""
        if not 0.0 < p < 1.0:
            raise ValueError(f"p: expected a number between 0 and 1, got {p!r}")
        if self.slow is None:
            return self._quantile(p)
        # A mixture's quantile lies between those of its parts; bisected to the last bit.
        slow_s = _lognormal_quantile(self.slow.median_s, self.slow.sigma, p)
        low, high = sorted((self._quantile(p), slow_s))
        if self.cdf(low) >= p:
            return low
        while low < (middle := (low + high) / 2.0) < high:
            if self.cdf(middle) < p:
                low = middle
            else:
                high = middle
        return high

    def cdf(self, latency_s: float) -> float:
        """The share of draws that do not exceed `latency_s`."""
        if self.slow is None:
            return self._cdf(latency_s)
        slow = _lognormal_cdf(self.slow.median_s, self.slow.sigma, latency_s)
        return (1.0 - self.slow.share) * self._cdf(latency_s) + self.slow.share * slow

    @abstractmethod
    def _draw(self, rng: random.Random) -> float: ...

    @abstractmethod
    def _quantile(self, p: float) -> float: ...

    @abstractmethod
    def _cdf(self, latency_s: float) -> float: ...


class Lognormal(Distribution):
    """`median_s` × exp(`sigma` × standard normal): the long-tailed default for latencies."""

    kind: Literal["lognormal"] = "lognormal"
    median_s: PositiveSeconds
    sigma: Sigma

    def _draw(self, rng: random.Random) -> float:
        return self.median_s * math.exp(rng.gauss(0.0, self.sigma))

    def _quantile(self, p: float) -> float:
        return _lognormal_quantile(self.median_s, self.sigma, p)

    def _cdf(self, latency_s: float) -> float:
        return _lognormal_cdf(self.median_s, self.sigma, latency_s)


class Constant(Distribution):
    """Always `value_s`."""

    kind: Literal["constant"] = "constant"
    value_s: Seconds

    def _draw(self, rng: random.Random) -> float:
        return self.value_s

    def _quantile(self, p: float) -> float:
        return self.value_s

    def _cdf(self, latency_s: float) -> float:
        return 1.0 if latency_s >= self.value_s else 0.0


class Gamma(Distribution):
    """A gamma of mean `mean_s` and coefficient of variation `cv`: 1 is exponential, below 1 it has a hump."""

    kind: Literal["gamma"] = "gamma"
    mean_s: PositiveSeconds
    cv: Annotated[float, Field(ge=0.01, le=10)]

    def _draw(self, rng: random.Random) -> float:
        return rng.gammavariate(self._shape, self.mean_s / self._shape)

    def _quantile(self, p: float) -> float:
        return gamma.quantile(self._shape, p) * self.mean_s / self._shape

    def _cdf(self, latency_s: float) -> float:
        return gamma.cdf(self._shape, latency_s * self._shape / self.mean_s)

    @property
    def _shape(self) -> float:
        return 1.0 / (self.cv * self.cv)


class Empirical(Distribution):
    """Measured quantiles, straight lines between them.

    - `quantiles`: at least two of `[p, seconds]`, p in (0, 1) and rising, seconds never falling. Outside of
      the measured range nothing is extrapolated: below the first p every draw is the first value, above the
      last p the last one. With `[[0.5, 0.64], [0.95, 1.14]]` half of the draws are 0.64 s.
    """

    kind: Literal["empirical"] = "empirical"
    quantiles: Annotated[
        tuple[Annotated[tuple[Probability, Seconds], Field(strict=False)], ...],
        Field(strict=False, min_length=2),
    ]

    @model_validator(mode="after")
    def _rising(self) -> "Empirical":
        for (p, value_s), (next_p, next_s) in pairwise(self.quantiles):
            if not (p < next_p and value_s <= next_s):
                raise ValueError(
                    "quantiles: expected [p, seconds] with p rising and seconds never falling, "
                    f"got {[next_p, next_s]} after {[p, value_s]}"
                )
        return self

    def _draw(self, rng: random.Random) -> float:
        return self._quantile(rng.random())

    def _quantile(self, p: float) -> float:
        return _interpolated(p, self.quantiles)

    def _cdf(self, latency_s: float) -> float:
        if latency_s < self.quantiles[0][1]:
            return 0.0
        if latency_s >= self.quantiles[-1][1]:
            return 1.0
        return _interpolated(latency_s, [(value_s, p) for p, value_s in self.quantiles])


Latency = Annotated[Lognormal | Constant | Gamma | Empirical, Field(discriminator="kind")]


def _lognormal_quantile(median_s: float, sigma: float, p: float) -> float:
    return median_s * math.exp(sigma * _NORMAL.inv_cdf(p))


def _lognormal_cdf(median_s: float, sigma: float, latency_s: float) -> float:
    if latency_s <= 0.0:
        return 0.0
    if sigma == 0.0:
        return 1.0 if latency_s >= median_s else 0.0
    return _NORMAL.cdf((math.log(latency_s) - math.log(median_s)) / sigma)


def _interpolated(x: float, points: Sequence[tuple[float, float]]) -> float:
    """The straight line through `points` (rising x) at `x`; flat outside, the last of points at one x."""
    after = bisect_right(points, x, key=itemgetter(0))
    if after == 0:
        return points[0][1]
    x0, y0 = points[after - 1]
    if after == len(points):
        return y0
    x1, y1 = points[after]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
