"""Admission: a request is charged to every limit of its key and organisation, or to none.

A refused request is charged nothing. A permit returns the slot and reserved tokens of an admitted request
exactly once.
"""

from collections.abc import Sequence

from .limits import Demand, Limits, Meter, Scope, Verdict
from .quotas import Quota, quotas_of


class RateLimiter:
    """The limits of one model in one scope: those of one API key, or those of one organisation."""

    __slots__ = ("quotas", "scope")

    def __init__(self, limits: Limits, now: float, scope: Scope = "key") -> None:
        self.scope: Scope = scope
        self.quotas = tuple(quotas_of(limits, now))

    def admit(self, demand: Demand, now: float) -> Verdict:
        """Charge every limit of this scope, or none when one refuses."""
        return admit((self,), demand, now)

    def settle(self, demand: Demand, output_tokens: int, now: float) -> None:
        """The reply to an admitted `demand` has ended after `output_tokens`."""
        for quota in self.quotas:
            quota.settle(demand, output_tokens, now)


class Permit:
    """The slots and reservations of an admitted request in its `limiters`, until it ends."""

    __slots__ = ("_demand", "_limiters")

    def __init__(self, limiters: Sequence[RateLimiter], demand: Demand) -> None:
        self._limiters = limiters
        self._demand = demand

    def settle(self, output_tokens: int, now: float) -> None:
        """The reply has ended after `output_tokens`; only the first call counts."""
        limiters, self._limiters = self._limiters, ()
        for limiter in limiters:
            limiter.settle(self._demand, output_tokens, now)


def admit(limiters: Sequence[RateLimiter], demand: Demand, now: float) -> Verdict:
    """Charge every limit of every scope, or none: the limit with the longest wait refuses."""
    refusing: tuple[Quota, Scope] | None = None
    longest_s = 0.0
    for limiter in limiters:
        for quota in limiter.quotas:
            wait_s = quota.wait_s(demand, now)
            if wait_s > longest_s:
                longest_s, refusing = wait_s, (quota, limiter.scope)
    if refusing is not None:
        quota, scope = refusing
        return Verdict(_meters(limiters, demand, now), quota.meter(demand, scope, now), longest_s)
    for limiter in limiters:
        for quota in limiter.quotas:
            quota.charge(demand, now)
    return Verdict(_meters(limiters, demand, now))


def _meters(limiters: Sequence[RateLimiter], demand: Demand, now: float) -> tuple[Meter, ...]:
    tightest: dict[str, Meter] = {}
    for limiter in limiters:
        for quota in limiter.quotas:
            if quota.shown:
                meter = quota.meter(demand, limiter.scope, now)
                other = tightest.get(quota.name)
                if other is None or meter.remaining < other.remaining:
                    tightest[quota.name] = meter
    return tuple(tightest.values())
