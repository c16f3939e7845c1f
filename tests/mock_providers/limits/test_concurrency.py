"""Requests in flight: every slot is taken and returned once, never more than the limit."""

from hypothesis import given
from hypothesis import strategies as st

from mock_providers.limits.limits import Demand, Limits
from mock_providers.limits.rate_limiter import Permit, RateLimiter, admit

DEMAND = Demand(10, max_tokens=100)


def slots(limit: int) -> RateLimiter:
    return RateLimiter(Limits(concurrency=limit), 0.0)


@given(st.integers(1, 5), st.lists(st.booleans(), max_size=80))
def test_never_more_in_flight_than_the_limit_and_never_fewer_than_possible(
    limit: int, asks: list[bool]
) -> None:
    limiter, permits = slots(limit), list[Permit]()
    for nth, ask in enumerate(asks):
        if not ask:
            if permits:
                permits.pop(nth % len(permits)).settle(0, float(nth))
            continue
        admitted = limiter.admit(DEMAND, float(nth)).refused_by is None
        assert admitted is (len(permits) < limit)
        if admitted:
            permits.append(Permit((limiter,), DEMAND))


def test_a_refusal_names_the_limit_and_asks_for_a_second() -> None:
    limiter = slots(1)
    limiter.admit(DEMAND, 0.0)
    refused = limiter.admit(DEMAND, 500.0)
    assert refused.refused_by is not None
    assert (refused.refused_by.name, refused.refused_by.limit, refused.wait_s) == ("concurrency", 1, 1.0)


def test_a_request_that_is_said_to_have_ended_twice_frees_one_slot() -> None:
    limiter = slots(2)
    for _ in range(2):
        assert limiter.admit(DEMAND, 0.0).refused_by is None
    ended = Permit((limiter,), DEMAND)
    ended.settle(5, 1.0)
    ended.settle(5, 1.0)
    assert limiter.admit(DEMAND, 1.0).refused_by is None
    assert limiter.admit(DEMAND, 1.0).refused_by is not None


def test_output_tokens_are_charged_once_however_often_the_end_is_told() -> None:
    limiter = RateLimiter(Limits(output_tokens_per_min=600), 0.0)
    limiter.admit(DEMAND, 0.0)
    permit = Permit((limiter,), DEMAND)
    permit.settle(100, 0.0)
    permit.settle(100, 0.0)
    assert limiter.admit(DEMAND, 0.0).meters[0].remaining == 500.0


def test_a_request_refused_by_another_limit_takes_no_slot() -> None:
    limiter = RateLimiter(Limits(concurrency=1, tokens_per_min=150), 0.0)
    for _ in range(3):
        assert limiter.admit(Demand(200), 0.0).refused_by is not None
    assert limiter.admit(DEMAND, 0.0).refused_by is None


def test_the_slots_of_an_organisation_are_shared_and_given_back_in_both_scopes() -> None:
    first, second = slots(2), slots(2)
    shared = RateLimiter(Limits(concurrency=3), 0.0, "organization")
    permits = []
    for limiter in (first, first, second):
        assert admit((limiter, shared), DEMAND, 0.0).refused_by is None
        permits.append(Permit((limiter, shared), DEMAND))
    refused = admit((second, shared), DEMAND, 0.0).refused_by
    assert refused is not None
    assert refused.scope == "organization"
    permits[0].settle(0, 0.0)
    assert admit((second, shared), DEMAND, 0.0).refused_by is None
    assert admit((second, shared), DEMAND, 0.0).refused_by is not None


def test_ten_thousand_requests_leave_every_slot_free() -> None:
    limiter = slots(7)
    for nth in range(10_000):
        assert limiter.admit(DEMAND, float(nth)).refused_by is None
        Permit((limiter,), DEMAND).settle(nth % 3, nth + 0.5)
    assert sum(limiter.admit(DEMAND, 1e5).refused_by is None for _ in range(20)) == 7
