"""A reply that breaks after its first event is continued, restarted or failed, as configured."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.call import Call
from harness.stack.core.errors import AllProvidersFailed, ProviderError, Rejected, StackError
from harness.stack.core.reply import Delta, Finish, Reply, Usage, replay
from harness.stack.core.request import Message
from harness.stack.core.target import Target
from harness.stack.core.tokens import count
from harness.stack.resilience.continuation import continuation_order
from harness.stack.resilience.fallback import Fallback, FallbackOptions
from harness.virtual import run_virtual
from tests.stack.calls import changed, make_call

A = Target("a", "openai", "gpt-4o")
B = Target("b", "anthropic", "claude")
C = Target("c", "together", "llama")
RESET = ProviderError("connection", "reset", phase="after")


class Breaking:
    """An inner stack whose replies break where the script says; each step: texts, then an error or None."""

    def __init__(self, *script: tuple[tuple[str, ...], StackError | None] | StackError) -> None:
        self.script = list(script)
        self.calls: list[Call] = []
        self.ended: list[str] = []

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        step = self.script.pop(0)
        if isinstance(step, StackError):
            raise step
        texts, error = step
        reply = Reply(Delta(texts[0]), _rest(texts[1:], error))
        reply.on_end(lambda outcome: self.ended.append(outcome.kind))
        return reply


async def _rest(texts: tuple[str, ...], error: StackError | None) -> Any:
    for text in texts:
        await asyncio.sleep(0)
        yield Delta(text)
    if error is not None:
        raise error
    yield Finish("stop", Usage(20, count(sum(map(len, texts)))))


async def test_the_next_target_goes_on_from_where_the_first_broke(call: Callable[..., Call]) -> None:
    inner = Breaking((("The answer", " is"), RESET), ((" 42", ", surely."), None))
    reply = await Fallback((A, B))(call(), inner)
    text, finish = await reply.text()
    assert (text, finish.reason) == ("The answer is 42, surely.", "stop")
    assert [(c.target.name, c.request.prefill, c.attempt.kind) for c in inner.calls] == [
        ("a", "", "primary"),
        ("b", "The answer is", "continue"),
    ]
    assert inner.ended == ["failed", "success"]


async def test_a_continuation_may_use_the_tokens_that_the_partial_answer_left(
    call: Callable[..., Call],
) -> None:
    inner = Breaking((("12345678",), RESET), (("9",), None))
    await (await Fallback((A, B))(changed(call(), max_tokens=10), inner)).text()
    assert [c.request.max_tokens for c in inner.calls] == [10, 8]


async def test_the_usage_of_a_continued_answer_counts_both_sides_of_the_seam(
    call: Callable[..., Call],
) -> None:
    inner = Breaking((("12345678",), RESET), (("1234", "5678"), None))
    _, finish = await (await Fallback((A, B))(call(), inner)).text()
    assert finish.usage is not None
    assert finish.usage.output_tokens == 2 + 1


async def test_a_reply_is_continued_repeatedly_and_last_by_the_target_that_broke_first(
    call: Callable[..., Call],
) -> None:
    inner = Breaking((("a",), RESET), (("b",), RESET), ProviderError("overloaded", "no"), (("c",), None))
    text, _ = await (await Fallback((A, B))(call(), inner)).text()
    assert text == "abc"
    assert [c.target.name for c in inner.calls] == ["a", "b", "a", "b"]
    assert [c.request.prefill for c in inner.calls] == ["", "a", "ab", "ab"]


async def test_a_target_that_cannot_continue_a_prefill_is_skipped(call: Callable[..., Call]) -> None:
    inner = Breaking((("a",), RESET), (("b",), None))
    await (await Fallback((A, replace(B, prefill=False), C))(call(), inner)).text()
    assert [c.target.name for c in inner.calls] == ["a", "c"]


async def test_after_so_many_continuations_it_fails_with_the_text_so_far_and_its_cost(
    call: Callable[..., Call],
) -> None:
    inner = Breaking(*((("x",), RESET) for _ in range(9)))
    reply = await Fallback((A, B), FallbackOptions(max_continuations=2))(call(), inner)
    with pytest.raises(StackError) as failed:
        await reply.text()
    assert failed.value.partial == "xxx"
    assert len(inner.calls) == 3


async def test_the_retry_budget_must_agree_to_every_continuation(call: Callable[..., Call]) -> None:
    async def never() -> bool:
        return False

    inner = Breaking((("x",), RESET), (("y",), None))
    with pytest.raises(ProviderError, match="reset"):
        await (await Fallback((A, B), grant=never)(call(), inner)).text()
    assert len(inner.calls) == 1


@pytest.mark.parametrize("kind", ["overloaded", "bad_request", "context_length", "rejected_budget"])
async def test_when_no_target_continues_the_error_is_the_one_that_broke_the_answer(
    call: Callable[..., Call], kind: str
) -> None:
    """litellm#27967: the refusal of the continuation replaced the failure that the caller should see."""
    refusal = Rejected(kind, "no") if kind.startswith("rejected") else ProviderError(kind, "no")
    inner = Breaking((("x",), RESET), refusal, refusal)
    with pytest.raises(ProviderError, match="reset") as failed:
        await (await Fallback((A, B))(call(), inner)).text()
    assert (failed.value.kind, failed.value.partial) == ("connection", "x")
    assert [c.target.name for c in inner.calls] == ["a", "b", "a"]


