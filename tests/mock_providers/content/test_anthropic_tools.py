"""Anthropic's tools, content blocks and breakpoints: byte by byte, and through the official SDK."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx
import pytest
from anthropic import AsyncAnthropic
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import MockApp
from mock_providers.content.answers import GeneratedBlock, GeneratedChoice
from mock_providers.engine import planner
from mock_providers.exchange.received import Received
from mock_providers.exchange.request import Part, Refused, Request, Tool, ToolResult, ToolUse
from mock_providers.plan import Block, Choice, Piece, Plan
from mock_providers.wire.anthropic.codec import AnthropicCodec
from mock_providers.wire.anthropic.errors import AnthropicErrors
from mock_providers.wire.dialect import Stamp

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
CODEC = AnthropicCodec(AnthropicErrors())
STAMP = Stamp("req_0a", "claude-sonnet-4-5", 0.0)
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL: dict[str, Any] = {"name": "weather", "description": "d", "input_schema": SCHEMA}
USER: dict[str, Any] = {"role": "user", "content": "Hi"}
CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "weather", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "sunny"}]}
MINIMAL: dict[str, Any] = {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [USER]}
MARK = {"cache_control": {"type": "ephemeral"}}
BLOCKS = (Block(), Block("tool", "1f", "weather"))


def parse(**changes: Any) -> Request:
    headers = {b"anthropic-version": b"2026-10-21"}
    raw = json.dumps({**MINIMAL, **changes}).encode()
    return CODEC.parse(Received("POST", "/v1/messages", headers, {}, raw), {})


def calling(text: str, arguments: list[str]) -> Plan:
    """Some text, then a call whose arguments come in these pieces."""
    pieces = [Piece(0.0, text, 1, 0, 0, opens=True)] if text else []
    pieces += [Piece(1.0, each, 1, 0, 1, opens=not nth) for nth, each in enumerate(arguments)]
    choices = (Choice("tool_use", None, BLOCKS),)
    return Plan(200, "complete", 1.0, 0.0, tuple(pieces), choices=choices)


def streamed(plan: Plan) -> list[dict[str, Any]]:
    frames = CODEC.frames(parse(stream=True), plan, STAMP)
    raw = frames.head + b"".join(map(frames.piece, plan.pieces)) + frames.finish + frames.tail
    return [json.loads(event.split("\ndata: ")[1]) for event in raw.decode().split("\n\n") if event]


def test_a_call_of_a_tool_is_a_block_of_its_own_in_the_stream() -> None:
    tool_use = {"type": "tool_use", "id": "toolu_1f", "name": "weather", "input": {}}
    partial = [
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": each},
        }
        for each in ("", '{"a"', ":1}")
    ]
    assert streamed(calling("Hi", ['{"a"', ":1}"]))[1:-2] == [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": tool_use},
        *partial,
        {"type": "content_block_stop", "index": 1},
    ]


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    given_arguments=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=3), st.integers(0, 9), max_size=3
    ),
    cut=st.integers(1, 9),
)
def test_arguments_survive_the_stream_and_the_json(
    text: str, given_arguments: dict[str, int], cut: int
) -> None:
    raw = json.dumps(given_arguments, ensure_ascii=False)
    plan = calling(text, [raw[at : at + cut] for at in range(0, len(raw), cut)])
    events = streamed(plan)
    deltas = [
        event["delta"].get("partial_json", "") for event in events if "index" in event and "delta" in event
    ]
    assert json.loads("".join(deltas)) == given_arguments
    starts = [event["index"] for event in events if event["type"] == "content_block_start"]
    stops = [event["index"] for event in events if event["type"] == "content_block_stop"]
    assert starts == stops == list(range(1 + bool(text)))
    body = json.loads(CODEC.body(parse(), plan, STAMP))
    assert (body["content"][-1]["input"], body["stop_reason"]) == (given_arguments, "tool_use")


def test_arguments_that_were_cut_are_an_empty_object() -> None:
    body = json.loads(CODEC.body(parse(), calling("", ['{"a":']), STAMP))
    assert [block["input"] for block in body["content"]] == [{}]


def test_an_empty_reply_has_no_blocks() -> None:
    plan = Plan(200, "complete", 1.0, 0.0, choices=(Choice(),))
    assert [event["type"] for event in streamed(plan)] == ["message_start", "message_delta", "message_stop"]
    assert json.loads(CODEC.body(parse(), plan, STAMP))["content"] == []


def test_a_conversation_with_tools_is_read_whole() -> None:
    request = parse(
        tools=[{**TOOL, **MARK}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        system=[{"type": "text", "text": "S", "cache_control": {"type": "ephemeral", "ttl": "5m"}}],
        messages=[USER, CALL, RESULT, {"role": "assistant", "content": "So"}],
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
        cache_control={"type": "ephemeral"},
    )
    definition = json.dumps(
        {"description": "d", "name": "weather", "parameters": SCHEMA}, separators=(",", ":"), sort_keys=True
    )
    assert [(message.role, message.parts) for message in request.messages] == [
        ("tools", (Part(definition, "5m"),)),
        ("system", (Part("S", "5m"),)),
        ("user", (Part("Hi"),)),
        ("assistant", (Part('{"arguments":{},"name":"weather"}', about=ToolUse("weather", "t")),)),
        ("tool", (Part("sunny", about=ToolResult("t")),)),
        ("assistant", (Part("So", "5m"),)),
    ]
    assert request.tools == (Tool("weather", SCHEMA),)
    assert (request.tool_choice, request.parallel_tool_calls) == ("required", False)
    assert (request.json_schema, request.prefill) == (SCHEMA, "So")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a", **MARK}] * 5}]},
         "A maximum of 4 blocks with cache_control may be provided. Found 5."),
        ({"messages": [CALL]}, 'messages: first message must use the "user" role'),
        ({"messages": [USER, {"role": "assistant", "content": "So "}]},
         "messages: final assistant content cannot end with trailing whitespace"),
        ({"tool_choice": {"type": "auto"}}, "tool_choice: may only be specified while providing tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}},
         "tool_choice.name: Tool 'x' not found in provided tools"),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        ({"tools": [{"name": "a"}]}, "tools.0.input_schema: Field required"),
        ({"messages": [{"role": "user", "content": ""}]},
         ("messages.0: all messages must have non-empty content except for the optional final "
          "assistant message")),
        ({"cache_control": {"type": "ephemeral", "ttl": "2h"}},
         "cache_control.ttl: Input should be '5m', '1h'"),
    ],
)  # fmt: skip
def test_what_the_provider_refuses_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused) as raised:
        parse(**changes)
    assert (raised.value.problem.status, raised.value.problem.message) == (400, message)


def test_long_breakpoints_come_before_short_ones() -> None:
    def marked(ttl: str) -> dict[str, Any]:
        return {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": ttl}}

    request = parse(messages=[{"role": "user", "content": [marked("1h"), marked("5m")]}])
    assert [part.cache for part in request.messages[0].parts] == ["1h", "5m"]
    with pytest.raises(Refused, match="must not come after"):
        parse(messages=[{"role": "user", "content": [marked("5m"), marked("1h")]}])


def sdk(urls: dict[str, str]) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=urls["anthropic"], api_key="sk-ant", max_retries=0)


async def test_the_sdk_takes_calls_of_tools_streamed_or_not(
    serve_mock: ServeMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = (
        GeneratedBlock("text", "Let me see."),
        GeneratedBlock("tool", '{"city":"Oslo, the capital"}', "weather"),
    )
    monkeypatch.setattr(
        planner, "generate", lambda *_, **__: GeneratedChoice(blocks, "tool_use", None, "generated")
    )
    _, urls = await serve_mock()
    asked: Any = {"model": "claude-sonnet", "max_tokens": 99, "messages": [USER], "tools": [TOOL]}
    async with sdk(urls) as client:
        reply = await client.messages.create(**asked)
        async with client.messages.stream(**asked) as stream:
            final = await stream.get_final_message()
    replies: tuple[Any, ...] = (reply, final)
    for message in replies:
        text, call = message.content
        assert text.type == "text"
        assert text.text == "Let me see."
        assert call.type == "tool_use"
        assert (call.name, call.input, message.stop_reason) == (
            "weather",
            {"city": "Oslo, the capital"},
            "tool_use",
        )


async def test_the_count_equals_what_the_ledger_bills(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    asked: Any = {
        "model": "claude-sonnet",
        "messages": [USER, CALL, RESULT],
        "tools": [TOOL],
        "system": [{"type": "text", "text": "Be brief.", **MARK}],
    }
    async with sdk(urls) as client:
        counted = await client.messages.count_tokens(**asked)
        await client.messages.create(max_tokens=5, **asked)
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.count_tokens(**{**asked, "model": "claude-9"})
    count, message, missing = app.ledger.rows
    assert (count.endpoint, count.cost_nusd, missing.status) == ("count_tokens", 0, 404)
    assert counted.input_tokens == message.input_tokens > 0


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": "k", "anthropic-version": "2023-06-01"},
        {"authorization": "Bearer k", "anthropic-version": "2026-10-21"},
    ],
)
async def test_a_written_beginning_and_both_generations_of_headers_are_accepted(
    serve_mock: ServeMock, headers: dict[str, str]
) -> None:
    _, urls = await serve_mock()
    body = {
        "model": "claude-sonnet",
        "max_tokens": 9,
        "messages": [USER, USER, {"role": "assistant", "content": "So"}],
    }
    async with httpx.AsyncClient(base_url=urls["anthropic"], headers=headers) as client:
        reply = await client.post("/v1/messages", json=body)
        missing = await client.post("/v1/messages", json={**body, "tools": 3})
    assert (reply.status_code, reply.json()["type"], missing.status_code) == (200, "message", 400)
