"""The token bucket: never more than capacity plus refill, and the predicted wait is long enough."""

from hypothesis import given
from hypothesis import strategies as st

from harness.stack.state.token_bucket import Bucket

GAPS = st.lists(st.floats(0, 30), min_size=1, max_size=40)


@given(st.floats(1, 10_000), st.floats(0.1, 120), GAPS, st.data())
def test_a_bucket_never_gives_more_than_its_capacity_plus_its_refill(
    per_minute: float, burst_s: float, gaps: list[float], data: st.DataObject
) -> None:
    bucket = Bucket.full(per_minute, burst_s, now=0.0)
    now, given_out = 0.0, 0.0
    for gap in gaps:
        now += gap
        amount = data.draw(st.floats(0, bucket.capacity))
        if bucket.wait_s(amount, now) == 0.0:
            bucket = bucket.take(amount, now)
            given_out += amount
        assert given_out <= bucket.capacity + bucket.rate * now + 1e-6 * (1 + given_out)


@given(st.floats(1, 10_000), st.floats(0.1, 120), st.floats(0, 1))
def test_after_the_predicted_wait_the_bucket_gives(per_minute: float, burst_s: float, share: float) -> None:
    bucket = Bucket.full(per_minute, burst_s, now=0.0)
    bucket = bucket.take(bucket.capacity, 0.0)
    amount = share * bucket.capacity
    assert bucket.wait_s(amount, bucket.wait_s(amount, 0.0)) <= 1e-6


def test_a_request_larger_than_the_bucket_passes_when_it_is_full() -> None:
    bucket = Bucket.full(60, 60, now=0.0)
    assert bucket.wait_s(1_000, 0.0) == 0.0
    assert bucket.take(1_000, 0.0).level_at(0.0) == -940
