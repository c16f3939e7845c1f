"""Token buckets admit exactly up to their limit."""

import math
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mock_providers.exchange.validation import one_line
from mock_providers.limits.bucket import Bucket
from mock_providers.limits.limits import Demand, Limits, Ramp
from mock_providers.limits.rate_limiter import RateLimiter, admit

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
    again = limiter.admit(demand, 0.0)
    assert again.refused_by is None
    assert again.meters[0].remaining == 60


def test_time_to_full_refill_is_told() -> None:
    limiter = RateLimiter(Limits(requests_per_min=60), now=0.0)
    assert limiter.admit(Demand(1), 0.0).meters[0].until_full_s == pytest.approx(1.0)


def test_a_bucket_too_small_for_one_request_is_refused() -> None:
    with pytest.raises(ValidationError, match="burst_s"):
        Limits(requests_per_min=10, burst_s=1.0)


def test_a_daily_limit_refills_continuously_and_asks_for_the_wait_openai_asks_for() -> None:
    limiter = RateLimiter(Limits(requests_per_day=1000), now=0.0)
    for _ in range(1000):
        assert limiter.admit(Demand(1), 0.0).refused_by is None
    refused = limiter.admit(Demand(1), 0.0)
    assert refused.refused_by is not None
    assert (refused.refused_by.name, refused.refused_by.limit) == ("requests_per_day", 1000)
    assert refused.wait_s == pytest.approx(86.4)
    assert limiter.admit(Demand(1), 86.4).refused_by is None


def test_tokens_of_a_day_are_charged_as_those_of_a_minute() -> None:
    limiter = RateLimiter(Limits(tokens_per_day=1000), now=0.0)
    assert limiter.admit(Demand(10, max_tokens=600), 0.0).refused_by is None
    refused = limiter.admit(Demand(401), 0.0)
    assert refused.refused_by is not None
    assert refused.refused_by.name == "tokens_per_day"


def test_an_organisation_limit_is_shared_by_its_keys_and_a_key_limit_is_not() -> None:
    first, second = (RateLimiter(Limits(requests_per_min=60), 0.0) for _ in range(2))
    shared = RateLimiter(Limits(requests_per_min=90), 0.0, "organization")
    assert sum(admit((first, shared), Demand(1), 0.0).refused_by is None for _ in range(100)) == 60
    assert sum(admit((second, shared), Demand(1), 0.0).refused_by is None for _ in range(100)) == 30
    by_key, by_organization = admit((first, shared), Demand(1), 1.0), admit((second, shared), Demand(1), 0.0)
    assert by_key.refused_by is None
    assert by_organization.refused_by is not None
    assert by_organization.refused_by.scope == "organization"


def test_what_one_scope_refuses_the_other_is_not_charged_for() -> None:
    key = RateLimiter(Limits(tokens_per_min=1000), 0.0)
    shared = RateLimiter(Limits(requests_per_min=60, tokens_per_min=100), 0.0, "organization")
    for _ in range(20):
        assert admit((key, shared), Demand(101), 0.0).refused_by is not None
    meters = {meter.name: meter for meter in admit((key, shared), Demand(100), 0.0).meters}
    assert (meters["tokens"].remaining, meters["requests"].remaining) == (0.0, 59.0)
    assert key.admit(Demand(1), 0.0).meters[0].remaining == 899.0


def test_headers_show_the_scope_with_the_least_left_and_only_what_is_per_minute() -> None:
    key = RateLimiter(Limits(requests_per_min=60, tokens_per_min=5000, concurrency=9), 0.0)
    shared = RateLimiter(
        Limits(requests_per_min=600, tokens_per_min=2000, requests_per_day=9), 0.0, "organization"
    )
    meters = admit((key, shared), Demand(10), 0.0).meters
    assert [(meter.name, meter.scope, meter.remaining) for meter in meters] == [
        ("requests", "key", 59.0),
        ("tokens", "organization", 1990.0),
    ]


@pytest.mark.parametrize(("counts", "remaining"), [(True, 500.0), (False, 900.0)])
def test_cache_reads_are_charged_only_where_they_count(counts: bool, remaining: float) -> None:
    limiter = RateLimiter(Limits(input_tokens_per_min=1000, cache_reads_count=counts), now=0.0)
    assert limiter.admit(Demand(500, cached_input_tokens=400), 0.0).meters[0].remaining == remaining


def ramped(limiter: RateLimiter, asked: int, now: float) -> int:
    return sum(limiter.admit(Demand(1), now).refused_by is None for _ in range(asked))


def test_traffic_may_grow_by_the_factor_from_window_to_window_and_no_faster() -> None:
    limiter = RateLimiter(Limits(ramp=Ramp(floor_per_min=10, factor=1.5, window_s=60.0)), now=0.0)
    assert [ramped(limiter, 1000, 60.0 * window) for window in range(5)] == [10, 15, 22, 33, 49]


def test_a_quiet_window_brings_the_ramp_back_to_its_floor() -> None:
    limiter = RateLimiter(Limits(ramp=Ramp(floor_per_min=10, factor=2.0, window_s=60.0)), now=0.0)
    assert [ramped(limiter, 40, now) for now in (0.0, 60.0, 120.0, 240.0)] == [10, 20, 40, 10]


def test_a_ramp_refusal_says_so_and_tells_when_the_next_window_begins() -> None:
    limits = Limits(requests_per_min=6000, ramp=Ramp(floor_per_min=60, window_s=10.0))
    limiter = RateLimiter(limits, now=100.0)
    assert ramped(limiter, 50, 103.0) == 10
    refused = limiter.admit(Demand(1), 104.0)
    assert refused.refused_by is not None
    assert (refused.refused_by.name, refused.refused_by.limit) == ("ramp", 10)
    assert refused.wait_s == pytest.approx(6.0)
    assert limiter.admit(Demand(1), 110.0).refused_by is None


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"ramp": {"floor_per_min": 1, "window_s": 30.0}}, "ramp: window_s: expected at least 60"),
        ({"ramp": {"floor_per_min": 1, "factor": 0.5}}, "ramp.factor: .*greater than or equal to 1"),
        ({"concurrency": 0}, "concurrency: .*greater than 0"),
        ({"requests_per_hour": 5}, "requests_per_hour: unknown key"),
    ],
)
def test_a_limit_that_cannot_be_is_told_in_one_line(limits: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        Limits.model_validate(limits)
    line = one_line(error.value)
    assert re.match(message, line)
    assert "\n" not in line
