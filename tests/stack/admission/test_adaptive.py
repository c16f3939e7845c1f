"""Adaptive concurrency: the limit rises while all is well and falls at overload."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.admission.adaptive import AdaptiveOptions, Aimd, on_overload, on_success
from harness.stack.admission.limiter import Limiter, LimiterOptions
from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError
from harness.stack.core.reply import Delta, Finish, Reply, replay
from harness.virtual import run_virtual

OPTIONS = AdaptiveOptions()


def test_bounds_go_by_the_names_min_and_max_and_hold_the_initial_limit() -> None:
    options = AdaptiveOptions.model_validate({"initial": 10, "min": 2, "max": 8, "beta": 0.8, "tolerance": 2})
    assert (options.least, options.most, options.initial_state().limit) == (2, 8, 8)
    with pytest.raises(ValueError, match="expected at most max"):
        AdaptiveOptions.model_validate({"min": 9, "max": 8})


def test_a_round_of_answers_in_time_adds_about_one() -> None:
    aimd = Aimd(10.0)
    for n in range(10):
        aimd = on_success(OPTIONS, aimd, 5, 0.3, float(n), 10, n + 0.3)
    assert aimd.limit == pytest.approx(11.0, abs=0.1)


def test_a_round_of_refusals_takes_one_tenth_once() -> None:
    aimd = Aimd(10.0)
    for _ in range(10):
        aimd = on_overload(OPTIONS, aimd, started_s=1.0, now=2.0)
    assert aimd.limit == 9.0


def test_a_first_token_much_later_than_usual_counts_as_a_refusal_for_its_size_only() -> None:
    aimd = on_success(OPTIONS, Aimd(10.0), 5, 0.3, 0.0, 10, 0.3)
    assert on_success(OPTIONS, aimd, 9, 2.0, 1.0, 10, 3.0).limit > aimd.limit
    assert on_success(OPTIONS, aimd, 5, 2.0, 1.0, 10, 3.0).limit == pytest.approx(aimd.limit * 0.9)


def test_an_unused_limit_does_not_grow() -> None:
    assert on_success(OPTIONS, Aimd(10.0), 5, 0.3, 0.0, 4, 0.3).limit == 10.0


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 30), st.floats(0, 5)), max_size=100))
def test_the_limit_stays_between_its_bounds(steps: list[tuple[bool, float, float]]) -> None:
    options = AdaptiveOptions(initial=5, least=2, most=8)
    aimd, now = Aimd(5.0), 0.0
    for good, ttft_s, after_s in steps:
        now += after_s
        if good:
            aimd = on_success(options, aimd, 1, ttft_s, now - ttft_s, 8, now)
        else:
            aimd = on_overload(options, aimd, now, now)
        assert 2 <= aimd.limit <= 8


def test_it_settles_near_what_a_provider_of_unknown_size_can_take(call: Callable[..., Call]) -> None:
    """A provider that serves eight at once and refuses the ninth, under a load of twice that."""
    slots, refusals, served = 8, [0], [0]

    async def provider(_: Call) -> Reply:
        if served[0] >= slots:
            refusals[0] += 1
            raise ProviderError("overloaded", "full", status=529)
        served[0] += 1
        try:
            await asyncio.sleep(0.5)
        finally:
            served[0] -= 1
        return Reply(Delta("x"), replay((Finish("stop", None),)))

    async def scenario() -> int:
        options = LimiterOptions.model_validate({"adaptive": {"initial": 20}, "max_wait_s": 1000})
        limiter = Limiter(options, lambda i, o: i + o)
        answered_ = 0

        async def one(n: int) -> None:
            nonlocal answered_
            with suppress(ProviderError):
                await (await limiter(call(f"c{n}"), provider)).text()
                answered_ += 1

        tasks: list[Any] = []
        for n in range(3000):
            await asyncio.sleep(1 / 32)
            tasks.append(asyncio.create_task(one(n)))
        await asyncio.wait(tasks)
        return answered_

    assert run_virtual(scenario()) > 2500
    assert 0 < refusals[0] < 500  # it must try the ninth now and then to know that there are eight
