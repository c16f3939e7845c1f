"""Token buckets: what they admit, and that they admit nothing more."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mock_providers.limits import Bucket, Demand, Limits, RateLimiter

# Times in 64ths of a second and limits in multiples of 60 a minute: floats hold every level exactly, so the
# limiter and an exact reference must agree on every single decision.
GAPS = st.integers(0, 640).map(lambda sixtyfourths: sixtyfourths / 64)
ARRIVALS = st.lists(st.tuples(GAPS, st.integers(0, 40), st.integers(0, 40)), max_size=60)


def per_minute(most: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(1, most).map(lambda per_s: per_s * 60)


@given(ARRIVALS, per_minute(3), per_minute(20), st.sampled_from([1.0, 4.0, 60.0]))
def test_admission_equals_an_exact_reference(
    arrivals: list[tuple[float, int, int]], rpm: int | None, tpm: int | None, burst_s: float
) -> None:
    limiter = RateLimiter(Limits(requests_per_min=rpm, tokens_per_min=tpm, burst_s=burst_s), now=0.0)
    levels = {
        name: Fraction(per_min, 60) * Fraction(burst_s)
        for name, per_min in (("r", rpm), ("t", tpm))
        if per_min
    }
    capacity = dict(levels)
    rates = {name: Fraction(per_min, 60) for name, per_min in (("r", rpm), ("t", tpm)) if per_min}
    now = 0.0
    for gap_s, input_tokens, max_tokens in arrivals:
        now += gap_s
        costs = {"r": 1, "t": max(input_tokens, max_tokens)}
        levels = {
            name: min(capacity[name], level + rates[name] * Fraction(gap_s)) for name, level in levels.items()
        }
        expected = all(levels[name] >= costs[name] for name in levels)
        if expected:
            levels = {name: level - costs[name] for name, level in levels.items()}
        verdict = limiter.admit(Demand(input_tokens, max_tokens), now)
        assert (verdict.refused_by is None) is expected


@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 50)), max_size=80),
    st.floats(1, 100),
    st.floats(0.1, 30),
)
def test_a_bucket_never_gives_more_than_capacity_and_refill(
    takes: list[tuple[float, float]], capacity: float, per_s: float
) -> None:
    bucket, now, taken = Bucket(capacity, per_s, 0.0), 0.0, 0.0
    for gap_s, amount in takes:
        now += gap_s
        if bucket.wait_s(amount, now) == 0.0:
            bucket.charge(amount, now)
            taken += amount
        assert taken <= (capacity + per_s * now) * (1 + 1e-6)


@given(st.integers(1, 40), st.integers(0, 40), st.floats(0, 3))
def test_the_wait_that_is_told_is_long_enough_and_not_longer(first: int, second: int, gap_s: float) -> None:
    limiter = RateLimiter(Limits(tokens_per_min=60, burst_s=40.0), now=0.0)
    limiter.admit(Demand(first), 0.0)
    refused = limiter.admit(Demand(second), gap_s)
    if refused.refused_by is not None:
        assert limiter.admit(Demand(second), gap_s + refused.wait_s * 0.99 - 1e-6).refused_by is not None
        assert limiter.admit(Demand(second), gap_s + refused.wait_s).refused_by is None


def test_a_refused_request_charges_no_bucket() -> None:
    limiter = RateLimiter(Limits(requests_per_min=60, tokens_per_min=600), now=0.0)
    limiter.admit(Demand(600), 0.0)
    for _ in range(100):
        assert limiter.admit(Demand(1), 0.0).refused_by is not None
    requests = next(meter for meter in limiter.admit(Demand(1), 0.0).meters if meter.name == "requests")
    assert requests.remaining == 59


def test_what_is_larger_than_the_limit_never_fits() -> None:
    verdict = RateLimiter(Limits(tokens_per_min=100), now=0.0).admit(Demand(101), 0.0)
    assert verdict.refused_by is not None
    assert math.isinf(verdict.wait_s)


def test_openai_counts_the_larger_of_prompt_and_max_tokens() -> None:
    limiter = RateLimiter(Limits(tokens_per_min=1000), now=0.0)
    assert limiter.admit(Demand(10, max_tokens=300), 0.0).meters[0].remaining == 700
    assert limiter.admit(Demand(50, max_tokens=0), 0.0).meters[0].remaining == 650


def test_output_tokens_are_charged_when_they_were_sent() -> None:
    limiter = RateLimiter(Limits(output_tokens_per_min=600), now=0.0)
    demand = Demand(10, max_tokens=5000)
    assert limiter.admit(demand, 0.0).meters[0].remaining == 600
    limiter.settle(demand, 605, 0.0)
    refused = limiter.admit(demand, 0.0)
    assert refused.wait_s == pytest.approx(0.6)
    assert limiter.admit(demand, 0.7).refused_by is None


def test_reserved_output_tokens_that_were_not_sent_come_back() -> None:
    limiter = RateLimiter(Limits(output_tokens_per_min=600, reserve_max_tokens=True), now=0.0)
    demand = Demand(10, max_tokens=500)
    assert limiter.admit(demand, 0.0).refused_by is None
    assert limiter.admit(demand, 0.0).refused_by is not None
    limiter.settle(demand, 40, 0.0)
    assert limiter.admit(demand, 0.0).meters[0].remaining == 60


def test_time_to_full_refill_is_told() -> None:
    limiter = RateLimiter(Limits(requests_per_min=60), now=0.0)
    assert limiter.admit(Demand(1), 0.0).meters[0].until_full_s == pytest.approx(1.0)


def test_a_bucket_too_small_for_one_request_is_refused() -> None:
    with pytest.raises(ValidationError, match="burst_s"):
        Limits(requests_per_min=10, burst_s=1.0)
