"""Backoff and the retry layer."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.call import Call
from harness.stack.errors import RETRYABLE, ProviderError
from harness.stack.retry import Retry, RetryOptions, backoff_s, wait_before_retry_s

OPTIONS = st.builds(
    RetryOptions,
    attempts=st.integers(1, 8),
    base_s=st.floats(0, 10),
    cap_s=st.floats(0, 60),
    max_retry_after_s=st.floats(0, 120),
)
UNIT = st.floats(0, 1, exclude_max=True)
NOW = RetryOptions(attempts=3, base_s=0, cap_s=0)


@given(OPTIONS, st.integers(0, 2000), UNIT)
def test_full_jitter_stays_between_zero_and_the_capped_exponential(
    options: RetryOptions, n: int, u: float
) -> None:
    delay_s = backoff_s(options, n, u)
    assert 0 <= delay_s <= min(options.cap_s, options.base_s * 2.0 ** min(n, 64))


@given(OPTIONS, st.integers(0, 20), UNIT, st.floats(0, 200))
def test_a_retry_never_comes_before_the_providers_hint(
    options: RetryOptions, n: int, u: float, hint_s: float
) -> None:
    error = ProviderError("rate_limited", "slow down", status=429, retry_after_s=hint_s)
    wait_s = wait_before_retry_s(options, error, n, u)
    if n + 1 >= options.attempts or hint_s > options.max_retry_after_s:
        assert wait_s is None
    else:
        assert wait_s is not None
        assert wait_s >= hint_s


@pytest.mark.parametrize("kind", [kind for kind, retryable in RETRYABLE.items() if not retryable])
def test_what_waiting_cannot_heal_is_not_retried(kind: str) -> None:
    assert wait_before_retry_s(RetryOptions(), ProviderError(kind, ""), 0, 0.5) is None


def test_the_providers_word_on_retrying_overrides_the_table() -> None:
    refused = ProviderError("overloaded", "", retryable=False)
    assert wait_before_retry_s(RetryOptions(), refused, 0, 0.5) is None
    asked = ProviderError("auth", "", retryable=True)
    assert wait_before_retry_s(RetryOptions(), asked, 0, 0.5) is not None


async def test_attempts_are_counted_with_the_first(call: Callable[..., Call], scripted: Any) -> None:
    failure = ProviderError("server_error", "boom", status=500)
    inner = scripted(failure, failure, failure, ("never",))
    with pytest.raises(ProviderError, match="boom"):
        await Retry(NOW)(call(), inner)
    assert [attempt.attempt_kind for attempt in inner.calls] == ["primary", "retry", "retry"]


async def test_the_first_good_reply_ends_the_retrying(call: Callable[..., Call], scripted: Any) -> None:
    inner = scripted(ProviderError("connection", "reset"), ("fine",))
    reply = await Retry(NOW)(call(), inner)
    assert (await reply.text())[0] == "fine"
    assert len(inner.calls) == 2


async def test_no_retry_is_begun_that_could_only_end_after_the_deadline(
    call: Callable[..., Call], scripted: Any
) -> None:
    from dataclasses import replace

    hint = ProviderError("rate_limited", "later", retry_after_s=5.0)
    inner = scripted(hint, ("too late",))
    soon = asyncio.get_running_loop().time() + 1.0
    with pytest.raises(ProviderError, match="later"):
        await Retry(RetryOptions())(replace(call(), deadline_s=soon), inner)
    assert len(inner.calls) == 1


async def test_the_same_seed_and_call_wait_the_same(call: Callable[..., Call], scripted: Any) -> None:
    async def waited(seed: int) -> float:
        inner = scripted(ProviderError("connection", ""), ("fine",))
        await Retry(RetryOptions(base_s=0.01), seed)(call(), inner)
        return float(inner.calls[1].backoff_s)

    assert await waited(1) == await waited(1) != await waited(2)
