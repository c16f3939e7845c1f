"""OpenAI's log probabilities, custom tools, allowed tools and deprecated functions; with the official SDK."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.virtual import run_virtual
from mock_providers import MockApp, load_profile
from mock_providers.wire.openai.styles.logprobs import MOST, logprobs_of
from tests.lab.providers import open_providers

TODAY = load_profile("today")
HI: Any = [{"role": "user", "content": "Hi, in about 12 tokens"}]
ASK: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def function(name: str) -> dict[str, Any]:
    return {"name": name, "description": "d", "parameters": SCHEMA}


def with_sdk(talk: Callable[[Any], Awaitable[Any]]) -> Any:
    """The result of `talk` with the SDK's chat completions, in virtual time."""

    async def main() -> Any:
        async with open_providers(MockApp(TODAY, seed=1)) as endpoints:
            at = endpoints["openai"].base_url
            async with openai.AsyncOpenAI(base_url=at, api_key="k", max_retries=0) as client:
                return await talk(client.chat.completions)

    return run_virtual(main())


@given(st.text(max_size=60), st.integers(0, MOST))
def test_log_probabilities_are_those_of_a_distribution(text: str, top: int) -> None:
    entries = logprobs_of(text, top)
    assert "".join(entry["token"] for entry in entries) == text
    for entry in entries:
        assert bytes(entry["bytes"]).decode() == entry["token"]
        assert entry["logprob"] <= 0
        ranked = entry["top_logprobs"]
        assert len(ranked) <= top
        assert sum(math.exp(each["logprob"]) for each in ranked) <= 1 + 1e-9
        assert not ranked or ranked[0]["token"] == entry["token"]
        assert len({each["token"] for each in ranked}) == len(ranked)


def test_log_probabilities_come_whole_and_streamed() -> None:
    async def talk(chat: Any) -> None:
        options = {"model": "gpt-4o", "messages": HI, "logprobs": True, "top_logprobs": 3}
        whole = await chat.create(**options)
        tokens = [entry.token for entry in whole.choices[0].logprobs.content]
        assert "".join(tokens) == whole.choices[0].message.content
        assert len(whole.choices[0].logprobs.content[0].top_logprobs) == 3
        stream = await chat.create(**options, stream=True)
        chunks = [chunk.choices[0] async for chunk in stream if chunk.choices]
        for choice in chunks:
            if choice.delta.content:
                assert "".join(each.token for each in choice.logprobs.content) == choice.delta.content
        assert sum(bool(choice.logprobs) for choice in chunks) > 3
        with pytest.raises(openai.BadRequestError, match="not supported with this model"):
            await chat.create(**options | {"model": "gpt-5-mini"})
        with pytest.raises(openai.BadRequestError, match="maximum value"):
            await chat.create(**options | {"top_logprobs": 21})

    with_sdk(talk)


def test_deprecated_functions_are_called_and_answered() -> None:
    async def talk(chat: Any) -> None:
        options: Any = {"model": "gpt-4o", "functions": [function("get_weather")]}
        asked = await chat.create(**options, messages=ASK)
        message = asked.choices[0].message
        assert (asked.choices[0].finish_reason, message.function_call.name) == (
            "function_call",
            "get_weather",
        )
        assert message.tool_calls is None
        stream = await chat.create(**options, messages=ASK, stream=True)
        deltas = [chunk.choices[0].delta.function_call async for chunk in stream if chunk.choices]
        parts = [delta for delta in deltas if delta]
        assert parts[0].name == "get_weather"
        assert "".join(part.arguments for part in parts).startswith('{"city"')
        result = {"role": "function", "name": "get_weather", "content": "sunny"}
        done = await chat.create(**options, messages=[*ASK, message.model_dump(exclude_none=True), result])
        assert done.choices[0].finish_reason == "stop"
        never = await chat.create(**options, messages=ASK, function_call="none")
        assert never.choices[0].finish_reason == "stop"

    with_sdk(talk)


def test_a_custom_tool_gets_free_text() -> None:
    custom: Any = {
        "type": "custom",
        "custom": {"name": "run_weather", "description": "d", "format": {"type": "text"}},
    }

    async def talk(chat: Any) -> None:
        options: Any = {"model": "gpt-5-mini", "tools": [custom]}
        asked = await chat.create(**options, messages=ASK)
        message = asked.choices[0].message
        [call] = message.tool_calls
        assert (asked.choices[0].finish_reason, call.type, call.custom.name) == (
            "tool_calls",
            "custom",
            "run_weather",
        )
        assert call.custom.input
        assert not call.custom.input.startswith("{")
        stream = await chat.create(**options, messages=ASK, stream=True)
        found = [
            part.model_dump()["custom"]
            async for chunk in stream
            for choice in chunk.choices
            for part in choice.delta.tool_calls or []
        ]
        text = "".join(each["input"] for each in found)
        assert text
        assert not text.startswith("{")
        assert found[0]["name"] == "run_weather"
        result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
        done = await chat.create(**options, messages=[*ASK, message.model_dump(exclude_none=True), result])
        assert done.choices[0].finish_reason == "stop"
        forced: Any = {"type": "custom", "custom": {"name": "run_weather"}}
        assert (await chat.create(**options, messages=HI, tool_choice=forced)).choices[0].message.tool_calls

    with_sdk(talk)


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_only_allowed_tools_are_called(mode: str) -> None:
    tools: Any = [{"type": "function", "function": function(name)} for name in ("get_weather", "get_time")]
    allowed: Any = {"mode": mode, "tools": [{"type": "function", "function": {"name": "get_time"}}]}

    async def talk(chat: Any) -> list[str]:
        choice: Any = {"type": "allowed_tools", "allowed_tools": allowed}
        reply = await chat.create(model="gpt-4o", messages=ASK, tools=tools, tool_choice=choice)
        return [call.function.name for call in reply.choices[0].message.tool_calls or []]

    assert with_sdk(talk) == ([] if mode == "auto" else ["get_time"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"tools": [{"type": "custom"}]},
        {"tools": [{"type": "custom", "custom": {"name": 3}}]},
        {"functions": "x"},
        {"functions": [3]},
        {"functions": [function("f")], "function_call": 3},
        {
            "tool_choice": {"type": "allowed_tools"},
            "tools": [{"type": "function", "function": function("f")}],
        },
    ],
)
def test_tools_that_cannot_be_read_are_a_bad_request(wrong: dict[str, Any]) -> None:
    async def talk(chat: Any) -> None:
        with pytest.raises(openai.BadRequestError):
            await chat.create(model="gpt-4o", messages=HI, extra_body=wrong)

    with_sdk(talk)
