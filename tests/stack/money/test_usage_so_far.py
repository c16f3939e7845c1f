"""Usage that a provider reported before a stream broke is billed instead of our own estimate."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import orjson
import pytest
import respx

from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError
from harness.stack.core.facts import AttemptFacts, CallFacts
from harness.stack.core.reply import Delta, Reply, ToolDelta
from harness.stack.core.request import Message
from tests.stack.calls import changed

CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
GPT = {"provider": "openai", "model": "gpt-4o"}
START = {"input_tokens": 30, "cache_read_input_tokens": 1000, "output_tokens": 1}
EVENT_STREAM = {"content-type": "text/event-stream"}


def event(name: str, **data: Any) -> bytes:
    return f"event: {name}\n".encode() + b"data: " + orjson.dumps(data) + b"\n\n"


BEGUN = event("message_start", message={"usage": START})
SAID = event("content_block_delta", delta={"type": "text_delta", "text": "abcdefgh"})
TOOL = event(
    "content_block_start", content_block={"type": "tool_use", "id": "t", "name": "look", "input": {}}
)
TOOL += event("content_block_delta", delta={"type": "input_json_delta", "partial_json": '{"at": "it"'})
BROKEN = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


def asks(stack: Stack) -> Call:
    return changed(stack.call("c1", (Message("user", "Hello?"),), now=0.0), deadline_s=float("inf"))


async def in_reads(body: bytes) -> AsyncGenerator[bytes]:
    """Event by event, as a paced stream comes."""
    for part in body.split(b"\n\n")[:-1]:
        yield part + b"\n\n"


async def attempt_at(
    web: respx.Router, make_stack: Callable[..., Stack], body: bytes, target: Any = CLAUDE, read: int = 99
) -> AttemptFacts:
    """The one attempt of a call whose reply is `body`, of which the caller reads `read` events."""
    emitted: list[CallFacts] = []
    stack = make_stack(emitted, target=[target])
    reply = httpx.Response(200, headers=EVENT_STREAM, content=in_reads(body))
    web.post(host="anthropic.test").mock(return_value=reply)
    web.post(host="openai.test").mock(return_value=reply)
    try:
        async with await stack.ask(asks(stack)) as answer:
            for _ in range(read):
                await anext(answer)
    except ProviderError:
        pass
    await stack.aclose()
    return emitted[0].attempts[0]


@pytest.mark.parametrize(
    ("rest", "read", "outcome", "output_tokens"),
    [
        (SAID, 99, "failed", 2),
        (SAID + BROKEN, 99, "failed", 2),
        (TOOL, 99, "failed", 4),
        (SAID + SAID, 1, "abandoned", 2),
        (b"", 99, "failed", 0),
        (BROKEN, 99, "failed", 0),
    ],
    ids=["cut", "in band", "cut in a tool call", "abandoned", "cut before", "in band before"],
)
async def test_the_prompts_length_is_the_providers_however_the_stream_ended(
    web: respx.Router,
    make_stack: Callable[..., Stack],
    rest: bytes,
    read: int,
    outcome: str,
    output_tokens: int,
) -> None:
    attempt = await attempt_at(web, make_stack, BEGUN + rest, read=read)
    assert (attempt.outcome, attempt.usage_known) == (outcome, False)
    tokens = (attempt.input_tokens, attempt.cached_input_tokens, attempt.output_tokens)
    assert tokens == (1030, 1000, output_tokens)
    assert attempt.cost_nusd == 30 * 3_000 + 1000 * 300 + output_tokens * 15_000


async def test_without_reported_usage_the_prompt_is_our_count(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    body = b'data: {"choices":[{"delta":{"content":"abcdefgh"}}]}\n\n'
    attempt = await attempt_at(web, make_stack, body, GPT)
    assert (attempt.input_tokens, attempt.output_tokens, attempt.usage_known) == (9, 2, False)


async def test_without_a_first_token_the_reported_prompt_is_billed(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    async def stalls() -> Any:
        yield BEGUN
        await asyncio.sleep(60)

    emitted: list[CallFacts] = []
    stack = make_stack(emitted, deadlines={"inter_chunk_s": 0.05}, target=[CLAUDE | {"timeout_s": 0.05}])
    web.post(host="anthropic.test").mock(
        return_value=httpx.Response(200, headers=EVENT_STREAM, content=stalls())
    )
    with pytest.raises(ProviderError, match="no first token"):
        await stack.ask(asks(stack))
    [attempt] = emitted[0].attempts
    assert (attempt.error_kind, attempt.input_tokens) == ("timeout_first_token", 1030)


async def test_tool_arguments_count_as_text_received(source: Any) -> None:
    reply = Reply(ToolDelta(0, "id", "look", '{"at"'), source("abc"))
    assert [await anext(reply), await anext(reply)] == [ToolDelta(0, "id", "look", '{"at"'), Delta("abc")]
    await reply.aclose()
    assert reply.outcome is not None
    assert reply.outcome.chars == 4 + 5 + 3
