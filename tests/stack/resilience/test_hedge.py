"""A late first token is raced, for a few calls, and whoever loses is gone and billed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError
from harness.stack.core.reply import Delta, Finish, Reply, replay
from harness.stack.core.target import Target
from harness.stack.resilience.hedge import Hedge, HedgeOptions, delay_s, next_target, size_bucket
from harness.stack.state.quantile import quantile, with_sample
from harness.virtual import run_virtual

A, B = Target("a", "openai", "m"), Target("b", "anthropic", "m")
EAGER = HedgeOptions(min_samples=1, window=10, max_share=1.0)


class Timed:
    """An inner stack: for each target, after how long its first token comes, or an error instead."""

    def __init__(self, **first: float | tuple[float, Exception]) -> None:
        self.first = first
        self.asked: list[tuple[str, str]] = []
        self.ended: list[tuple[str, str]] = []

    async def __call__(self, call: Call) -> Reply:
        name = call.target.name
        self.asked.append((name, call.attempt.kind))
        first = self.first[name]
        after_s, error = first if isinstance(first, tuple) else (first, None)
        try:
            await asyncio.sleep(after_s)
        except asyncio.CancelledError:
            self.ended.append((name, "cancelled"))
            raise
        if error is not None:
            raise error
        reply = Reply(Delta(name), replay((Finish("stop", None),)))
        reply.on_end(lambda outcome: self.ended.append((name, outcome.kind)))
        return reply


def raced(inner: Timed, call: Call, *, samples: int = 1, options: HedgeOptions = EAGER, **more: Any) -> Any:
    """The text of a call after so many that took 0.1 s, or its error; and when it came, in virtual time."""

    async def scenario() -> tuple[Any, float]:
        hedge = Hedge(options, next_target((A, B), lambda call, target: True), **more)
        usual = Timed(a=0.1, b=0.1)
        for _ in range(samples):
            await (await hedge(call.at(A), usual)).text()
        started_s = asyncio.get_running_loop().time()
        try:
            text: Any = (await (await hedge(call.at(A), inner)).text())[0]
        except ProviderError as error:
            text = error
        return text, round(asyncio.get_running_loop().time() - started_s, 6)

    return run_virtual(scenario())


def test_a_late_first_token_is_asked_for_elsewhere_and_the_first_to_begin_answers(
    call: Callable[..., Call],
) -> None:
    inner = Timed(a=5.0, b=0.2)
    assert raced(inner, call()) == ("b", 0.3)
    assert inner.asked == [("a", "primary"), ("b", "hedge")]
    assert inner.ended == [("a", "cancelled"), ("b", "success")]


def test_the_first_attempt_may_still_win_and_the_hedge_is_cancelled(call: Callable[..., Call]) -> None:
    inner = Timed(a=0.2, b=5.0)
    assert raced(inner, call()) == ("a", 0.2)
    assert inner.ended == [("b", "cancelled"), ("a", "success")]


def test_of_two_that_begin_at_the_same_instant_the_first_asked_answers_and_the_other_is_closed(
    call: Callable[..., Call],
) -> None:
    inner = Timed(a=0.3, b=0.2)
    assert raced(inner, call()) == ("a", 0.3)
    assert ("b", "abandoned") in inner.ended or ("b", "cancelled") in inner.ended
    assert inner.ended[-1] == ("a", "success")


def test_a_first_token_in_time_is_not_hedged(call: Callable[..., Call]) -> None:
    inner = Timed(a=0.09, b=0.0)
    assert raced(inner, call()) == ("a", 0.09)
    assert inner.asked == [("a", "primary")]


def test_a_failure_before_the_delay_is_for_the_retry(call: Callable[..., Call]) -> None:
    inner = Timed(a=(0.05, ProviderError("overloaded", "no")), b=0.0)
    error, _ = raced(inner, call())
    assert (str(error), inner.asked) == ("no", [("a", "primary")])


def test_when_the_first_attempt_fails_the_hedge_goes_on(call: Callable[..., Call]) -> None:
    assert raced(Timed(a=(0.2, ProviderError("overloaded", "no")), b=0.5), call()) == ("b", 0.6)


def test_when_both_fail_the_first_ones_error_is_told(call: Callable[..., Call]) -> None:
    failing = Timed(a=(0.4, ProviderError("overloaded", "a")), b=(0.1, ProviderError("overloaded", "b")))
    error, at_s = raced(failing, call())
    assert (str(error), at_s) == ("a", 0.4)


def test_nothing_is_hedged_before_enough_is_known(call: Callable[..., Call]) -> None:
    inner = Timed(a=5.0, b=0.0)
    assert raced(inner, call(), options=HedgeOptions(min_samples=3, max_share=1.0), samples=2) == ("a", 5.0)


def test_the_share_of_hedged_calls_is_capped(call: Callable[..., Call]) -> None:
    async def scenario() -> int:
        hedge = Hedge(HedgeOptions(min_samples=1, max_share=0.05), next_target((A, B), lambda *_: True))
        slow = Timed(a=1.0, b=1.0)
        await (await hedge(call().at(A), Timed(a=0.1))).text()
        for _ in range(199):
            await (await hedge(call().at(A), slow)).text()
        return sum(kind == "hedge" for _, kind in slow.asked)

    assert run_virtual(scenario()) <= 10


def test_an_empty_budget_hedges_nothing(call: Callable[..., Call]) -> None:
    async def never() -> bool:
        return False

    inner = Timed(a=1.0, b=0.0)
    assert raced(inner, call(), grant=never) == ("a", 1.0)


def test_a_caller_who_leaves_leaves_both(call: Callable[..., Call]) -> None:
    async def scenario() -> list[tuple[str, str]]:
        hedge = Hedge(EAGER, next_target((A, B), lambda *_: True))
        await (await hedge(call().at(A), Timed(a=0.1))).text()
        inner = Timed(a=9.0, b=9.0)
        calling = asyncio.ensure_future(hedge(call().at(A), inner))
        await asyncio.sleep(1.0)
        calling.cancel()
        await asyncio.wait([calling])
        assert calling.cancelled()
        return inner.ended

    assert run_virtual(scenario()) == [("a", "cancelled"), ("b", "cancelled")]


def test_the_delay_is_the_quantile_of_the_latest_and_never_below_the_least() -> None:
    samples = tuple(float(n) for n in range(1, 101))
    assert quantile(samples, 0.95) == 95.0
    assert delay_s(HedgeOptions(), samples) == 95.0
    assert delay_s(HedgeOptions(), (0.001,) * 20) == 0.05
    assert delay_s(HedgeOptions(), (0.001,) * 19) is None
    assert with_sample(samples, 101.0, 100) == (*samples[1:], 101.0)


@pytest.mark.parametrize(("tokens", "bucket"), [(1, 1), (100, 7), (127, 7), (128, 8)])
def test_prompts_are_compared_with_those_of_their_size(tokens: int, bucket: int) -> None:
    assert size_bucket(tokens) == bucket
