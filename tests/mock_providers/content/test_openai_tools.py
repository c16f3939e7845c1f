"""OpenAI's tools, JSON modes and several choices: byte by byte, and through the official SDK."""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import AsyncOpenAI
from pydantic import BaseModel

from mock_providers import MockApp, load_profile
from mock_providers.content.answers import GeneratedBlock, GeneratedChoice
from mock_providers.engine import planner
from mock_providers.exchange.received import Received
from mock_providers.exchange.request import Part, Problem, Refused, Request, Tool, ToolResult, ToolUse
from mock_providers.plan import Block, Choice, Piece, Plan
from mock_providers.wire.anthropic.codec import AnthropicCodec
from mock_providers.wire.anthropic.errors import AnthropicErrors
from mock_providers.wire.dialect import Stamp
from mock_providers.wire.openai.codec import OpenAICodec
from mock_providers.wire.openai.errors import OpenAIErrors

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
CODEC = OpenAICodec(load_profile("typical").providers["openai"], OpenAIErrors("org-x"))
TOGETHER = OpenAICodec(load_profile("typical").providers["together"], OpenAIErrors("org-x"), lenient=True)
STAMP = Stamp("req_0a", "gpt-4o", 0.0)
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION: dict[str, Any] = {"name": "weather", "description": "d", "parameters": SCHEMA}
TOOL: dict[str, Any] = {"type": "function", "function": FUNCTION}
USER: dict[str, Any] = {"role": "user", "content": "Hi"}
CALL: dict[str, Any] = {
    "role": "assistant",
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    ],
}
RESULT: dict[str, Any] = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
MINIMAL: dict[str, Any] = {"model": "gpt-4o", "messages": [USER]}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


def parse(codec: OpenAICodec = CODEC, **changes: Any) -> Request:
    raw = json.dumps({**MINIMAL, **changes}).encode()
    return codec.parse(Received("POST", "/v1/chat/completions", {}, {}, raw), {})


def refused(**changes: Any) -> Problem:
    with pytest.raises(Refused) as raised:
        parse(**changes)
    return raised.value.problem


def plan_of(choices: Iterable[Choice], *blocks: tuple[int, int, list[str]]) -> Plan:
    """The pieces of each (choice, block), in this order."""
    pieces = [
        Piece(0.0, text, 1, choice, block, opens=not nth)
        for choice, block, texts in blocks
        for nth, text in enumerate(texts)
    ]
    return Plan(200, "complete", 1.0, 0.0, tuple(pieces), choices=tuple(choices))


def streamed(plan: Plan, *, obfuscate: bool = False) -> list[dict[str, Any]]:
    """The one choice of each chunk, envelopes and `[DONE]` checked and taken off."""
    frames = CODEC.frames(Request("gpt-4o", (), "d", stream=True, obfuscate=obfuscate), plan, STAMP)
    raw = frames.head + b"".join(map(frames.piece, plan.pieces)) + frames.finish + frames.tail
    *events, last, nothing = raw.decode().split("\n\n")
    assert (last, nothing) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert {(chunk["id"], chunk["object"]) for chunk in chunks} == {("chatcmpl-0a", "chat.completion.chunk")}
    return [choice for chunk in chunks for choice in chunk["choices"]]


def test_calls_are_named_once_and_filled_by_index() -> None:
    calls = (Block("tool", "1f", "weather"), Block("tool", "2f", "time"))
    plan = plan_of([Choice("tool_use", None, calls)], (0, 0, ['{"a"', ":1}"]), (0, 1, ["{}"]))

    def call(index: int, id_: str, name: str) -> dict[str, Any]:
        function = {"name": name, "arguments": ""}
        return {"tool_calls": [{"index": index, "id": id_, "type": "function", "function": function}]}

    def more(index: int, arguments: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}

    chunks = streamed(plan)
    assert [chunk["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": None, "refusal": None},
        call(0, "call_1f", "weather"),
        more(0, '{"a"'),
        more(0, ":1}"),
        call(1, "call_2f", "time"),
        more(1, "{}"),
        {},
    ]
    assert [chunk["finish_reason"] for chunk in chunks] == [None] * 6 + ["tool_calls"]


