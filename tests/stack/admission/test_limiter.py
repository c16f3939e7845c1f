"""The limiter: never above the limit, FIFO, nothing lost when callers leave."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from harness.stack.admission import admission
from harness.stack.admission.limiter import Limiter, LimiterOptions
from harness.stack.admission.wait_queue import Waiter
from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError, Rejected
from harness.stack.core.rate_meters import Meter, Meters
from harness.stack.core.reply import Delta, Reply
from harness.virtual import run_virtual
from tests.stack.calls import changed


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
    """The current level of a bucket."""
    bucket = limiter.queue._backend.peek("limiter").buckets[meter]  # type: ignore[attr-defined]  # it is in memory
    assert bucket is not None
    return float(bucket.level_at(asyncio.get_running_loop().time()))


def in_flight(limiter: Limiter) -> int:
    return int(limiter.queue._backend.peek("limiter").in_flight)  # type: ignore[attr-defined]  # it is in memory


def test_a_caller_cancelled_at_its_admission_returns_what_it_took(
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
        monkeypatch.setattr(admission, "Waiter", Jumpy)
        limiter = Limiter(LimiterOptions(rpm=60, burst_s=1), sum_of)
        await (await limiter(call("first"), lambda c: answer(c, [], source))).text()
        waiting = asyncio.create_task(limiter(call("second"), lambda c: answer(c, [], source)))
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert (level(limiter, 0), in_flight(limiter), len(limiter.queue)) == (1.0, 0, 0)

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
        assert len(limiter.queue) == 0
        return asyncio.get_running_loop().time()

    assert run_virtual(scenario()) == pytest.approx(2.0, abs=1e-6)


def test_a_429_with_rate_limit_headers_empties_no_other_bucket(call: Callable[..., Call]) -> None:
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


def test_after_a_429_without_headers_the_queue_moves_at_the_refill(
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


def test_a_429_pauses_the_queue_for_its_retry_after(call: Callable[..., Call], source: Any) -> None:
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


def test_a_cancelled_head_that_has_not_yet_left_does_not_block_the_queue(
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
