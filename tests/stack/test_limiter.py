"""The limiter: never above the limit, first come first served, nothing lost when callers leave."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.call import Call
from harness.stack.errors import Rejected
from harness.stack.limiter import Buckets, Limiter, LimiterOptions, TokenBucket
from harness.stack.reply import Delta, Reply

GAPS = st.lists(st.floats(0, 30), min_size=1, max_size=40)


@given(st.floats(1, 10_000), st.floats(0.1, 120), GAPS, st.data())
def test_a_bucket_never_gives_more_than_its_capacity_plus_its_refill(
    per_minute: float, burst_s: float, gaps: list[float], data: st.DataObject
) -> None:
    bucket = TokenBucket(per_minute, burst_s, now=0.0)
    now, given_out = 0.0, 0.0
    for gap in gaps:
        now += gap
        amount = data.draw(st.floats(0, bucket.capacity))
        if bucket.wait_s(amount, now) == 0.0:
            bucket.take(amount, now)
            given_out += amount
        assert given_out <= bucket.capacity + bucket.rate * now + 1e-6 * (1 + given_out)


@given(st.floats(1, 10_000), st.floats(0.1, 120), st.floats(0, 1))
def test_after_the_predicted_wait_the_bucket_gives(per_minute: float, burst_s: float, share: float) -> None:
    bucket = TokenBucket(per_minute, burst_s, now=0.0)
    bucket.take(bucket.capacity, 0.0)
    amount = share * bucket.capacity
    assert bucket.wait_s(amount, bucket.wait_s(amount, 0.0)) <= 1e-6


@given(st.floats(1, 1000), st.floats(1, 100_000), st.integers(0, 50_000))
def test_both_buckets_must_have_room(rpm: float, tpm: float, tokens: int) -> None:
    buckets = Buckets(LimiterOptions(rpm=rpm, tpm=tpm), now=0.0)
    buckets.take((rpm, 0.0), 0.0)
    wait_s = buckets.wait_s((1, tokens), 0.0)
    assert wait_s == pytest.approx(min(1.0, rpm) * 60 / rpm)


def test_a_request_larger_than_the_bucket_passes_when_it_is_full() -> None:
    bucket = TokenBucket(60, 60, now=0.0)
    assert bucket.wait_s(1_000, 0.0) == 0.0
    bucket.take(1_000, 0.0)
    assert bucket.level(0.0) == -940


def sum_of(input_tokens: int, max_tokens: int) -> int:
    return input_tokens + max_tokens


def quick(**options: Any) -> Limiter:
    """50 requests a second after the first."""
    return Limiter(LimiterOptions(rpm=3000, burst_s=0.02, **options), sum_of)


async def answer(call: Call, order: list[str], source: Any) -> Reply:
    order.append(call.id)
    return Reply(Delta("x"), source())


async def test_calls_are_admitted_in_the_order_they_came(call: Callable[..., Call], source: Any) -> None:
    limiter, order = quick(), list[str]()
    ids = [f"c{n}" for n in range(6)]
    await asyncio.gather(*(limiter(call(id), lambda c: answer(c, order, source)) for id in ids))
    assert order == ids


async def test_a_wait_beyond_the_deadline_is_rejected_on_arrival(
    call: Callable[..., Call], source: Any
) -> None:
    limiter = Limiter(LimiterOptions(rpm=60, burst_s=1), sum_of)
    await limiter(call("first"), lambda c: answer(c, [], source))
    now = asyncio.get_running_loop().time()
    with pytest.raises(Rejected) as rejected:
        await limiter(replace(call("second"), deadline_s=now + 0.5), lambda c: answer(c, [], source))
    assert rejected.value.kind == "rejected_limiter"
    assert rejected.value.retry_after_s == pytest.approx(1.0, abs=0.1)
    assert asyncio.get_running_loop().time() - now < 0.4


async def test_the_queue_ahead_counts_in_the_predicted_wait(call: Callable[..., Call], source: Any) -> None:
    limiter = Limiter(LimiterOptions(rpm=600, burst_s=0.1, max_wait_s=0.25), sum_of)
    asked = [asyncio.create_task(limiter(call(f"c{n}"), lambda c: answer(c, [], source))) for n in range(5)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(outcome, Rejected) for outcome in outcomes] == [False, False, False, True, True]


async def test_a_waiter_that_leaves_gives_up_its_place(call: Callable[..., Call], source: Any) -> None:
    limiter, order = quick(), list[str]()
    tasks = [
        asyncio.create_task(limiter(call(f"c{n}"), lambda c: answer(c, order, source))) for n in range(4)
    ]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["c0", "c2", "c3"]


async def test_leaving_in_the_moment_of_admission_gives_back_what_was_taken(
    call: Callable[..., Call], source: Any
) -> None:
    limiter = Limiter(LimiterOptions(rpm=600, burst_s=0.1), sum_of)
    await limiter(call("first"), lambda c: answer(c, [], source))
    waiting = asyncio.create_task(limiter(call("second"), lambda c: answer(c, [], source)))
    await asyncio.sleep(0)
    assert limiter._timer is not None
    limiter._timer.cancel()
    await asyncio.sleep(0.15)
    limiter._admit()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    now = asyncio.get_running_loop().time()
    assert limiter._buckets(now).wait_s((1, 0), now) == 0.0


async def test_unused_tokens_come_back_when_the_provider_counts_usage(
    call: Callable[..., Call], source: Any
) -> None:
    limiter = Limiter(LimiterOptions(tpm=6000, settle="usage", assumed_output_tokens=1000), sum_of)
    reply = await limiter(call(), lambda c: answer(c, [], source))
    now = asyncio.get_running_loop().time()
    before = limiter._buckets(now)._both[1].level(now)  # type: ignore[union-attr]  # tpm is set
    await reply.text()
    now = asyncio.get_running_loop().time()
    after = limiter._buckets(now)._both[1].level(now)  # type: ignore[union-attr]  # tpm is set
    assert before < 5000
    assert after == pytest.approx(6000 - 22, abs=30)


async def test_the_wait_is_on_the_attempts_record(call: Callable[..., Call], source: Any) -> None:
    from harness.stack.facts import AttemptFacts

    limiter = Limiter(LimiterOptions(rpm=600, burst_s=0.1), sum_of)
    attempts = [AttemptFacts(f"c{n}", 1, "primary", "openai", "gpt-4o", 0.0) for n in range(2)]
    for attempt in attempts:
        await limiter(replace(call(), attempt=attempt), lambda c: answer(c, [], source))
    assert attempts[0].limiter_wait_s == pytest.approx(0.0, abs=0.02)
    assert attempts[1].limiter_wait_s >= 0.08
