"""Reasoning that a provider shows reaches the client before the first word, and is counted apart."""

from typing import Any

import orjson
import pytest

from harness.stack.core.reply import Answer, Delta, Finish, ToolDelta
from harness.stack.wire.anthropic.codec import AnthropicCodec
from harness.stack.wire.openai.codec import OpenAICodec
from mock_providers import load_profile
from tests.lab.lab import Lab, play

PROFILE = load_profile("reasoning")
R1 = {"provider": "together", "model": "deepseek-ai/DeepSeek-R1"}
GPT5 = {"provider": "openai", "model": "gpt-5", "max_output_tokens": 16_000}
ASKED: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hello, in about 20 tokens"}],
    "temperature": 0,
}


def assert_paid(lab: Lab) -> None:
    """The stack's cost of each attempt is what its provider billed."""
    ours = {attempt.attempt_id: attempt.cost_nusd for attempt in lab.attempts}
    assert ours == {row.attempt_id: row.cost_nusd for row in lab.rows}
    assert all(ours.values())


def test_shown_reasoning_is_passed_on_streamed_and_whole_and_from_the_cache() -> None:
    async def scene(lab: Lab) -> None:
        async with lab.sdk(max_retries=0) as client:
            for _ in range(2):
                stream: Any = await client.chat.completions.create(
                    **ASKED, stream=True, stream_options={"include_usage": True}
                )
                chunks = [chunk async for chunk in stream]
                deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
                thought = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
                words = "".join(delta.content or "" for delta in deltas)
                usage = chunks[-1].usage
                details = usage.completion_tokens_details
                assert details.reasoning_tokens * 4 >= len(thought) > details.reasoning_tokens * 4 - 4
                assert usage.completion_tokens == details.reasoning_tokens + 20
                whole: Any = await client.chat.completions.create(**ASKED)
                message = whole.choices[0].message
                assert (message.reasoning_content, message.content) == (thought, words)
        assert [fact.cache for fact in lab.facts] == ["miss", "exact", "exact", "exact"]
        assert_paid(lab)

    play(scene, profile=PROFILE, target=[R1], cache={})


def test_hidden_reasoning_is_billed_and_a_deadline_that_knows_of_it_waits() -> None:
    async def scene(lab: Lab) -> None:
        answer = await lab.ask(messages=(), stream=True)
        assert answer.thought == ""
        [attempt] = lab.attempts
        assert attempt.reasoning_tokens > 0
        assert attempt.first_s is not None
        assert_paid(lab)

    play(scene, profile=PROFILE, target=[GPT5], deadlines={"first_token_s": 1, "thinking_s": 100})


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), orjson.dumps(event)) for event in events
    )


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


@pytest.mark.parametrize("tool", [False, True])
def test_anthropics_thinking_stands_before_the_first_word_or_call(tool: bool) -> None:
    thinking = block(
        0,
        {"type": "thinking", "thinking": ""},
        {"type": "thinking_delta", "thinking": "Let me "},
        {"type": "thinking_delta", "thinking": "see."},
        {"type": "signature_delta", "signature": "c2ln"},
    )
    words = block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Yes"})
    call = block(1, {"type": "tool_use", "id": "t", "name": "look", "input": {}})
    ending = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}}
    decoder = AnthropicCodec().decoder()
    stream = sse(*thinking, *(call if tool else words), ending, {"type": "message_stop"})
    events = decoder.feed(stream)
    assert Answer.of(events).thought == "Let me see."
    assert events[0] == (
        ToolDelta(0, "t", "look", "", "Let me see.") if tool else Delta("Yes", "Let me see.")
    )
    assert decoder.signs > len(events)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_both_names_of_reasoning_are_read(name: str) -> None:
    decoder = OpenAICodec().decoder()
    deltas = [{name: "Let me "}, {name: "see."}, {"content": "Yes"}, {"content": "!"}]
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    stream = b"".join(b"data: %s\n\n" % orjson.dumps(chunk) for chunk in chunks)
    events = decoder.feed(stream + b"data: [DONE]\n\n")
    assert events[:2] == [Delta("Yes", "Let me see."), Delta("!")]
    message = {"role": "assistant", name: "Let me see.", "content": "Yes!"}
    whole = orjson.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert OpenAICodec().parse(whole) == [Delta("Yes!", "Let me see."), Finish("stop", None)]
