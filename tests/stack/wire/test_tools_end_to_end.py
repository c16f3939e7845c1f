"""Tools and JSON over the mock providers: the caller sees one shape, whichever provider answers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest

from harness.stack.core.request import Message, Tool
from mock_providers import load_profile
from tests.lab.lab import Lab, Scene, play

PROFILE = load_profile("typical")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER = Tool("get_weather", "How it will be.", SCHEMA)
TARGETS = [
    {"provider": "openai", "model": "gpt-4o"},
    {"provider": "anthropic", "model": "claude-sonnet-4-5"},
]
DOWN = [{"kind": "http_error", "status": 503, "provider": "openai"}]
ASK = (Message("system", "Be brief."), Message("user", "What is the weather in Oslo, in about 20 tokens?"))


def in_lab(check: Scene, faults: list[dict[str, Any]]) -> None:
    """Run a check with OpenAI first in the chain, Anthropic second."""
    play(check, profile=PROFILE, faults=faults, target=TARGETS)


def in_lab_with_sdk(check: Callable[[Lab, Any], Awaitable[None]], faults: list[dict[str, Any]]) -> None:
    """As `in_lab`; the check also gets an OpenAI SDK that calls the gateway and never retries."""

    async def scene(lab: Lab) -> None:
        async with lab.sdk(max_retries=0) as gpt:
            await check(lab, gpt)

    in_lab(scene, faults)


def providers_of_the_last_call(lab: Lab) -> list[str]:
    return [attempt.provider for attempt in lab.facts[-1].attempts]


outage = pytest.mark.parametrize(
    ("faults", "asked"), [([], ["openai"]), (DOWN, ["openai", "anthropic"])], ids=["openai", "anthropic"]
)
styles = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


def assert_weather(name: str, arguments: str) -> None:
    given = json.loads(arguments)
    assert (name, type(given["city"]), type(given["days"])) == ("get_weather", str, int)


@outage
@styles
def test_a_tool_call_has_one_shape_from_every_provider(
    faults: list[dict[str, Any]], asked: list[str], stream: bool
) -> None:
    async def check(lab: Lab) -> None:
        answer = await lab.ask(messages=ASK, tools=(WEATHER,), tool_choice="required", stream=stream)
        [call] = answer.tool_calls
        assert_weather(call.name, call.arguments)
        assert (bool(call.id), answer.text, answer.finish.reason) == (True, "", "tool_calls")
        assert providers_of_the_last_call(lab) == asked
        turns = (*ASK, Message("assistant", "", (call,)), Message("tool", "Rain.", tool_call_id=call.id))
        again = await lab.ask("c2", messages=turns, tools=(WEATHER,))
        assert again.finish.reason in ("stop", "length")

    in_lab(check, faults)


@outage
@styles
def test_a_reply_in_json_is_text_of_that_schema_from_every_provider(
    faults: list[dict[str, Any]], asked: list[str], stream: bool
) -> None:
    async def check(lab: Lab) -> None:
        answer = await lab.ask(messages=ASK, json_schema=SCHEMA, stream=stream)
        given = json.loads(answer.text)
        assert (type(given["city"]), type(given["days"]), len(given)) == (str, int, 2)
        assert (answer.tool_calls, answer.finish.reason) == ((), "stop")
        assert providers_of_the_last_call(lab) == asked

    in_lab(check, faults)


@outage
def test_the_openai_sdk_calls_a_tool_through_the_gateway_and_tells_its_result(
    faults: list[dict[str, Any]], asked: list[str]
) -> None:
    function = {"name": "get_weather", "description": "How it will be.", "parameters": SCHEMA}
    request: dict[str, Any] = {
        "model": "any",
        "messages": [{"role": "user", "content": "What is the weather in Oslo, in about 20 tokens?"}],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "parallel_tool_calls": False,
    }

    async def check(lab: Lab, gpt: Any) -> None:
        reply = await gpt.chat.completions.create(**request)
        [choice] = reply.choices
        [call] = choice.message.tool_calls
        assert_weather(call.function.name, call.function.arguments)
        assert (choice.message.content, choice.finish_reason, call.type) == (None, "tool_calls", "function")
        async with gpt.chat.completions.stream(**request) as stream:
            seen = [event.type async for event in stream]
            final = (await stream.get_final_completion()).choices[0]
        [streamed] = final.message.tool_calls
        assert_weather(streamed.function.name, streamed.function.arguments)
        assert (final.message.content, final.finish_reason) == (None, "tool_calls")
        assert seen.count("tool_calls.function.arguments.delta") >= 1
        assert providers_of_the_last_call(lab) == asked
        result = {"role": "tool", "tool_call_id": call.id, "content": "Rain."}
        messages = [*request["messages"], choice.message.model_dump(exclude_none=True), result]
        told = await gpt.chat.completions.create(**request | {"messages": messages, "tool_choice": "none"})
        assert told.choices[0].message.content

    in_lab_with_sdk(check, faults)


@outage
def test_the_openai_sdk_gets_json_through_the_gateway(faults: list[dict[str, Any]], asked: list[str]) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "day", "schema": SCHEMA, "strict": True}}

    async def check(lab: Lab, gpt: Any) -> None:
        messages = [{"role": "user", "content": "What is the weather in Oslo, in about 20 tokens?"}]
        reply = await gpt.chat.completions.create(model="any", messages=messages, response_format=form)
        assert set(json.loads(reply.choices[0].message.content)) == {"city", "days"}
        assert providers_of_the_last_call(lab) == asked

    in_lab_with_sdk(check, faults)


def test_a_tool_call_that_breaks_fails_and_its_received_part_is_paid_for() -> None:
    async def check(lab: Lab, gpt: Any) -> None:
        stream = await gpt.chat.completions.create(
            model="any",
            messages=[{"role": "user", "content": "What is the weather in Oslo, in about 20 tokens?"}],
            tools=[{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}],
            tool_choice="required",
            stream=True,
        )
        with pytest.raises(openai.APIError):
            [chunk async for chunk in stream]
        [attempt] = lab.facts[-1].attempts
        assert (attempt.outcome, attempt.error_kind, attempt.usage_known) == ("failed", "truncated", False)
        assert attempt.output_tokens > 0

    in_lab_with_sdk(check, [{"kind": "truncate", "provider": "openai", "after_chunks": 2}])
