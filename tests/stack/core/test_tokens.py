"""Tokens are counted alike everywhere; another counter counts everything that the usual one would have."""

from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest
import respx

from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import ToolCall
from harness.stack.core.request import Message, Tool
from harness.stack.core.tokens import call_tokens, counter_named
from tests.stack.assembly.test_built_stack import asks, openai_reply
from tests.stack.calls import changed

WORDS = Tool("weather", "What it is like.", {"type": "object", "properties": {"city": {"type": "string"}}})


def everything(call: Call) -> Call:
    calling = Message("assistant", "", (ToolCall("c", "weather", '{"city":"Bern"}'),))
    messages = (*call.request.messages, calling, Message("tool", "Rain.", tool_call_id="c"))
    return changed(call, messages=messages, tools=(WORDS,), json_schema={"type": "object"}, prefill="Well")


def test_a_counter_sees_every_text_of_a_call_once(call: Callable[..., Call]) -> None:
    seen: list[str] = []

    def counter(text: str) -> int:
        seen.append(text)
        return 0

    around = call_tokens(replace(everything(call()), counter=counter))
    assert seen == [
        "hello",
        '{"arguments":{"city":"Bern"},"name":"weather"}',
        "Rain.",
        "Well",
        orjson.dumps(
            {"description": "What it is like.", "name": "weather", "parameters": WORDS.parameters}
        ).decode(),
        '{"type":"object"}',
    ]
    assert around == 3 + 4 * len(seen)


def test_gpt_4os_tokenizer_counts_its_tokens(call: Callable[..., Call]) -> None:
    pytest.importorskip("rs_bpe", reason="needs brownout[bpe]")
    counter = counter_named("bpe")
    assert counter is not None
    assert [counter(text) for text in ("", "hello", "hello world", "Donaudampfschifffahrt")] == [0, 1, 2, 8]
    assert call_tokens(changed(call(text="hello world"), counter=counter)) == 2 + 4 + 3


async def test_a_cut_stream_is_estimated_by_the_counter_of_the_stack(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    emitted: list[CallFacts] = []
    stack = make_stack(emitted, target=[{"provider": "openai", "model": "gpt-4o"}])
    cut = openai_reply("one two", " three", whole=False)
    web.post("http://openai.test/v1/chat/completions").mock(return_value=cut)
    by_words = replace(asks(stack), counter=lambda text: len(text.split()))
    with pytest.raises(ProviderError):
        await (await stack.ask(by_words)).text()
    [attempt] = emitted[0].attempts
    assert attempt.output_tokens == 3
    assert attempt.input_tokens == call_tokens(by_words)