@given(
    before=st.lists(TEXTS.filter(bool), max_size=2),
    given_arguments=st.dictionaries(TEXTS, st.integers(0, 9), max_size=3),
    cut=st.integers(1, 9),
    obfuscate=st.booleans(),
)
def test_arguments_survive_the_stream_and_the_json(
    before: list[str], given_arguments: dict[str, int], cut: int, obfuscate: bool
) -> None:
    raw = json.dumps(given_arguments, ensure_ascii=False)
    choice = Choice("tool_use", None, (Block(), Block("tool", "1f", "weather")))
    fragments = [raw[at : at + cut] for at in range(0, len(raw), cut)]
    plan = plan_of([choice], (0, 0, before), (0, 1, fragments))
    deltas = [chunk["delta"] for chunk in streamed(plan, obfuscate=obfuscate)]
    assert "".join(delta.get("content") or "" for delta in deltas) == "".join(before)
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert "".join(call["function"]["arguments"] for call in calls) == raw
    [whole] = json.loads(CODEC.body(parse(), plan, STAMP))["choices"]
    assert whole["message"]["content"] == "".join(before)
    assert whole["message"]["tool_calls"] == [
        {"id": "call_1f", "type": "function", "function": {"name": "weather", "arguments": raw}}
    ]
    assert whole["finish_reason"] == "tool_calls"


def test_a_reply_that_only_calls_has_null_content_and_an_empty_one_has_none_to_say() -> None:
    only_calls = plan_of([Choice("tool_use", None, (Block("tool", "1f", "weather"),))], (0, 0, ["{}"]))
    empty = plan_of([Choice()])
    for plan, content in ((only_calls, None), (empty, "")):
        [whole] = json.loads(CODEC.body(parse(), plan, STAMP))["choices"]
        assert whole["message"]["content"] == content
        assert streamed(plan)[0]["delta"]["content"] == content
    assert "tool_calls" not in whole["message"]


def test_a_call_that_was_cut_before_its_arguments_is_in_neither_form() -> None:
    calls = (Block("tool", "1f", "weather"), Block("tool", "2f", "time"))
    plan = plan_of([Choice("length", None, calls)], (0, 0, ["{}"]))
    [whole] = json.loads(CODEC.body(parse(), plan, STAMP))["choices"]
    assert [call["id"] for call in whole["message"]["tool_calls"]] == ["call_1f"]
    assert "call_2f" not in json.dumps(streamed(plan))


def test_choices_are_told_apart_by_index_each_with_its_role_and_finish() -> None:
    choices = [Choice("stop"), Choice("length"), Choice("tool_use", None, (Block("tool", "1f", "weather"),))]
    plan = plan_of(choices, (1, 0, ["b"]), (0, 0, ["a"]), (2, 0, ["{}"]), (1, 0, ["B"]))
    chunks = streamed(plan)
    assert [chunk["index"] for chunk in chunks if "role" in chunk["delta"]] == [0, 1, 2]
    texts = ["", "", ""]
    for chunk in chunks:
        texts[chunk["index"]] += chunk["delta"].get("content") or ""
    assert texts == ["a", "bB", ""]
    reasons = [(chunk["index"], chunk["finish_reason"]) for chunk in chunks[-3:]]
    assert reasons == [(0, "stop"), (1, "length"), (2, "tool_calls")]
    whole = json.loads(CODEC.body(parse(), plan, STAMP))["choices"]
    assert [choice["message"]["content"] for choice in whole] == ["a", "bB", None]
    assert [choice["index"] for choice in whole] == [0, 1, 2]


def test_cache_writes_are_told_only_where_there_are_some() -> None:
    for written in (0, 128):
        plan = Plan(200, "complete", 1.0, 0.0, choices=(Choice(),), input_tokens=2000,
                    cached_input_tokens=1024, cache_write_tokens=written)  # fmt: skip
        details = json.loads(CODEC.body(parse(), plan, STAMP))["usage"]["prompt_tokens_details"]
        expected = {"cached_tokens": 1024, "audio_tokens": 0}
        assert details == ({**expected, "cache_write_tokens": 128} if written else expected)


def test_a_conversation_with_tools_is_read_whole() -> None:
    request = parse(
        tools=[TOOL],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        parallel_tool_calls=False,
        messages=[{"role": "developer", "content": "S"}, USER, CALL, RESULT,
                  {"role": "assistant", "content": "So"}],
        n=3,
        response_format={
            "type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA, "strict": True}
        },
    )  # fmt: skip
    definition = json.dumps(FUNCTION, separators=(",", ":"), sort_keys=True)
    assert [(message.role, message.parts) for message in request.messages] == [
        ("tools", (Part(definition),)),
        ("system", (Part("S"),)),
        ("user", (Part("Hi"),)),
        (
            "assistant",
            (Part('{"arguments":{"city":"Oslo"},"name":"weather"}', about=ToolUse("weather", "c1")),),
        ),
        ("tool", (Part("sunny", about=ToolResult("c1")),)),
        ("assistant", (Part("So"),)),
    ]
    assert request.tools == (Tool("weather", SCHEMA),)
    assert (request.tool_choice, request.parallel_tool_calls, request.n) == ("weather", False, 3)
    assert (request.json_schema, request.prefill) == (SCHEMA, "So")


