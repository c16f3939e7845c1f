"""The limits of one scope as quotas: buckets, requests in flight, and growth.

Every quota is queried for its wait first and charged only when none refuses.
"""

import math
from collections.abc import Callable, Iterator
from typing import Protocol

from .bucket import Bucket
from .limits import Demand, LimitName, Limits, Meter, Ramp, Scope

_DAY_S = 86_400.0

# 1.15 × 100 is 115 to a reader and a little less to a float.
_ROUNDING = 1e-9

# The end of a request in flight is unknown: the shortest wait that a header in seconds can name.
_SLOT_WAIT_S = 1.0


class Quota(Protocol):
    """One limit of one scope. `shown`: whether response headers report it."""

    name: LimitName
    shown: bool

    def wait_s(self, demand: Demand, now: float) -> float:
        """Seconds until `demand` fits: 0 for now, infinity for never."""

    def charge(self, demand: Demand, now: float) -> None:
        """Charge an admitted `demand`."""

    def settle(self, demand: Demand, output_tokens: int, now: float) -> None:
        """The reply to an admitted `demand` has ended after `output_tokens`."""

    def meter(self, demand: Demand, scope: Scope, now: float) -> Meter:
        """The state of the limit for the client."""


class PaidUpFront:
    """A bucket charged at admission, without refund."""

    __slots__ = ("_bucket", "_cost", "_limit", "name", "shown")

    def __init__(
        self, name: LimitName, limit: int, bucket: Bucket, cost: Callable[[Demand], int], shown: bool
    ) -> None:
        self.name = name
        self.shown = shown
        self._limit = limit
        self._bucket = bucket
        self._cost = cost

    def wait_s(self, demand: Demand, now: float) -> float:
        """Until the bucket holds the cost."""
        return self._bucket.wait_s(self._cost(demand), now)

    def charge(self, demand: Demand, now: float) -> None:
        """Take the cost."""
        self._bucket.charge(self._cost(demand), now)

    def settle(self, demand: Demand, output_tokens: int, now: float) -> None:
        """Refund nothing."""

    def meter(self, demand: Demand, scope: Scope, now: float) -> Meter:
        """The bucket's level."""
        bucket = self._bucket
        level, full_s = bucket.level(now), bucket.until_full_s(now)
        return Meter(self.name, self._limit, level, full_s, self._cost(demand), scope)


class PaidAtTheEnd(PaidUpFront):
    """Output tokens on credit: admitted while one token is left, charged the tokens sent at the end."""

    __slots__ = ()

    def charge(self, demand: Demand, now: float) -> None:
        """Charge nothing yet."""

    def settle(self, demand: Demand, output_tokens: int, now: float) -> None:
        """Charge the tokens sent."""
        self._bucket.charge(output_tokens, now)


class Reserved(PaidUpFront):
    """Output tokens reserved at admission; the unused part is refunded at the end."""

    __slots__ = ()

    def settle(self, demand: Demand, output_tokens: int, now: float) -> None:
        """Replace the reservation by the tokens sent."""
        self._bucket.charge(output_tokens - self._cost(demand), now)


class InFlight:
    """Requests in flight at once."""

    __slots__ = ("_in_flight", "_limit", "name", "shown")

    def __init__(self, limit: int) -> None:
        self.name: LimitName = "concurrency"
        self.shown = False
        self._limit = limit
        self._in_flight = 0

    def wait_s(self, demand: Demand, now: float) -> float:
        """A second when every slot is taken."""
        return 0.0 if self._in_flight < self._limit else _SLOT_WAIT_S

    def charge(self, demand: Demand, now: float) -> None:
        """Take a slot."""
        self._in_flight += 1

    def settle(self, demand: Demand, output_tokens: int, now: float) -> None:
        """Free it."""
        self._in_flight -= 1

    def meter(self, demand: Demand, scope: Scope, now: float) -> Meter:
        """The free slots."""
        free = self._limit - self._in_flight
        return Meter(self.name, self._limit, free, _SLOT_WAIT_S if self._in_flight else 0.0, 1, scope)


