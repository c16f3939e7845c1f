"""Fallback: in order, each failure on record, and the end of the chain says so."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.stack.core.call import Call
from harness.stack.core.errors import AllProvidersFailed, ProviderError, Rejected
from harness.stack.core.target import Target
from harness.stack.resilience.fallback import Fallback

CHAIN = (
    Target("a", "openai", "gpt-4o"),
    Target("b", "anthropic", "claude"),
    Target("c", "together", "llama"),
)
TINY = Target("tiny", "together", "llama", context_tokens=8)


async def test_the_chain_is_tried_in_order_until_one_answers(
    call: Callable[..., Call], scripted: Any
) -> None:
    inner = scripted(ProviderError("overloaded", "503"), Rejected("rejected_limiter", "full"), ("fine",))
    assert (await (await Fallback(CHAIN)(call(), inner)).text())[0] == "fine"
    assert [asked.target.name for asked in inner.calls] == ["a", "b", "c"]
    assert [asked.attempt.kind for asked in inner.calls] == ["primary", "fallback", "fallback"]


async def test_when_all_fail_every_failure_is_told(call: Callable[..., Call], scripted: Any) -> None:
    inner = scripted(*(ProviderError("overloaded", f"no {n}") for n in range(3)))
    with pytest.raises(AllProvidersFailed) as failed:
        await Fallback(CHAIN)(call(), inner)
    assert [(name, str(error)) for name, error in failed.value.failures] == [
        ("a", "no 0"),
        ("b", "no 1"),
        ("c", "no 2"),
    ]
    assert "b: overloaded (no 1)" in str(failed.value)


@pytest.mark.parametrize("kind", ["bad_request", "timeout_total"])
async def test_what_no_other_provider_could_mend_is_not_passed_on(
    kind: str, call: Callable[..., Call], scripted: Any
) -> None:
    inner = scripted(ProviderError(kind, "wrong"))
    with pytest.raises(ProviderError, match="wrong"):
        await Fallback(CHAIN)(call(), inner)
    assert len(inner.calls) == 1


async def test_a_target_too_small_for_the_prompt_is_never_tried(
    call: Callable[..., Call], scripted: Any
) -> None:
    inner = scripted(("fine",))
    await Fallback((TINY, CHAIN[0]))(call(text="x" * 100), inner)
    assert [asked.target.name for asked in inner.calls] == ["a"]


async def test_a_chain_of_one_fails_with_its_own_error(call: Callable[..., Call], scripted: Any) -> None:
    with pytest.raises(ProviderError, match="down"):
        await Fallback(CHAIN[:1])(call(), scripted(ProviderError("overloaded", "down")))
