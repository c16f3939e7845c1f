"""Backoff and the retry layer."""

import asyncio
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError
from harness.stack.core.kinds import ERROR_KINDS
from harness.stack.resilience.backoff import Backoff, backoff_s
from harness.stack.resilience.retry import Retry, RetryOptions, wait_before_retry_s
from harness.stack.resilience.retry_budget import RetryBudget, RetryBudgetOptions
from tests.stack.calls import changed

OPTIONS = st.builds(
    RetryOptions,
    attempts=st.integers(1, 8),
    backoff=st.sampled_from([kind for kind in get_args(Backoff) if kind != "none"]),
    base_s=st.floats(0, 10),
    cap_s=st.floats(0, 60),
    max_retry_after_s=st.floats(0, 120),
)
UNIT = st.floats(0, 1, exclude_max=True)
NOW = RetryOptions(attempts=3, base_s=0, jitter_s=0, cap_s=0)


def delay_s(backoff: Backoff, n: int, u: float, *, base_s: float = 1.0, cap_s: float = 60.0) -> float:
    told = backoff_s(backoff, n, u, base_s=base_s, cap_s=cap_s, jitter_s=0.5, previous_s=0.0)
    assert told is not None
    return told


@given(st.integers(0, 2000), UNIT, st.floats(0, 10), st.floats(0, 60))
def test_full_jitter_stays_between_zero_and_the_capped_exponential(
    n: int, u: float, base_s: float, cap_s: float
) -> None:
    most_s = min(cap_s, base_s * 2.0 ** min(n, 64))
    assert 0 <= delay_s("full_jitter", n, u, base_s=base_s, cap_s=cap_s) <= most_s


@given(st.sampled_from(get_args(Backoff)), st.integers(0, 2000), UNIT, st.floats(0, 9), st.floats(0, 60))
def test_no_delay_is_longer_than_the_cap(
    backoff: Backoff, n: int, u: float, previous_s: float, cap_s: float
) -> None:
    told = backoff_s(backoff, n, u, base_s=0.5, cap_s=cap_s, jitter_s=0.5, previous_s=previous_s)
    assert (told is None) == (backoff == "none")
    assert told is None or 0 <= told <= cap_s


def test_the_delays_are_those_of_the_table() -> None:
    assert [delay_s("fixed", n, 0.5) for n in range(3)] == [1, 1, 1]
    assert [delay_s("exponential", n, 0.5) for n in range(3)] == [1, 2, 4]
    assert [delay_s("exponential_jitter", n, 0.5) for n in range(3)] == [1.25, 2.25, 4.25]
    assert [delay_s("full_jitter", n, 0.5) for n in range(3)] == [0.5, 1, 2]


def test_a_decorrelated_delay_grows_from_the_one_before() -> None:
    delays, previous_s = [], 0.0
    for n in range(4):
        told = backoff_s("decorrelated", n, 1.0, base_s=1.0, cap_s=20.0, jitter_s=0, previous_s=previous_s)
        assert told is not None
        delays.append(previous_s := told)
    assert delays == [3, 9, 20, 20]


@given(OPTIONS, st.integers(0, 20), UNIT, st.floats(0, 200))
def test_a_retry_never_comes_before_the_retry_after(
    options: RetryOptions, n: int, u: float, hint_s: float
) -> None:
    error = ProviderError("rate_limited", "slow down", status=429, retry_after_s=hint_s)
    wait_s = wait_before_retry_s(options, error, n, u)
    if n + 1 >= options.attempts or hint_s > options.max_retry_after_s:
        assert wait_s is None
    else:
        assert wait_s is not None
        assert wait_s >= hint_s


@pytest.mark.parametrize("kind", [kind for kind, row in ERROR_KINDS.items() if not row.retryable])
def test_failures_that_waiting_cannot_heal_are_not_retried(kind: str) -> None:
    assert wait_before_retry_s(RetryOptions(), ProviderError(kind, ""), 0, 0.5) is None


def test_the_providers_should_retry_overrides_the_table() -> None:
    refused = ProviderError("overloaded", "", retryable=False)
    assert wait_before_retry_s(RetryOptions(), refused, 0, 0.5) is None
    asked = ProviderError("auth", "", retryable=True)
    assert wait_before_retry_s(RetryOptions(), asked, 0, 0.5) is not None


async def test_attempts_are_counted_with_the_first(call: Callable[..., Call], scripted: Any) -> None:
    failure = ProviderError("server_error", "boom", status=500)
    inner = scripted(failure, failure, failure, ("never",))
    with pytest.raises(ProviderError, match="boom"):
        await Retry(NOW)(call(), inner)
    assert [made.attempt.kind for made in inner.calls] == ["primary", "retry", "retry"]


async def test_the_first_good_reply_ends_the_retrying(call: Callable[..., Call], scripted: Any) -> None:
    inner = scripted(ProviderError("connection", "reset"), ("fine",))
    reply = await Retry(NOW)(call(), inner)
    assert (await reply.text())[0] == "fine"
    assert len(inner.calls) == 2


async def test_no_retry_is_begun_that_could_only_end_after_the_deadline(
    call: Callable[..., Call], scripted: Any
) -> None:

    hint = ProviderError("rate_limited", "later", retry_after_s=5.0)
    inner = scripted(hint, ("too late",))
    soon = asyncio.get_running_loop().time() + 1.0
    with pytest.raises(ProviderError, match="later"):
        await Retry(RetryOptions())(changed(call(), deadline_s=soon), inner)
    assert len(inner.calls) == 1


async def test_the_same_seed_and_call_wait_the_same(call: Callable[..., Call], scripted: Any) -> None:
    async def waited(seed: int) -> float:
        inner = scripted(ProviderError("connection", ""), ("fine",))
        await Retry(RetryOptions(base_s=0.01, jitter_s=0.01), seed)(call(), inner)
        return float(inner.calls[1].attempt.backoff_s)

    assert await waited(1) == await waited(1) != await waited(2)


async def test_an_empty_budget_ends_the_retrying_with_the_error_itself(
    call: Callable[..., Call], scripted: Any
) -> None:
    budget = RetryBudget(RetryBudgetOptions(ratio=0, min_per_s=0, initial=1))
    inner = scripted(*(ProviderError("connection", "reset") for _ in range(3)))
    with pytest.raises(ProviderError, match="reset"):
        await Retry(NOW, grant=budget.grant)(call(), inner)
    assert len(inner.calls) == 2
