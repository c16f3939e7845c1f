"""Rate limits as the providers describe them: token buckets with continuous refill.

A request draws on several buckets at once (requests, and tokens of one or two kinds). Either every bucket
can pay and all are charged, or none is: a request that is refused costs nothing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import Field, model_validator

from .latency import Options

PerMinute = Annotated[int, Field(gt=0)]

# Levels are floats: a refill that should reach exactly what is asked may end one rounding below it.
_ROUNDING = 1e-9


class Limits(Options):
    """Limits of one model for one API key; one that is not given does not apply.

    - `requests_per_min`: RPM
    - `tokens_per_min`: TPM, charged max(max_tokens, prompt tokens) up front and never given back
    - `input_tokens_per_min`: charged the prompt's tokens up front
    - `output_tokens_per_min`: charged what was sent when the reply ends, on credit: a request is let in
      while anything is left. With `reserve_max_tokens` max_tokens is charged up front and the unused part
      given back at the end (the provider's documents describe both)
    - `burst_s`: seconds of the limit that a full bucket holds (default 60)
    """

    requests_per_min: PerMinute | None = None
    tokens_per_min: PerMinute | None = None
    input_tokens_per_min: PerMinute | None = None
    output_tokens_per_min: PerMinute | None = None
    reserve_max_tokens: bool = False
    burst_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 60.0

    @model_validator(mode="after")
    def _room_for_one(self) -> "Limits":
        for limit in (self.requests_per_min, self.output_tokens_per_min):
            if limit is not None and limit * self.burst_s < 60.0:
                raise ValueError(
                    f"burst_s: expected at least {60.0 / limit:g}, so that a full bucket holds one"
                )
        return self


class Bucket:
    """A token bucket: starts full at `capacity`, refills `per_s` a second; debts may drive it below zero."""

    __slots__ = ("_at", "_level", "capacity", "per_s")

    def __init__(self, capacity: float, per_s: float, now: float) -> None:
        self.capacity = capacity
        self.per_s = per_s
        self._level = capacity
        self._at = now

    def level(self, now: float) -> float:
        """What the bucket holds at `now`; time that goes backwards refills nothing."""
        return min(self.capacity, self._level + self.per_s * max(0.0, now - self._at))

    def charge(self, amount: float, now: float) -> None:
        """Take `amount` (negative: give back, never above capacity), without asking whether it is there."""
        self._level = min(self.capacity, self.level(now) - amount)
        self._at = max(self._at, now)

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until `amount` can be taken: 0 when it is there, infinity when it never fits."""
        if amount > self.capacity:
            return math.inf
        missing = amount - self.level(now)
        return 0.0 if missing <= _ROUNDING * self.capacity else missing / self.per_s


class Demand(NamedTuple):
    """What one request asks of the buckets, in tokens. `max_tokens` is 0 when the request names none."""

    input_tokens: int
    max_tokens: int = 0


class Meter(NamedTuple):
    """One limit as a client may read it in response headers."""

    name: str  # "requests", "tokens", "input_tokens", "output_tokens"
    limit: int  # per minute
    remaining: float
    until_full_s: float
    requested: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Admitted, or refused by one limit (`refused_by`) for `wait_s` seconds (infinity: it never fits)."""

    meters: tuple[Meter, ...] = ()
    refused_by: Meter | None = None
    wait_s: float = 0.0


class RateLimiter:
    """The buckets of one (API key, model)."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._buckets: dict[str, tuple[Bucket, int]] = {}
        for name, per_min in _named(limits):
            bucket = Bucket(per_min * limits.burst_s / 60.0, per_min / 60.0, now)
            self._buckets[name] = (bucket, per_min)

    def admit(self, demand: Demand, now: float) -> Verdict:
        """Charge every bucket, or none when one cannot pay (the one with the longest wait is named)."""
        costs = {name: self._cost(name, demand) for name in self._buckets}
        waits = {name: bucket.wait_s(costs[name], now) for name, (bucket, _) in self._buckets.items()}
        tightest = max(waits, key=waits.__getitem__, default=None)
        if tightest is not None and waits[tightest] > 0.0:
            meters = self._meters(costs, now)
            refused_by = next(meter for meter in meters if meter.name == tightest)
            return Verdict(meters, refused_by, waits[tightest])
        for name, (bucket, _) in self._buckets.items():
            if name != "output_tokens" or self._limits.reserve_max_tokens:
                bucket.charge(costs[name], now)
        return Verdict(self._meters(costs, now))

    def settle(self, demand: Demand, output_tokens: int, now: float) -> None:
        """The reply to an admitted `demand` has ended after `output_tokens`."""
        if "output_tokens" in self._buckets:
            reserved = demand.max_tokens if self._limits.reserve_max_tokens else 0
            self._buckets["output_tokens"][0].charge(output_tokens - reserved, now)

    def _cost(self, name: str, demand: Demand) -> int:
        if name == "tokens":
            return max(demand.max_tokens, demand.input_tokens)
        if name == "input_tokens":
            return demand.input_tokens
        if name == "output_tokens" and self._limits.reserve_max_tokens:
            return demand.max_tokens
        return 1

    def _meters(self, costs: dict[str, int], now: float) -> tuple[Meter, ...]:
        return tuple(
            Meter(name, per_min, level, (bucket.capacity - level) / bucket.per_s, costs[name])
            for name, (bucket, per_min) in self._buckets.items()
            for level in (bucket.level(now),)
        )


def _named(limits: Limits) -> Iterable[tuple[str, int]]:
    for name in ("requests", "tokens", "input_tokens", "output_tokens"):
        per_min: int | None = getattr(limits, f"{name}_per_min")
        if per_min is not None:
            yield name, per_min