class RampLimit:
    """The limit on growth: counts of this window and the one before. See `limits.Ramp`."""

    __slots__ = ("_before", "_began", "_count", "_floor", "_ramp", "_window", "name", "shown")

    def __init__(self, ramp: Ramp, now: float) -> None:
        self.name: LimitName = "ramp"
        self.shown = False
        self._ramp = ramp
        self._floor = math.floor(ramp.floor_per_min * ramp.window_s / 60.0 + _ROUNDING)
        self._began = now
        self._window = self._count = self._before = 0

    def wait_s(self, demand: Demand, now: float) -> float:
        """Until the next window when this one is full; every window has room for one."""
        self._roll(now)
        return 0.0 if self._count < self._allowed() else self._until_next_s(now)

    def charge(self, demand: Demand, now: float) -> None:
        """Count an admitted request."""
        self._roll(now)
        self._count += 1

    def settle(self, demand: Demand, output_tokens: int, now: float) -> None:
        """Nothing: an ended request still counts."""

    def meter(self, demand: Demand, scope: Scope, now: float) -> Meter:
        """The requests that this window still admits."""
        allowed = self._allowed()
        return Meter(self.name, allowed, allowed - self._count, self._until_next_s(now), 1, scope)

    def _allowed(self) -> int:
        grown = self._ramp.factor * self._before
        return max(self._floor, math.floor(grown + _ROUNDING))

    def _roll(self, now: float) -> None:
        window = int((now - self._began) // self._ramp.window_s)
        if window > self._window:
            self._before = self._count if window == self._window + 1 else 0
            self._window, self._count = window, 0

    def _until_next_s(self, now: float) -> float:
        return self._began + (self._window + 1) * self._ramp.window_s - now


def quotas_of(limits: Limits, now: float) -> Iterator[Quota]:
    """The quotas of one scope, all full."""
    yield from _per_minute(limits, now)
    yield from _per_day(limits, now)
    if limits.concurrency is not None:
        yield InFlight(limits.concurrency)
    if limits.ramp is not None:
        yield RampLimit(limits.ramp, now)


def _per_minute(limits: Limits, now: float) -> Iterator[Quota]:
    def quota(name: LimitName, limit: int, cost: Callable[[Demand], int], kind: type[PaidUpFront]) -> Quota:
        bucket = Bucket(limit * limits.burst_s / 60.0, limit / 60.0, now)
        return kind(name, limit, bucket, cost, shown=True)

    if limits.requests_per_min is not None:
        yield quota("requests", limits.requests_per_min, _one, PaidUpFront)
    if limits.tokens_per_min is not None:
        yield quota("tokens", limits.tokens_per_min, _tokens, PaidUpFront)
    if limits.input_tokens_per_min is not None:
        cost = _input if limits.cache_reads_count else _uncached_input
        yield quota("input_tokens", limits.input_tokens_per_min, cost, PaidUpFront)
    if limits.output_tokens_per_min is not None:
        cost, kind = (_max_tokens, Reserved) if limits.reserve_max_tokens else (_one, PaidAtTheEnd)
        yield quota("output_tokens", limits.output_tokens_per_min, cost, kind)


def _per_day(limits: Limits, now: float) -> Iterator[Quota]:
    def quota(name: LimitName, limit: int, cost: Callable[[Demand], int]) -> Quota:
        return PaidUpFront(name, limit, Bucket(limit, limit / _DAY_S, now), cost, shown=False)

    if limits.requests_per_day is not None:
        yield quota("requests_per_day", limits.requests_per_day, _one)
    if limits.tokens_per_day is not None:
        yield quota("tokens_per_day", limits.tokens_per_day, _tokens)


def _one(demand: Demand) -> int:
    return 1


def _tokens(demand: Demand) -> int:
    return max(demand.max_tokens, demand.input_tokens)


def _input(demand: Demand) -> int:
    return demand.input_tokens


def _uncached_input(demand: Demand) -> int:
    return demand.input_tokens - demand.cached_input_tokens


def _max_tokens(demand: Demand) -> int:
    return demand.max_tokens
