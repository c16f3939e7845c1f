"""The quota: all buckets or none, and the provider's headers correct it once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.admission import quota
from harness.stack.admission.quota import Admission, Demand, QuotaOptions
from harness.stack.core.rate_meters import Meter, Meters


@given(st.floats(1, 1000), st.floats(1, 100_000), st.integers(0, 50_000))
def test_every_bucket_must_have_room(rpm: float, tpm: float, tokens: int) -> None:
    known = quota.initial(QuotaOptions(rpm=rpm, tpm=tpm), now=0.0)
    emptied = quota.take(QuotaOptions(), known, Demand(rpm), 0.0)[0]
    assert quota.wait_s(emptied, Demand(1, tokens), 0.0) == pytest.approx(min(1.0, rpm) * 60 / rpm)


LIMITS = QuotaOptions(rpm=60, input_tpm=600, output_tpm=300, concurrency=3, burst_s=10)


@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "end", "give back"]), st.floats(0, 3), st.integers(1, 80)),
        max_size=80,
    )
)
def test_requests_tokens_and_slots_are_taken_together_or_not_at_all_and_never_beyond_a_limit(
    steps: list[tuple[str, float, int]],
) -> None:
    known, now = quota.initial(LIMITS, 0.0), 0.0
    held: list[Demand] = []
    net = [0.0, 0.0, 0.0, 0.0]
    for step, after_s, size in steps:
        now += after_s
        if step == "ask":
            demand = Demand(1, 0, size, size / 2)
            before = known
            known, taken = quota.take(LIMITS, known, demand, now)
            if taken.wait_s > 0:
                assert known == before
                continue
            held.append(demand)
            net = [total + amount for total, amount in zip(net, demand, strict=True)]
        elif held:
            ended = held.pop(0)
            known = quota.release(known, ended if step == "give back" else quota.NO_DEMAND, now)
        assert known.in_flight == len(held) <= 3
    for bucket, total in zip(known.buckets, net, strict=True):
        if bucket is not None and not any(step == "give back" for step, _, _ in steps):
            assert total <= bucket.capacity + bucket.rate * now + 1e-6


def requests_meter(requests: Meter) -> Meters:
    return Meters(requests=requests)


def test_headers_below_our_level_lower_it() -> None:
    options = QuotaOptions(rpm=600)
    known, taken = quota.take(options, quota.initial(options, 0.0), Demand(100), 0.0)
    lower = quota.calibrated(options, known, taken, requests_meter(Meter(600, 99)), 0.5)
    assert lower.buckets[0] is not None
    assert lower.buckets[0].level_at(0.5) == pytest.approx(100 + 5)
    slower = quota.calibrated(options, known, taken, requests_meter(Meter(60, None)), 0.5)
    assert slower.buckets[0] is not None
    assert (slower.buckets[0].rate, slower.buckets[0].capacity) == (1.0, 60.0)


@pytest.mark.parametrize(
    "meter", [Meter(600, 599), Meter(600, 600), Meter(6000, 5000), Meter(None, None), Meter(0, None)]
)
def test_headers_that_agree_or_promise_more_change_nothing(meter: Meter) -> None:
    options = QuotaOptions(rpm=600)
    known, taken = quota.take(options, quota.initial(options, 0.0), Demand(1), 0.0)
    assert quota.calibrated(options, known, taken, requests_meter(meter), 0.5).buckets[0] in (
        known.buckets[0],
        known.buckets[0] and known.buckets[0].take(0, 0.5),
    )


def test_a_limit_that_is_not_configured_is_learned_from_the_headers() -> None:
    options = QuotaOptions(burst_s=60)
    learned = quota.calibrated(
        options, quota.initial(options, 0.0), Admission(0.0, (None,) * 4), requests_meter(Meter(120, 7)), 1.0
    )
    bucket = learned.buckets[0]
    assert bucket is not None
    assert (bucket.rate, bucket.level_at(1.0)) == (2.0, 8.0)


def test_the_use_of_other_clients_is_subtracted_once_however_many_requests_report_it() -> None:
    """Regression: each request in flight subtracted it again: a level of -4,000 instead of 5,750."""
    options = QuotaOptions(rpm=6000)
    known, sent = quota.initial(options, 0.0), []
    for _ in range(50):
        known, taken = quota.take(options, known, Demand(1), 0.0)
        sent.append(taken)
    for n, taken in enumerate(sent):
        known = quota.calibrated(
            options, known, taken, requests_meter(Meter(6000, 6000 - 200 - (n + 1))), 0.0
        )
    assert known.buckets[0] is not None
    assert known.buckets[0].level_at(0.0) == pytest.approx(6000 - 200 - 50, abs=1)


@given(st.permutations(range(20)), st.permutations(range(20)), st.integers(0, 500))
def test_requests_that_overtake_each_other_lower_the_level_by_one_round_at_most(
    arrive: list[int], answered: list[int], others: int
) -> None:
    """The provider counts in the order of arrival, its headers come back in any; the truth is the middle."""
    options = QuotaOptions(rpm=6000)
    known, sent = quota.initial(options, 0.0), []
    for _ in range(20):
        known, taken = quota.take(options, known, Demand(1), 0.0)
        sent.append(taken)
    remaining = {n: 6000 - others - place - 1 for place, n in enumerate(arrive)}
    for n in answered:
        known = quota.calibrated(options, known, sent[n], requests_meter(Meter(6000, remaining[n])), 0.0)
    truth = 6000 - others - 20
    assert known.buckets[0] is not None
    assert truth - 20 <= known.buckets[0].level_at(0.0) <= truth + 1


def test_a_limit_that_turns_out_lower_does_not_empty_the_bucket() -> None:
    """Regression: the excess over the large bucket was taken from the small one, which fell into debt."""
    options = QuotaOptions(tpm=1_900_000)
    known, taken = quota.take(options, quota.initial(options, 0.0), Demand(1, 500), 0.0)
    meters = Meters(tokens=Meter(400_000, 399_500))
    bucket = quota.calibrated(options, known, taken, meters, 0.5).buckets[1]
    assert bucket is not None
    assert bucket.level_at(0.5) >= 399_000


def test_refill_before_the_charge_does_not_count_when_a_provider_charges_at_the_end() -> None:
    """Two replies of 500 tokens, ten seconds apart, end together: a bucket of 500 that is charged only then
    was full all the time, and is 500 in debt.
    """
    options = QuotaOptions(output_tpm=3000, burst_s=10)
    large, small = quota.Demand(output_tokens=500), quota.Demand(output_tokens=5)
    known = quota.initial(options, 0.0)
    for now in (0.0, 10.0):
        known, taken = quota.take(options, known, large, now)
        assert taken.wait_s == 0.0
    for _ in range(2):
        known = quota.release(known, quota.NO_DEMAND, 10.2, 500.0)
    _, refused = quota.take(options, known, small, 10.2)
    assert refused.wait_s == pytest.approx(501 / 50)
    _, taken = quota.take(options, known, small, 10.2 + refused.wait_s)
    assert taken.wait_s == 0.0


def test_the_credit_of_a_provider_that_charges_at_the_end_refills_at_the_rate_of_its_headers() -> None:
    """500 tokens charged against the 100 of a bucket of 600 a minute: 400 are owed, at 10 a second."""
    options = QuotaOptions(output_tpm=3000, burst_s=10)
    known, admission = quota.take(options, quota.initial(options, 0.0), Demand(output_tokens=500), 0.0)
    meters = Meters(output_tokens=Meter(600, None))
    known = quota.calibrated(options, known, admission, meters, 0.0)
    known = quota.release(known, quota.NO_DEMAND, 10.0, 500.0)
    assert known.credit is not None
    assert (known.credit.rate, known.credit.capacity) == (10.0, 100.0)
    assert quota.wait_s(known, Demand(output_tokens=5), 10.0) == pytest.approx(401 / 10)


def test_headers_that_promise_a_higher_limit_leave_the_credit_as_it_is() -> None:
    options = QuotaOptions(output_tpm=3000, burst_s=10)
    known, admission = quota.take(options, quota.initial(options, 0.0), Demand(output_tokens=500), 0.0)
    faster = quota.calibrated(options, known, admission, Meters(output_tokens=Meter(6000, None)), 0.0)
    assert faster.credit == known.credit
