"""Adaptive concurrency: learn how many requests to have in flight at a provider that states no limit (AIMD).

Additive increase, multiplicative decrease: a request that begins to answer about as fast as usual raises
the limit by 1 / limit; one that is refused for overload, or whose TTFT is much longer than usual, multiplies
it by `beta`, once per round of requests. The usual TTFT is the fastest recent one of the same prompt size;
total time depends on the length of the answer and is not used. Sources: V. Jacobson, "Congestion Avoidance
and Control", SIGCOMM 1988; Netflix's concurrency-limits (AIMD with a latency threshold, β 0.9).
"""

from typing import NamedTuple

from pydantic import AliasChoices, Field, model_validator

from ..config.options import Options

FORGET = 1.01
"""The fastest TTFT grows by this factor with each sample, so that one lucky sample is forgotten in time."""


class AdaptiveOptions(Options):
    """`initial` 10 requests in flight, kept between `min` 1 and `max` 1,000 (or `least` and `most`);
    multiplied by `beta` 0.9 when the provider is overloaded or a TTFT exceeds `tolerance` 3 times the usual.
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

    def initial_state(self) -> "Aimd":
        """The state before the first request."""
        return Aimd(max(self.least, min(self.most, self.initial)))


class Aimd(NamedTuple):
    """The limit, when it was last lowered, and the usual TTFT in seconds by prompt size."""

    limit: float
    lowered_s: float = 0.0
    usual: tuple[tuple[int, float], ...] = ()


def on_success(
    options: AdaptiveOptions,
    aimd: Aimd,
    size: int,
    ttft_s: float,
    started_s: float,
    in_flight: int,
    now: float,
) -> Aimd:
    """After the first token of a request of that size, sent at `started_s`."""
    known = dict(aimd.usual)
    usual_s = min(ttft_s, known.get(size, ttft_s) * FORGET)
    known[size] = usual_s
    aimd = aimd._replace(usual=tuple(sorted(known.items())))
    if ttft_s > options.tolerance * usual_s:
        return on_overload(options, aimd, started_s, now)
    # Success far below the limit is no evidence for a higher one.
    if in_flight * 2 < aimd.limit:
        return aimd
    return aimd._replace(limit=min(options.most, aimd.limit + 1 / aimd.limit))


def on_overload(options: AdaptiveOptions, aimd: Aimd, started_s: float, now: float) -> Aimd:
    """After an overload; ignored if the request was sent (`started_s`) before the last decrease."""
    if started_s < aimd.lowered_s:
        return aimd
    return aimd._replace(limit=max(options.least, aimd.limit * options.beta), lowered_s=now)
