"""When each chunk of a reply is due: time to the first token, then a pace.

Four distributions for the time to first token (discriminated by `kind`), each of which may have a slow mode;
the pace is a speed per reply with jitter per chunk. Everything here is a pure function of its generator.
"""

import math
import random
from abc import abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import itemgetter
from statistics import NormalDist
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from . import gamma

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Sigma = Annotated[float, Field(ge=0, le=3)]
Probability = Annotated[float, Field(gt=0, lt=1)]

_NORMAL = NormalDist()


class Options(BaseModel):
    """A frozen value that refuses unknown keys and wrong types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SlowMode(Options):
    """The `share` of draws that come from lognormal(`median_s`, `sigma`) instead: cold starts, requeues."""

    share: Probability
    median_s: PositiveSeconds
    sigma: Sigma


class Distribution(Options):
    """What every kind of latency offers; `slow` (default none) is its slow mode."""

    slow: SlowMode | None = None

    def draw(self, rng: random.Random) -> float:
        """One latency in seconds. Without a slow mode nothing is drawn to decide on one."""
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
      what was measured nothing is invented: below the first p every draw is the first value, above the last
      p the last one. With `[[0.5, 0.64], [0.95, 1.14]]` half of the draws are 0.64 s.
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


class Pace(Options):
    """How fast a reply goes on after its first token.

    - `tokens_per_s`: median speed over replies; `inf` sends everything with the first token (where a profile
      is told as JSON, which has no infinity: null)
    - `reply_sigma`: lognormal spread of the speed between replies (median kept)
    - `chunk_sigma`: lognormal spread of each gap within a reply (mean kept, so the speed holds)
    - `chunk_tokens`: fewest and most tokens a chunk, drawn evenly
    """

    tokens_per_s: Annotated[float, Field(gt=0, allow_inf_nan=True)]
    reply_sigma: Sigma = 0.25
    chunk_sigma: Sigma = 0.3
    chunk_tokens: Annotated[tuple[int, int], Field(strict=False)] = (1, 4)

    @model_validator(mode="after")
    def _ordered(self) -> "Pace":
        fewest, most = self.chunk_tokens
        if not 1 <= fewest <= most:
            raise ValueError(
                f"chunk_tokens: expected [fewest, most] with 1 <= fewest <= most, got {self.chunk_tokens}"
            )
        return self


class Chunk(NamedTuple):
    """`tokens` tokens due `due_s` after the request was received."""

    due_s: float
    tokens: int


def schedule(
    tokens: int, ttft_s: float, pace: Pace, rng: random.Random, slowdown: float = 1.0
) -> list[Chunk]:
    """Cut `tokens` into chunks: the first due at `ttft_s`, each later one after the time its tokens take.

    `slowdown` times as long as the pace says, for a provider under load; no tokens, no chunks.
    """
    sizes = _sizes(tokens, pace.chunk_tokens, rng)
    seconds_per_token = slowdown * math.exp(rng.gauss(0.0, pace.reply_sigma)) / pace.tokens_per_s
    if seconds_per_token == 0.0:
        return [Chunk(ttft_s, size) for size in sizes]
    sigma = pace.chunk_sigma
    keep_mean = -sigma * sigma / 2
    gauss, exp = rng.gauss, math.exp
    gaps = (size * seconds_per_token * exp(keep_mean + gauss(0.0, sigma)) for size in sizes[1:])
    return list(map(Chunk, accumulate(gaps, initial=ttft_s), sizes))


def _sizes(tokens: int, chunk_tokens: tuple[int, int], rng: random.Random) -> list[int]:
    fewest, most = chunk_tokens
    sizes: list[int] = []
    while (missing := tokens - sum(sizes)) > 0:
        # About as many draws as the mean size needs; the loop comes round again for the rest.
        sizes += rng.choices(range(fewest, most + 1), k=1 + 2 * missing // (fewest + most))
    totals = list(accumulate(sizes))
    last = bisect_left(totals, tokens)
    del sizes[last + 1 :]
    if sizes:
        sizes[-1] -= totals[last] - tokens
    return sizes
