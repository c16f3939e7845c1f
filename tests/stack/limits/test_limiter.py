"""The limiter: never above the limit, first come first served, nothing lost when callers leave."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError, Rejected
from harness.stack.core.rate_meters import Meter, Meters
from harness.stack.core.reply import Delta, Reply
from harness.stack.limits import limiter as limiting
from harness.stack.limits import quota
from harness.stack.limits.limiter import Limiter, LimiterOptions
from harness.stack.limits.queue import Waiter
from harness.stack.limits.quota import Demand, QuotaOptions, Taken
from harness.stack.state.token_bucket import Bucket
from harness.virtual import run_virtual
from tests.stack.calls import changed

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


@given(st.floats(1, 1000), st.floats(1, 100_000), st.integers(0, 50_000))
def test_every_bucket_must_have_room(rpm: float, tpm: float, tokens: int) -> None:
    known = quota.opened(QuotaOptions(rpm=rpm, tpm=tpm), now=0.0)
    emptied = quota.take(QuotaOptions(), known, Demand(rpm), 0.0)[0]
    assert quota.wait_s(emptied, Demand(1, tokens), 0.0) == pytest.approx(min(1.0, rpm) * 60 / rpm)


def test_a_request_larger_than_the_bucket_passes_when_it_is_full() -> None:
    bucket = Bucket.full(60, 60, now=0.0)
    assert bucket.wait_s(1_000, 0.0) == 0.0
    assert bucket.take(1_000, 0.0).level_at(0.0) == -940


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
    known, now = quota.opened(LIMITS, 0.0), 0.0
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
            known = quota.give_back(known, ended if step == "give back" else quota.NO_DEMAND, now)
        assert known.in_flight == len(held) <= 3
    for bucket, total in zip(known.buckets, net, strict=True):
        if bucket is not None and not any(step == "give back" for step, _, _ in steps):
            assert total <= bucket.capacity + bucket.rate * now + 1e-6


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
        await limiter(changed(call("second"), deadline_s=now + 0.5), lambda c: answer(c, [], source))
    assert rejected.value.kind == "rejected_limiter"
    assert rejected.value.retry_after_s == pytest.approx(1.0, abs=0.1)
    assert asyncio.get_running_loop().time() - now < 0.4


async def test_a_request_that_was_never_sent_takes_nothing_of_the_limits(
    call: Callable[..., Call], source: Any
) -> None:
    """A layer below may refuse the call (its deadline passed): the provider never saw it."""
    limiter = Limiter(LimiterOptions(rpm=60, burst_s=1, max_wait_s=0.1), sum_of)

    async def refuse(c: Call) -> Reply:
        raise Rejected("rejected_deadline", "too late")

    for n in range(5):
        with pytest.raises(Rejected, match="too late"):
            await limiter(call(f"c{n}"), refuse)
    order = list[str]()
    await limiter(call("sent"), lambda c: answer(c, order, source))
    assert order == ["sent"]


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


def level(limiter: Limiter, meter: int) -> float:
    """What is in a bucket now."""
    bucket = limiter._backend.peek("limiter").buckets[meter]  # type: ignore[attr-defined]  # it is in memory
    assert bucket is not None
    return float(bucket.level_at(asyncio.get_running_loop().time()))


def in_flight(limiter: Limiter) -> int:
    return int(limiter._backend.peek("limiter").in_flight)  # type: ignore[attr-defined]  # it is in memory


def test_leaving_in_the_moment_of_admission_gives_back_what_was_taken(
    call: Callable[..., Call], source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Jumpy(Waiter):
        """Its caller is cancelled just as it is admitted, before it can wake."""

        __slots__ = ()

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            task = asyncio.current_task()
            assert task is not None
            self.admitted.add_done_callback(lambda _: task.cancel())

    async def scenario() -> None:
        monkeypatch.setattr(limiting, "Waiter", Jumpy)
        limiter = Limiter(LimiterOptions(rpm=60, burst_s=1), sum_of)
        await (await limiter(call("first"), lambda c: answer(c, [], source))).text()
        waiting = asyncio.create_task(limiter(call("second"), lambda c: answer(c, [], source)))
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert (level(limiter, 0), in_flight(limiter), len(limiter._line)) == (1.0, 0, 0)

    run_virtual(scenario())


def test_unused_tokens_come_back_when_the_provider_counts_usage(
    call: Callable[..., Call], source: Any
) -> None:
    async def scenario() -> None:
        limiter = Limiter(LimiterOptions(tpm=6000, settle="usage", assumed_output_tokens=1000), sum_of)
        reply = await limiter(call(), lambda c: answer(c, [], source))
        assert level(limiter, 1) < 5000
        await reply.text()
        assert level(limiter, 1) == pytest.approx(6000 - 22, abs=1)

    run_virtual(scenario())


def test_a_slot_is_held_until_the_reply_ends_however_it_ends(call: Callable[..., Call], source: Any) -> None:
    async def scenario() -> None:
        limiter, order = Limiter(LimiterOptions(concurrency=1), sum_of), list[str]()
        first = await limiter(call("first"), lambda c: answer(c, order, source))
        waiting = asyncio.create_task(limiter(call("second"), lambda c: answer(c, order, source)))
        await asyncio.sleep(5)
        assert (order, in_flight(limiter)) == (["first"], 1)
        await first.aclose()
        second = await waiting
        assert order == ["first", "second"]
        await second.text()
        await second.aclose()

        async def fail(_: Call) -> Reply:
            raise ProviderError("connect", "nobody")

        with pytest.raises(ProviderError):
            await limiter(call("third"), fail)
        assert in_flight(limiter) == 0

    run_virtual(scenario())


def test_interactive_calls_go_before_batch_ones_but_not_for_ever(
    call: Callable[..., Call], source: Any
) -> None:
    async def scenario() -> list[str]:
        options = LimiterOptions(rpm=60, burst_s=1, batch_patience_s=3.5, max_wait_s=60)
        limiter, order = Limiter(options, sum_of), list[str]()
        await limiter(call("first"), lambda c: answer(c, order, source))
        tasks = [
            asyncio.create_task(
                limiter(changed(call("batch"), priority="batch"), lambda c: answer(c, order, source))
            )
        ]
        for n in range(6):
            await asyncio.sleep(0.5)
            tasks.append(asyncio.create_task(limiter(call(f"i{n}"), lambda c: answer(c, order, source))))
        await asyncio.wait(tasks)
        return order

    assert run_virtual(scenario()) == ["first", "i0", "i1", "i2", "batch", "i3", "i4", "i5"]


def test_a_wait_that_turns_out_longer_than_predicted_ends_at_the_longest(
    call: Callable[..., Call], source: Any
) -> None:
    async def scenario() -> float:
        limiter = Limiter(LimiterOptions(concurrency=1, max_wait_s=2), sum_of)
        await limiter(call("holds"), lambda c: answer(c, [], source))
        with pytest.raises(Rejected, match=r"2\.0 s"):
            await limiter(call("waits"), lambda c: answer(c, [], source))
        assert len(limiter._line) == 0
        return asyncio.get_running_loop().time()

    assert run_virtual(scenario()) == pytest.approx(2.0, abs=1e-6)


def told(requests: Meter) -> Meters:
    return Meters(requests=requests)


def test_headers_that_say_less_than_we_believe_lower_what_is_left() -> None:
    options = QuotaOptions(rpm=600)
    known, taken = quota.take(options, quota.opened(options, 0.0), Demand(100), 0.0)
    lower = quota.calibrated(options, known, taken, told(Meter(600, 99)), 0.5)
    assert lower.buckets[0] is not None
    assert lower.buckets[0].level_at(0.5) == pytest.approx(100 + 5)
    slower = quota.calibrated(options, known, taken, told(Meter(60, None)), 0.5)
    assert slower.buckets[0] is not None
    assert (slower.buckets[0].rate, slower.buckets[0].capacity) == (1.0, 60.0)


@pytest.mark.parametrize(
    "meter", [Meter(600, 599), Meter(600, 600), Meter(6000, 5000), Meter(None, None), Meter(0, None)]
)
def test_headers_that_agree_or_promise_more_change_nothing(meter: Meter) -> None:
    options = QuotaOptions(rpm=600)
    known, taken = quota.take(options, quota.opened(options, 0.0), Demand(1), 0.0)
    assert quota.calibrated(options, known, taken, told(meter), 0.5).buckets[0] in (
        known.buckets[0],
        known.buckets[0] and known.buckets[0].take(0, 0.5),
    )


def test_a_limit_that_nobody_told_us_is_learned_from_the_headers() -> None:
    options = QuotaOptions(burst_s=60)
    learned = quota.calibrated(
        options, quota.opened(options, 0.0), Taken(0.0, (None,) * 4), told(Meter(120, 7)), 1.0
    )
    bucket = learned.buckets[0]
    assert bucket is not None
    assert (bucket.rate, bucket.level_at(1.0)) == (2.0, 8.0)


def test_what_somebody_else_used_is_taken_away_once_however_many_requests_tell_of_it() -> None:
    """Regression: each request in flight took it away again, 4,000 below nothing in place of 5,750 left."""
    options = QuotaOptions(rpm=6000)
    known, sent = quota.opened(options, 0.0), []
    for _ in range(50):
        known, taken = quota.take(options, known, Demand(1), 0.0)
        sent.append(taken)
    for n, taken in enumerate(sent):
        known = quota.calibrated(options, known, taken, told(Meter(6000, 6000 - 200 - (n + 1))), 0.0)
    assert known.buckets[0] is not None
    assert known.buckets[0].level_at(0.0) == pytest.approx(6000 - 200 - 50, abs=1)


@given(st.permutations(range(20)), st.permutations(range(20)), st.integers(0, 500))
def test_requests_that_overtake_each_other_lower_the_level_by_one_round_at_most(
    arrive: list[int], answered: list[int], others: int
) -> None:
    """The provider counts in the order of arrival, its headers come back in any; the truth is the middle."""
    options = QuotaOptions(rpm=6000)
    known, sent = quota.opened(options, 0.0), []
    for _ in range(20):
        known, taken = quota.take(options, known, Demand(1), 0.0)
        sent.append(taken)
    remaining = {n: 6000 - others - place - 1 for place, n in enumerate(arrive)}
    for n in answered:
        known = quota.calibrated(options, known, sent[n], told(Meter(6000, remaining[n])), 0.0)
    truth = 6000 - others - 20
    assert known.buckets[0] is not None
    assert truth - 20 <= known.buckets[0].level_at(0.0) <= truth + 1


def test_a_429_that_tells_what_is_left_empties_no_other_meter(call: Callable[..., Call]) -> None:
    async def refused(meters: Meters | None) -> tuple[float, float]:
        limiter = Limiter(LimiterOptions(rpm=60, tpm=60_000), sum_of)

        async def refuse(_: Call) -> Reply:
            error = ProviderError("rate_limited", "slow down", status=429, retry_after_s=1.0)
            error.meters = meters
            raise error

        with pytest.raises(ProviderError):
            await limiter(call(), refuse)
        return level(limiter, 0), level(limiter, 1)

    requests, tokens = run_virtual(refused(Meters(Meter(60, 0), Meter(60_000, 50_000))))
    assert (requests, tokens) == (1, 50_001)
    assert run_virtual(refused(None)) == (0, 0)
    assert run_virtual(refused(Meters())) == (0, 0)


def test_after_a_429_without_a_word_the_line_moves_on_at_the_refill_and_not_all_at_once(
    call: Callable[..., Call], source: Any
) -> None:
    async def scenario() -> list[float]:
        limiter, sent_s = Limiter(LimiterOptions(rpm=600, pause_s=2), sum_of), list[float]()

        async def refuse(_: Call) -> Reply:
            raise ProviderError("rate_limited", "slow down", status=429)

        async def serve(c: Call) -> Reply:
            sent_s.append(asyncio.get_running_loop().time())
            return await answer(c, [], source)

        with pytest.raises(ProviderError):
            await limiter(call(), refuse)
        await asyncio.gather(*(limiter(call(f"c{n}"), serve) for n in range(60)))
        return sent_s

    sent_s = run_virtual(scenario())
    assert sent_s[0] == pytest.approx(2.0, abs=1e-6)
    assert sum(at_s < 2.1 for at_s in sent_s) <= 21  # what has flowed in during the pause, not sixty at once
    assert sent_s[-1] == pytest.approx(6.0, abs=0.2)


def test_a_429_holds_the_whole_line_until_the_provider_wants_to_be_asked_again(
    call: Callable[..., Call], source: Any
) -> None:
    async def scenario() -> None:
        limiter = Limiter(LimiterOptions(rpm=6000, max_wait_s=5), sum_of)

        async def refuse(_: Call) -> Reply:
            raise ProviderError("rate_limited", "slow down", status=429, retry_after_s=3.0)

        with pytest.raises(ProviderError):
            await limiter(call(), refuse)
        started_s = asyncio.get_running_loop().time()
        await limiter(call(), lambda c: answer(c, [], source))
        assert asyncio.get_running_loop().time() - started_s == pytest.approx(3.0, abs=1e-6)

    run_virtual(scenario())


async def test_the_wait_is_on_the_attempts_record(call: Callable[..., Call], source: Any) -> None:
    from harness.stack.core.facts import AttemptFacts

    limiter = Limiter(LimiterOptions(rpm=600, burst_s=0.1), sum_of)
    attempts = [AttemptFacts(f"c{n}", 1, "primary", "openai", "gpt-4o", 0.0) for n in range(2)]
    for attempt in attempts:
        await limiter(call().with_attempt(facts=attempt), lambda c: answer(c, [], source))
    assert attempts[0].limiter_wait_s == pytest.approx(0.0, abs=0.02)
    assert attempts[1].limiter_wait_s >= 0.08


def test_a_head_that_was_cancelled_and_has_not_yet_left_does_not_stop_the_line(
    call: Callable[..., Call], source: Any
) -> None:
    """Its future is done before its task has run: admitting it again and again would never end."""

    async def scenario() -> list[str]:
        limiter, order = Limiter(LimiterOptions(concurrency=1), sum_of), list[str]()
        first = await limiter(call("first"), lambda c: answer(c, order, source))
        tasks = [
            asyncio.create_task(limiter(call(id), lambda c: answer(c, order, source)))
            for id in ("leaves", "stays")
        ]
        await asyncio.sleep(1.0)
        await first.aclose()  # wakes whoever admits, and only then is the head cancelled
        tasks[0].cancel()
        await asyncio.wait(tasks)
        await tasks[1].result().aclose()
        return order

    assert run_virtual(scenario()) == ["first", "stays"]


def test_a_bucket_that_turns_out_smaller_is_not_emptied_by_that() -> None:
    """Regression: what was believed of the large bucket was taken from the small one, now in debt."""
    options = QuotaOptions(tpm=1_900_000)
    known, taken = quota.take(options, quota.opened(options, 0.0), Demand(1, 500), 0.0)
    meters = Meters(tokens=Meter(400_000, 399_500))
    bucket = quota.calibrated(options, known, taken, meters, 0.5).buckets[1]
    assert bucket is not None
    assert bucket.level_at(0.5) >= 399_000


def test_what_was_regained_while_it_was_owed_is_not_there_when_a_provider_charges_at_the_end() -> None:
    """Two replies of 500 tokens, ten seconds apart, end together: a bucket of 500 that is charged only then
    was full all the time, and is 500 in debt.
    """
    options = LimiterOptions(output_tpm=3000, burst_s=10)
    large, small = quota.Demand(output_tokens=500), quota.Demand(output_tokens=5)
    known = quota.opened(options, 0.0)
    for now in (0.0, 10.0):
        known, taken = quota.take(options, known, large, now)
        assert taken.wait_s == 0.0
    for _ in range(2):
        known = quota.give_back(known, quota.NO_DEMAND, 10.2, 500.0)
    _, refused = quota.take(options, known, small, 10.2)
    assert refused.wait_s == pytest.approx(501 / 50)
    _, taken = quota.take(options, known, small, 10.2 + refused.wait_s)
    assert taken.wait_s == 0.0
