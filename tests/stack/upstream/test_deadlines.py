"""Every wait for a provider ends."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError, Rejected
from harness.stack.core.reply import Delta, Reply
from harness.stack.core.target import Target
from harness.stack.upstream.deadlines import DeadlineOptions, Deadlines
from tests.stack.calls import changed


def deadlines(**options: float) -> Deadlines:
    return Deadlines(DeadlineOptions(**options))


async def hang(call: Call) -> Reply:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits that long")


async def test_a_provider_that_never_answers_is_left(call: Callable[..., Call]) -> None:
    with pytest.raises(ProviderError) as error:
        await deadlines(first_token_s=0.02)(call(), hang)
    assert (error.value.kind, error.value.phase) == ("timeout_first_token", "before")


async def test_the_targets_own_patience_counts_when_it_is_shorter(call: Callable[..., Call]) -> None:
    hasty = changed(call(), target=Target("x", "openai", "gpt-4o", timeout_s=0.02))
    with pytest.raises(ProviderError, match=r"0\.02"):
        await deadlines(first_token_s=50)(hasty, hang)


@pytest.mark.parametrize(
    ("target", "effort", "stream", "patience_s"),
    [
        (Target("x", "openai", "gpt-5"), None, True, 90.0),
        (Target("x", "openai", "gpt-5", timeout_s=5), "high", True, 85.0),
        (Target("x", "openai", "gpt-5.1"), "none", True, 10.0),
        (Target("x", "openai", "gpt-4o"), None, True, 10.0),
        (Target("x", "anthropic", "claude-sonnet-4-5"), None, True, 10.0),  # its thinking is streamed
        (
            Target("x", "openai", "gpt-5"),
            None,
            False,
            10.0 + 409.6,
        ),  # by what it may write, thoughts included
    ],
)
def test_a_model_that_thinks_in_silence_is_given_the_time_for_it(
    target: Target, effort: str | None, stream: bool, patience_s: float, call: Callable[..., Call]
) -> None:
    options = DeadlineOptions(first_token_s=10, thinking_s=80)
    parameters = {} if effort is None else {"reasoning_effort": effort}
    asked = changed(call(), target=target, parameters=parameters, stream=stream, max_tokens=None)
    assert options.patience_s(asked) == pytest.approx(patience_s)


async def test_the_calls_deadline_ends_the_wait_as_a_total(call: Callable[..., Call]) -> None:
    soon = asyncio.get_running_loop().time() + 0.02
    with pytest.raises(ProviderError) as error:
        await deadlines(first_token_s=50)(changed(call(), deadline_s=soon), hang)
    assert error.value.kind == "timeout_total"


async def test_a_call_whose_deadline_has_passed_is_refused_and_never_sent(
    call: Callable[..., Call], scripted: Any
) -> None:
    inner = scripted(("never",))
    late = changed(call(), deadline_s=asyncio.get_running_loop().time())
    with pytest.raises(Rejected) as rejected:
        await deadlines()(late, inner)
    assert rejected.value.kind == "rejected_deadline"
    assert inner.calls == []


async def test_silence_between_chunks_ends_the_reply(call: Callable[..., Call], source: Any) -> None:
    async def stalls(call: Call) -> Reply:
        return Reply(Delta("x"), source("late", pause_s=60))

    reply = await deadlines(inter_chunk_s=0.02)(call(), stalls)
    with pytest.raises(ProviderError) as error:
        await reply.text()
    assert (error.value.kind, error.value.phase) == ("timeout_inter_chunk", "after")
    assert reply.outcome is not None
    assert reply.outcome.kind == "failed"


async def test_a_slow_drip_ends_at_the_total(call: Callable[..., Call], source: Any) -> None:
    """Regression named after openai-python#3828: a timeout per read never ends a drip."""

    async def drips(call: Call) -> Reply:
        return Reply(Delta("x"), source(*"drip" * 1000, pause_s=0.01))

    loop = asyncio.get_running_loop()
    dripped = changed(call(), deadline_s=loop.time() + 0.1)
    reply = await deadlines(inter_chunk_s=0.05)(dripped, drips)
    with pytest.raises(ProviderError) as error:
        await reply.text()
    assert error.value.kind == "timeout_total"
    assert loop.time() < dripped.caller.deadline_s + 0.5


async def test_a_slow_reader_is_not_a_slow_provider(call: Callable[..., Call], source: Any) -> None:
    async def quick(call: Call) -> Reply:
        return Reply(Delta("x"), source("y", "z"))

    reply = await deadlines(inter_chunk_s=0.02)(call(), quick)
    read = []
    async for event in reply:
        read.append(event)
        await asyncio.sleep(0.05)
    assert len(read) == 4


async def test_somebody_elses_cancellation_is_not_swallowed(call: Callable[..., Call], source: Any) -> None:
    async def stalls(call: Call) -> Reply:
        return Reply(Delta("x"), source("late", pause_s=60))

    reply = await deadlines(inter_chunk_s=30)(call(), stalls)
    reader = asyncio.create_task(reply.text())
    await asyncio.sleep(0.01)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert reply.outcome is not None
    assert reply.outcome.kind == "abandoned"


async def test_a_finished_reply_leaves_no_timer(call: Callable[..., Call], source: Any) -> None:
    async def quick(call: Call) -> Reply:
        return Reply(Delta("x"), source("y"))

    reply = await deadlines()(call(), quick)
    wrapped: Any = reply._source
    await reply.text()
    assert wrapped._timer is None