async def test_a_target_that_refuses_a_prefill_is_passed_over_and_remembered(
    call: Callable[..., Call],
) -> None:
    """litellm#27967: Claude 4.6 and later refuse a prefill with 400; a third target would have gone on."""
    refusal = ProviderError("unsupported", "This model does not support assistant message prefill.")
    inner = Breaking((("a",), RESET), refusal, (("b",), None), (("a",), RESET), (("b",), None))
    fallback = Fallback((A, B, C))
    for _ in range(2):
        assert (await (await fallback(call(), inner)).text())[0] == "ab"
    assert [c.target.name for c in inner.calls] == ["a", "b", "c", "a", "c"]


async def test_the_policy_fail_gives_the_error_with_the_text_so_far(call: Callable[..., Call]) -> None:
    inner = Breaking((("half", " an"), RESET), (("other",), None))
    reply = await Fallback((A, B), FallbackOptions(after_first_token="fail"))(call(), inner)
    with pytest.raises(ProviderError) as failed:
        await reply.text()
    assert (failed.value.partial, failed.value.phase) == ("half an", "after")
    assert len(inner.calls) == 1


async def test_the_policy_restart_gives_only_a_whole_answer(call: Callable[..., Call]) -> None:
    inner = Breaking((("half",), RESET), ProviderError("overloaded", "no"), (("a whole", " one"), None))
    reply = await Fallback((A, B, C), FallbackOptions(after_first_token="restart"))(call(), inner)
    assert (await reply.text())[0] == "a whole one"
    assert [(c.target.name, c.request.prefill) for c in inner.calls] == [("a", ""), ("b", ""), ("c", "")]
    assert inner.ended == ["failed", "success"]


async def test_restart_gives_up_at_the_end_of_the_chain(call: Callable[..., Call]) -> None:
    inner = Breaking((("half",), RESET), (("half",), RESET))
    with pytest.raises(AllProvidersFailed):
        await Fallback((A, B), FallbackOptions(after_first_token="restart"))(call(), inner)


async def test_a_reader_that_leaves_abandons_the_current_reply(call: Callable[..., Call]) -> None:
    inner = Breaking((("a",), RESET), (("b", "c", "d"), None))
    async with await Fallback((A, B))(call(), inner) as reply:
        assert [(await reply.__anext__()), (await reply.__anext__())] == [Delta("a"), Delta("b")]
    assert inner.ended == ["failed", "abandoned"]


async def test_a_whole_reply_is_passed_on_as_it_is(call: Callable[..., Call]) -> None:
    whole = Reply(Delta("x"), replay((Finish("stop", None),)))

    async def inner(_: Call) -> Reply:
        return whole

    assert await Fallback((A, B))(changed(call(), stream=False), inner) is whole


TEXT = st.text("ab \n", min_size=1, max_size=8)
BEGUN_WITH_A_WORD = TEXT.filter(lambda text: not text[0].isspace())


@given(said=TEXT, rest=BEGUN_WITH_A_WORD, repeats=st.booleans(), data=st.data())
def test_white_space_at_the_seam_is_neither_lost_nor_doubled_however_the_continuation_is_cut(
    said: str, rest: str, repeats: bool, data: st.DataObject
) -> None:
    """Bug: white space repeated in more than one piece was doubled: 'Hi,\\n\\n' + '\\n' + '\\nDear'."""
    continuation = said[len(said.rstrip()) :] + rest if repeats else rest
    inner = Breaking((pieces(said, data), RESET), (pieces(continuation, data), None))
    assert "".join(deltas_read(inner)) == said + rest


def test_pieces_that_only_repeat_white_space_are_not_passed_on() -> None:
    inner = Breaking((("Hi,\n\n",), RESET), (("\n", "\nDear"), None))
    assert deltas_read(inner) == ["Hi,\n\n", "Dear"]


def pieces(text: str, data: st.DataObject) -> tuple[str, ...]:
    """`text` cut anywhere."""
    cuts = data.draw(st.sets(st.integers(1, len(text) - 1))) if len(text) > 1 else set()
    bounds = [0, *sorted(cuts), len(text)]
    return tuple(text[start:end] for start, end in pairwise(bounds))


def deltas_read(inner: Breaking) -> list[str]:
    """The texts of all deltas of the reply, through `Fallback`."""

    async def read() -> list[str]:
        async with await Fallback((A, B))(make_call("c1", (Message("user", "hello"),)), inner) as reply:
            return [event.text async for event in reply if isinstance(event, Delta)]

    return run_virtual(read())


@given(st.integers(1, 5), st.data())
def test_every_other_target_is_tried_before_the_one_that_broke(size: int, data: st.DataObject) -> None:
    chain = tuple(Target(f"t{n}", "openai", "m") for n in range(size))
    broken = data.draw(st.sampled_from(chain))
    order = continuation_order(broken, chain)
    assert order[-1] == broken
    assert sorted(t.name for t in order) == [t.name for t in chain]