def test_the_same_prompt_with_tools_counts_the_same_as_anthropics() -> None:
    body = {
        "model": "m",
        "max_tokens": 5,
        "tools": [{"name": "weather", "description": "d", "input_schema": SCHEMA}],
        "messages": [
            USER,
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Oslo"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "sunny"}]},
        ],
    }  # fmt: skip
    headers = {b"anthropic-version": b"2026-10-21"}
    received = Received("POST", "/v1/messages", headers, {}, json.dumps(body).encode())
    theirs = AnthropicCodec(AnthropicErrors()).parse(received, {})
    ours = parse(tools=[TOOL], messages=[USER, CALL, RESULT])
    assert ours.messages == theirs.messages
    assert ours.input_tokens == theirs.input_tokens


@pytest.mark.parametrize("arguments", ["", "{", "[" * 3000 + "]" * 3000, '"\\ud800"'])
def test_arguments_that_are_no_json_count_as_they_are(arguments: str) -> None:
    function = {"name": "weather", "arguments": arguments}
    call = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
    message = parse(messages=[USER, call, RESULT]).messages[1]
    assert json.loads(message.text) == {"name": "weather", "arguments": arguments}


@pytest.mark.parametrize(
    ("format_", "schema"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, {}),
        ({"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA}}, SCHEMA),
    ],
)
def test_the_form_of_the_reply_is_read(format_: Any, schema: Any) -> None:
    spoken = [{"role": "user", "content": "Answer in JSON."}]
    assert parse(messages=spoken, response_format=format_).json_schema == schema


def test_a_tool_without_parameters_takes_none() -> None:
    request = parse(tools=[{"type": "function", "function": {"name": "now"}}])
    assert request.tools == (Tool("now", {"type": "object", "properties": {}}),)
    assert request.messages[0].text == '{"name":"now"}'
    assert (request.tool_choice, request.parallel_tool_calls) == ("auto", True)


@pytest.mark.parametrize(
    ("changes", "param", "part"),
    [
        ({"tools": []}, "tools", "array of 1 to 128 tools"),
        ({"tools": [{"type": "custom"}]}, "tools[0].custom.name", "Missing required"),
        ({"tools": [{"type": "mcp"}]}, "tools[0].type", "Supported values are: 'function'"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "Missing required"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", "pattern"),
        ({"tool_choice": "auto"}, "tool_choice", "only allowed when 'tools' are specified"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls", "only allowed when 'tools' are specified"),
        ({"tools": [TOOL], "tool_choice": "any"}, "tool_choice", "'none', 'auto', 'required'"),
        ({"tools": [TOOL], "tool_choice": 5}, "tool_choice", "expected an object"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice",
         "no function named 'x'"),
        ({"function_call": "auto"}, "tool_choice", "only allowed when 'tools' are specified"),
        ({"messages": [USER, {"role": "function", "content": "x"}]}, "messages[1].role", "'tool'"),
        ({"messages": [USER, RESULT]}, "messages[1]", "must be a response to a preceding message"),
        ({"messages": [USER, CALL, {**RESULT, "tool_call_id": "c2"}]}, "messages[2]", "must be a response"),
        ({"messages": [USER, CALL, USER]}, "messages[1]", "did not have response messages: c1"),
        ({"messages": [USER, CALL]}, "messages[1]", "did not have response messages: c1"),
        ({"messages": [USER, CALL, RESULT, USER, RESULT]}, "messages[4]", "must be a response"),
        ({"response_format": {"type": "xml"}}, "response_format.type", "'json_object', 'json_schema'"),
        ({"response_format": {"type": "json_object"}}, "messages", "must contain the word 'json'"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "Missing required"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "s"}}},
         "response_format.json_schema.schema", "Missing required"),
        ({"top_logprobs": 3}, "top_logprobs", "only allowed when 'logprobs' is enabled"),
    ],
)  # fmt: skip
def test_what_the_provider_refuses_is_refused(changes: dict[str, Any], param: str, part: str) -> None:
    problem = refused(**changes)
    assert (problem.status, problem.type, problem.param) == (400, "invalid_request_error", param)
    assert part in problem.message


