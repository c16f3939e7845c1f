"""Load shedding sends about twice what is accepted, and everything while all is well."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.admission.load_shedding import (
    LoadShedding,
    LoadSheddingOptions,
    drop_probability,
)
from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError, Rejected
from harness.stack.core.reply import Delta, Finish, Reply, replay
from harness.virtual import run_virtual

OPTIONS = LoadSheddingOptions()


def test_nothing_is_dropped_while_at_least_half_is_accepted() -> None:
    assert drop_probability(OPTIONS, OPTIONS.shape.counted((), 1.0, good=50, bad=50)) == 0.0


def test_the_drop_probability_is_that_of_the_sre_book() -> None:
    assert drop_probability(OPTIONS, OPTIONS.shape.counted((), 1.0, good=10, bad=90)) == (100 - 2 * 10) / 101


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_the_probability_is_below_one_so_that_something_is_always_sent(accepts: int, refusals: int) -> None:
    window = OPTIONS.shape.counted((), 1.0, good=accepts, bad=refusals)
    assert 0 <= drop_probability(OPTIONS, window) < 1


def test_a_provider_that_refuses_all_gets_little_and_after_its_recovery_all_again(
    call: Callable[..., Call],
) -> None:
    async def scenario() -> tuple[int, int]:
        throttle = LoadShedding(OPTIONS, "throttle/openai")
        asked, down = [0], [True]

        async def provider(_: Call) -> Reply:
            asked[0] += 1
            if down[0]:
                raise ProviderError("overloaded", "no", status=529)
            return Reply(Delta("x"), replay((Finish("stop", None),)))

        async def one(n: int) -> None:
            await asyncio.sleep(0.1)
            with suppress(ProviderError, Rejected):
                await throttle(call(f"c{n}"), provider)

        for n in range(1000):
            await one(n)
        during, down[0] = asked[0], False
        for n in range(1000, 1000 + 1200 * 10):
            await one(n)
        before = asked[0]
        for n in range(20_000, 21_000):
            await one(n)
        return during, asked[0] - before

    during, afterwards = run_virtual(scenario())
    assert during < 20
    assert afterwards == 1000


async def test_a_bad_request_counts_as_accepted(call: Callable[..., Call]) -> None:
    throttle = LoadShedding(OPTIONS, "throttle/openai")

    async def provider(_: Call) -> Reply:
        raise ProviderError("bad_request", "wrong", status=400)

    for n in range(50):
        with pytest.raises(ProviderError):
            await throttle(call(f"c{n}"), provider)


async def test_requests_in_flight_are_no_refusals(call: Callable[..., Call]) -> None:
    """Regression: of a hundred first calls at once, 96 were dropped while the first answer was on its way."""
    throttle = LoadShedding(OPTIONS, "throttle/openai")

    async def provider(_: Call) -> Reply:
        await asyncio.sleep(0)
        return Reply(Delta("x"), replay((Finish("stop", None),)))

    replies = await asyncio.gather(*(throttle(call(f"c{n}"), provider) for n in range(100)))
    assert len(replies) == 100


@pytest.mark.parametrize("why", [Rejected("rejected_limiter", "full"), asyncio.CancelledError()])
async def test_attempts_without_an_answer_are_not_counted(
    call: Callable[..., Call], why: BaseException
) -> None:
    throttle = LoadShedding(OPTIONS, "throttle/openai")

    async def stopped(_: Call) -> Reply:
        raise why

    for n in range(50):
        with pytest.raises(type(why)) as raised:
            await throttle(call(f"c{n}"), stopped)
        assert raised.value is why


@pytest.mark.parametrize("kind", ["rate_limited", "overloaded", "server_error", "timeout_first_token"])
async def test_refusals_of_every_kind_shed_load(call: Callable[..., Call], kind: str) -> None:
    throttle = LoadShedding(OPTIONS, "throttle/openai")

    async def refuse(_: Call) -> Reply:
        await asyncio.sleep(0)
        raise ProviderError(kind, "no")

    outcomes = await asyncio.gather(
        *(throttle(call(f"c{n}"), refuse) for n in range(20)), return_exceptions=True
    )
    assert all(isinstance(outcome, ProviderError) for outcome in outcomes)
    later = [await asyncio.gather(throttle(call(f"d{n}"), refuse), return_exceptions=True) for n in range(50)]
    assert sum(isinstance(outcome, Rejected) for [outcome] in later) > 40


def test_the_draw_is_keyed_by_identity(call: Callable[..., Call]) -> None:
    async def shed(seed: int) -> list[bool]:
        throttle, dropped = LoadShedding(OPTIONS, "throttle/openai", seed=seed), []

        async def refuse(_: Call) -> Reply:
            raise ProviderError("overloaded", "no")

        for n in range(40):
            outcome = await asyncio.gather(throttle(call(f"c{n}"), refuse), return_exceptions=True)
            dropped.append(isinstance(outcome[0], Rejected))
        return dropped

    assert run_virtual(shed(1)) == run_virtual(shed(1)) != run_virtual(shed(2))
