"""How many requests to have in flight at a provider whose limits nobody tells: find out by trying.

Additive increase, multiplicative decrease: a request that begins to answer as fast as usual adds a little
room, one that was refused for load or is much slower takes a tenth away, once for each round of requests.
Usual is the fastest time to first token of late, by prompt size: total time grows with the answer's
length and says nothing. Sources: V. Jacobson, "Congestion Avoidance and Control", SIGCOMM 1988; Netflix's
concurrency-limits (AIMD with a latency threshold, β 0.9).
"""

from typing import NamedTuple

from pydantic import AliasChoices, Field, model_validator

from ..core.options import Options

FORGET = 1.01
"""Each sample lets the remembered fastest time grow by so much, so that a lucky one is forgotten in time."""


class AdaptiveOptions(Options):
    """`initial` 10 requests in flight, held between `min` 1 and `max` 1,000 (or `least` and `most`);
    times `beta` 0.9 when the provider refuses for load or takes more than `tolerance` 3 times as long as
    usual to begin.
    """

    initial: float = Field(default=10.0, ge=1)
    least: float = Field(default=1.0, ge=1, validation_alias=AliasChoices("min", "least"))
    most: float = Field(default=1000.0, ge=1, validation_alias=AliasChoices("max", "most"))
    beta: float = Field(default=0.9, gt=0, lt=1)
    tolerance: float = Field(default=3.0, gt=1)

    @model_validator(mode="after")
    def _min_is_not_above_max(self) -> "AdaptiveOptions":
        if self.least > self.most:
            raise ValueError(f"min: expected at most max, which is {self.most:g}, got {self.least:g}")
        return self

    def opening(self) -> "Aimd":
        """The state before the first request."""
        return Aimd(max(self.least, min(self.most, self.initial)))


class Aimd(NamedTuple):
    """The limit, when it was last lowered, and the usual time to first token by prompt size."""

    limit: float
    lowered_s: float = 0.0
    usual: tuple[tuple[int, float], ...] = ()


def answered(
    options: AdaptiveOptions,
    aimd: Aimd,
    size: int,
    ttft_s: float,
    started_s: float,
    in_flight: int,
    now: float,
) -> Aimd:
    """After a request of that size, sent at `started_s`, has begun to answer."""
    known = dict(aimd.usual)
    usual_s = min(ttft_s, known.get(size, ttft_s) * FORGET)
    known[size] = usual_s
    aimd = aimd._replace(usual=tuple(sorted(known.items())))
    if ttft_s > options.tolerance * usual_s:
        return refused(options, aimd, started_s, now)
    # Room that nobody uses proves nothing about more of it.
    if in_flight * 2 < aimd.limit:
        return aimd
    return aimd._replace(limit=min(options.most, aimd.limit + 1 / aimd.limit))


def refused(options: AdaptiveOptions, aimd: Aimd, started_s: float, now: float) -> Aimd:
    """After a request sent at `started_s` was refused for load, if it was sent after the last decrease."""
    if started_s < aimd.lowered_s:
        return aimd
    return aimd._replace(limit=max(options.least, aimd.limit * options.beta), lowered_s=now)