def test_together_takes_stream_options_without_a_stream_and_json_that_nobody_speaks_of() -> None:
    request = parse(TOGETHER, stream_options={}, response_format={"type": "json_object"})
    assert request.json_schema == {}


def sdk(urls: dict[str, str], provider: str = "openai") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=urls[provider], api_key="sk-test", max_retries=0)


def make_choice(monkeypatch: pytest.MonkeyPatch, *blocks: GeneratedBlock, finish: Any = "tool_use") -> None:
    """Make every reply consist of these blocks."""
    monkeypatch.setattr(
        planner, "generate", lambda *_, **__: GeneratedChoice(blocks, finish, None, "generated")
    )


@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-4o"), ("together", "llama-3-70b")])
async def test_the_sdk_takes_parallel_calls_streamed_or_not(
    serve_mock: ServeMock, monkeypatch: pytest.MonkeyPatch, provider: str, model: str
) -> None:
    cities = ('{"city":"Oslo, the capital"}', '{"city":"Rome"}')
    make_choice(monkeypatch, *(GeneratedBlock("tool", arguments, "weather") for arguments in cities))
    app, urls = await serve_mock()
    asked: Any = {"model": model, "messages": [USER], "tools": [TOOL], "tool_choice": "required"}
    async with sdk(urls, provider) as client:
        reply = await client.chat.completions.create(**asked)
        async with client.chat.completions.stream(**asked) as stream:
            final = await stream.get_final_completion()
    messages: list[Any] = [reply.choices[0].message, final.choices[0].message]
    for message in messages:
        assert message.content is None
        assert [(call.function.name, call.function.arguments) for call in message.tool_calls] == [
            ("weather", city) for city in cities
        ]
        ids = [call.id for call in message.tool_calls]
        assert all(id_.startswith("call_") for id_ in ids)
        assert len(set(ids)) == 2
    assert (reply.choices[0].finish_reason, final.choices[0].finish_reason) == ("tool_calls", "tool_calls")
    assert [row.ended for row in app.ledger.rows] == ["complete"] * 2


class City(BaseModel):
    """The parsed content of the reply."""

    city: str


async def test_the_sdk_parses_a_reply_to_its_schema(
    serve_mock: ServeMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_choice(monkeypatch, GeneratedBlock("text", '{"city":"Oslo"}'), finish="stop")
    _, urls = await serve_mock()
    async with sdk(urls) as client:
        reply = await client.chat.completions.parse(
            model="gpt-4o", messages=[{"role": "user", "content": "Where?"}], response_format=City
        )
    assert reply.choices[0].message.parsed == City(city="Oslo")


async def test_the_sdk_gets_n_choices_that_differ_streamed_or_not(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    asked: Any = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "in about 30 tokens"}],
        "n": 3,
    }
    async with sdk(urls) as client:
        reply = await client.chat.completions.create(**asked)
        texts = ["", "", ""]
        finishes: dict[int, str] = {}
        stream = await client.chat.completions.create(**asked, stream=True)
        async for chunk in stream:
            [choice] = chunk.choices
            texts[choice.index] += choice.delta.content or ""
            if choice.finish_reason:
                finishes[choice.index] = choice.finish_reason
    whole = [choice.message.content for choice in reply.choices]
    assert len(set(whole)) == len(set(texts)) == 3
    assert finishes == {0: "stop", 1: "stop", 2: "stop"}
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 90
    assert [row.output_tokens for row in app.ledger.rows] == [90, 90]


async def test_tools_in_the_prompt_are_counted_and_billed(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    asked: Any = {"model": "gpt-4o", "messages": [USER], "max_tokens": 1}
    async with sdk(urls) as client:
        bare = await client.chat.completions.create(**asked)
        equipped = await client.chat.completions.create(**{**asked, "tools": [TOOL]}, tool_choice="none")
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(**{**asked, "tool_choice": "none"})
    assert bare.usage is not None
    assert equipped.usage is not None
    definition = len(json.dumps(FUNCTION, separators=(",", ":"))) // 4
    assert equipped.usage.prompt_tokens >= bare.usage.prompt_tokens + definition
    assert [row.input_tokens for row in app.ledger.rows] == [
        bare.usage.prompt_tokens,
        equipped.usage.prompt_tokens,
        0,
    ]
