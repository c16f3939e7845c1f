"""Admission against a reference that keeps every charge and adds it all up again, in exact fractions.

Times are 64ths of a second and amounts whole, so an exact level never lies nearer to a cost than the
limiter's rounding unless it is equal to it: both must agree on every decision.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_providers.limits.limits import Demand, LimitName, Limits, Ramp, Scope
from mock_providers.limits.rate_limiter import Permit, RateLimiter, admit

Name = tuple[LimitName, Scope]


@dataclass
class Tank:
    """A bucket as the history of its charges; the level is computed from all of them each time."""

    capacity: Fraction
    per_s: Fraction
    taken: list[tuple[Fraction, int]] = field(default_factory=list)

    def level(self, now: Fraction) -> Fraction:
        level, at = self.capacity, Fraction(0)
        for when, amount in self.taken:
            level, at = (
                min(self.capacity, min(self.capacity, level + self.per_s * (when - at)) - amount),
                when,
            )
        return min(self.capacity, level + self.per_s * (now - at))

    def wait(self, cost: int, now: Fraction) -> Fraction | float:
        missing = cost - self.level(now)
        return math.inf if cost > self.capacity else max(Fraction(0), missing / self.per_s)


class Reference:
    """One scope, as the history of its events."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.tanks: dict[LimitName, Tank] = {}
        burst = Fraction(limits.burst_s)
        per_minute: list[tuple[LimitName, int | None]] = [
            ("requests", limits.requests_per_min),
            ("tokens", limits.tokens_per_min),
            ("input_tokens", limits.input_tokens_per_min),
            ("output_tokens", limits.output_tokens_per_min),
        ]
        per_day: list[tuple[LimitName, int | None]] = [
            ("requests_per_day", limits.requests_per_day),
            ("tokens_per_day", limits.tokens_per_day),
        ]
        for name, limit in per_minute:
            if limit is not None:
                self.tanks[name] = Tank(Fraction(limit, 60) * burst, Fraction(limit, 60))
        for name, limit in per_day:
            if limit is not None:
                self.tanks[name] = Tank(Fraction(limit), Fraction(limit, 86_400))
        self.admitted: list[Fraction] = []
        self.ended = 0

    def cost(self, name: LimitName, demand: Demand) -> int:
        if name in ("tokens", "tokens_per_day"):
            return max(demand.input_tokens, demand.max_tokens)
        if name == "input_tokens":
            counted = 0 if self.limits.cache_reads_count else demand.cached_input_tokens
            return demand.input_tokens - counted
        if name == "output_tokens" and self.limits.reserve_max_tokens:
            return demand.max_tokens
        return 1

    def waits(self, demand: Demand, now: Fraction) -> dict[LimitName, Fraction | float]:
        waits = {name: tank.wait(self.cost(name, demand), now) for name, tank in self.tanks.items()}
        if self.limits.concurrency is not None:
            waits["concurrency"] = 1.0 if len(self.admitted) - self.ended >= self.limits.concurrency else 0.0
        if self.limits.ramp is not None:
            waits["ramp"] = self.ramp_wait(self.limits.ramp, now)
        return waits

    def ramp_wait(self, ramp: Ramp, now: Fraction) -> Fraction:
        length = Fraction(ramp.window_s)
        windows = [when // length for when in self.admitted]
        window = now // length
        floor = Fraction(ramp.floor_per_min) * length / 60
        allowed = max(floor // 1, Fraction(ramp.factor) * windows.count(window - 1) // 1)
        return Fraction(0) if windows.count(window) < allowed else (window + 1) * length - now

    def let_in(self, demand: Demand, now: Fraction) -> None:
        self.admitted.append(now)
        for name, tank in self.tanks.items():
            if name != "output_tokens" or self.limits.reserve_max_tokens:
                tank.taken.append((now, self.cost(name, demand)))

    def end(self, demand: Demand, output_tokens: int, now: Fraction) -> None:
        self.ended += 1
        if "output_tokens" in self.tanks:
            reserved = demand.max_tokens if self.limits.reserve_max_tokens else 0
            self.tanks["output_tokens"].taken.append((now, output_tokens - reserved))


@dataclass(frozen=True)
class Step:
    """`asks`: a request on `key`; else the `which`-th request in flight ends."""

    kind: Literal["asks", "ends"]
    gap: Fraction
    key: int
    demand: Demand
    output_tokens: int
    which: int


NAMES = ("rpm", "tpm", "itpm", "otpm", "rpd", "tpd", "concurrency", "ramp")


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    """At most three limits at once, so that each one decides sometimes."""
    chosen = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
    burst_s = draw(st.sampled_from([1.0, 4.0, 60.0]))
    unit = int(60 / burst_s)

    def one_of(name: str, most: int, of: int = 1) -> int | None:
        return draw(st.integers(1, most)) * of if name in chosen else None

    ramps = st.builds(
        Ramp,
        floor_per_min=st.integers(6, 40),
        factor=st.sampled_from([1.0, 1.25, 1.5, 2.0]),
        window_s=st.sampled_from([10.0, 60.0]),
    )
    return Limits(
        requests_per_min=one_of("rpm", 12, unit),
        tokens_per_min=one_of("tpm", 60, unit),
        input_tokens_per_min=one_of("itpm", 60, unit),
        output_tokens_per_min=one_of("otpm", 60, unit),
        reserve_max_tokens=draw(st.booleans()),
        cache_reads_count=draw(st.booleans()),
        requests_per_day=one_of("rpd", 15),
        tokens_per_day=one_of("tpd", 150),
        concurrency=one_of("concurrency", 4),
        ramp=draw(ramps) if "ramp" in chosen else None,
        burst_s=burst_s,
    )


@st.composite
def steps(draw: st.DrawFn) -> Step:
    input_tokens = draw(st.integers(0, 40))
    gaps = st.integers(0, 200) | st.integers(0, 64 * 90) | st.integers(0, 64 * 20_000)
    return Step(
        kind=draw(st.sampled_from(["asks", "asks", "ends"])),
        gap=Fraction(draw(gaps), 64),
        key=draw(st.integers(0, 1)),
        demand=Demand(input_tokens, draw(st.integers(0, 40)), draw(st.integers(0, input_tokens))),
        output_tokens=draw(st.integers(0, 50)),
        which=draw(st.integers(0, 9)),
    )


@settings(max_examples=300, deadline=None)
@given(limits(), limits(), st.lists(steps(), max_size=50))
def test_every_decision_equals_the_references(of_key: Limits, of_all: Limits, played: list[Step]) -> None:
    shared, shared_reference = RateLimiter(of_all, 0.0, "organization"), Reference(of_all)
    keys = [(RateLimiter(of_key, 0.0), Reference(of_key)) for _ in range(2)]
    in_flight: list[tuple[Permit, int, Demand]] = []
    now = Fraction(0)
    for step in played:
        now += step.gap
        if step.kind == "ends":
            if in_flight:
                permit, key, demand = in_flight.pop(step.which % len(in_flight))
                permit.settle(step.output_tokens, float(now))
                for reference in (keys[key][1], shared_reference):
                    reference.end(demand, step.output_tokens, now)
            continue
        limiter, reference = keys[step.key]
        verdict = admit((limiter, shared), step.demand, float(now))
        waits = reference.waits(step.demand, now)
        named: dict[Name, Fraction | float] = {(name, "key"): wait for name, wait in waits.items()}
        for name, wait in shared_reference.waits(step.demand, now).items():
            named[name, "organization"] = wait
        longest = max(named.values(), default=0)
        assert (verdict.refused_by is None) is (longest == 0)
        if verdict.refused_by is None:
            reference.let_in(step.demand, now)
            shared_reference.let_in(step.demand, now)
            in_flight.append((Permit((limiter, shared), step.demand), step.key, step.demand))
        else:
            assert verdict.wait_s == pytest.approx(float(longest), rel=1e-6, abs=1e-6)
            blamed = named[verdict.refused_by.name, verdict.refused_by.scope]
            assert float(blamed) == pytest.approx(float(longest), rel=1e-6, abs=1e-6)
