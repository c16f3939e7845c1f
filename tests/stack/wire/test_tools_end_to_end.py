"""Tools and JSON over the mock providers: the caller sees one shape, whichever provider answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import openai
import pytest

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.assembly.stack import Stack
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Answer
from harness.stack.core.request import Message, Tool
from harness.stack.gateway.app import Gateway
from harness.stack.upstream.send import Endpoint
from harness.virtual import run_virtual
from harness.world.serving import serve
from mock_providers import MockApp, load_profile, parse_faults

PROFILE = load_profile("page")
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


class Lab:
    """A stack over the mock providers, in process and behind its gateway."""

    def __init__(self, app: MockApp, stack: Stack, gateway: str, told: list[CallFacts]) -> None:
        self.app, self.stack, self.told = app, stack, told
        self.gpt: Any = openai.AsyncOpenAI(base_url=f"{gateway}/v1", api_key="k", max_retries=0)

    async def ask(self, **asked: Any) -> Answer:
        call = self.stack.call("c1", ASK, asyncio.get_running_loop().time(), **asked)
        async with await self.stack.ask(call) as reply:
            return await reply.answer()

    @property
    def asked(self) -> list[str]:
        """The providers that the last call's attempts went to."""
        return [attempt.provider for attempt in self.told[-1].attempts]


@asynccontextmanager
async def opened(faults: list[dict[str, Any]], **table: Any) -> AsyncIterator[Lab]:
    app = MockApp(PROFILE, seed=3)
    app.set_faults(parse_faults(faults, PROFILE))
    told: list[CallFacts] = []
    async with AsyncExitStack() as opened:
        endpoints = {}
        for name in PROFILE.providers:
            origin = await opened.enter_async_context(serve(app.provider(name), cut=app.hang_up))
            endpoints[name] = Endpoint(f"{origin}{'' if name == 'anthropic' else '/v1'}", "sk-x")
        options = StackOptions.model_validate({"target": TARGETS, "fallback": {}, **table})
        stack = build(options, endpoints, sink=told.append)
        opened.push_async_callback(stack.aclose)
        gateway = await opened.enter_async_context(serve(Gateway(stack)))
        lab = Lab(app, stack, gateway, told)
        opened.push_async_callback(lab.gpt.close)
        app.start(asyncio.get_running_loop().time())
        yield lab


def in_lab(check: Callable[[Lab], Awaitable[None]], faults: list[dict[str, Any]]) -> None:
    async def scenario() -> None:
        async with opened(faults) as lab:
            await check(lab)

    run_virtual(scenario())


outage = pytest.mark.parametrize(
    ("faults", "asked"), [([], ["openai"]), (DOWN, ["openai", "anthropic"])], ids=["openai", "anthropic"]
)
styles = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


def assert_weather(name: str, arguments: str) -> None:
    given = json.loads(arguments)
    assert (name, type(given["city"]), type(given["days"])) == ("get_weather", str, int)


@outage
@styles
def test_a_tool_call_has_one_shape_whoever_makes_it(
    faults: list[dict[str, Any]], asked: list[str], stream: bool
) -> None:
    async def check(lab: Lab) -> None:
        answer = await lab.ask(tools=(WEATHER,), tool_choice="required", stream=stream)
        [call] = answer.tool_calls
        assert_weather(call.name, call.arguments)
        assert (bool(call.id), answer.text, answer.finish.reason) == (True, "", "tool_calls")
        assert lab.asked == asked
        turns = (*ASK, Message("assistant", "", (call,)), Message("tool", "Rain.", tool_call_id=call.id))
        again = lab.stack.call("c2", turns, asyncio.get_running_loop().time(), tools=(WEATHER,))
        async with await lab.stack.ask(again) as reply:
            assert (await reply.answer()).finish.reason in ("stop", "length")

    in_lab(check, faults)


@outage
@styles
def test_a_reply_in_json_is_text_of_that_schema_whoever_gives_it(
    faults: list[dict[str, Any]], asked: list[str], stream: bool
) -> None:
    async def check(lab: Lab) -> None:
        answer = await lab.ask(json_schema=SCHEMA, stream=stream)
        given = json.loads(answer.text)
        assert (type(given["city"]), type(given["days"]), len(given)) == (str, int, 2)
        assert (answer.tool_calls, answer.finish.reason) == ((), "stop")
        assert lab.asked == asked

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

    async def check(lab: Lab) -> None:
        reply = await lab.gpt.chat.completions.create(**request)
        [choice] = reply.choices
        [call] = choice.message.tool_calls
        assert_weather(call.function.name, call.function.arguments)
        assert (choice.message.content, choice.finish_reason, call.type) == (None, "tool_calls", "function")
        async with lab.gpt.chat.completions.stream(**request) as stream:
            seen = [event.type async for event in stream]
            final = (await stream.get_final_completion()).choices[0]
        [streamed] = final.message.tool_calls
        assert_weather(streamed.function.name, streamed.function.arguments)
        assert (final.message.content, final.finish_reason) == (None, "tool_calls")
        assert seen.count("tool_calls.function.arguments.delta") >= 1
        assert lab.asked == asked
        result = {"role": "tool", "tool_call_id": call.id, "content": "Rain."}
        messages = [*request["messages"], choice.message.model_dump(exclude_none=True), result]
        told = await lab.gpt.chat.completions.create(
            **request | {"messages": messages, "tool_choice": "none"}
        )
        assert told.choices[0].message.content

    in_lab(check, faults)


@outage
def test_the_openai_sdk_gets_json_through_the_gateway(faults: list[dict[str, Any]], asked: list[str]) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "day", "schema": SCHEMA, "strict": True}}

    async def check(lab: Lab) -> None:
        messages = [{"role": "user", "content": "What is the weather in Oslo, in about 20 tokens?"}]
        reply = await lab.gpt.chat.completions.create(model="any", messages=messages, response_format=form)
        assert set(json.loads(reply.choices[0].message.content)) == {"city", "days"}
        assert lab.asked == asked

    in_lab(check, faults)


def test_a_tool_call_that_breaks_is_a_failure_and_what_came_of_it_is_paid_for() -> None:
    async def check(lab: Lab) -> None:
        stream = await lab.gpt.chat.completions.create(
            model="any",
            messages=[{"role": "user", "content": "What is the weather in Oslo, in about 20 tokens?"}],
            tools=[{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}],
            tool_choice="required",
            stream=True,
        )
        with pytest.raises(openai.APIError):
            [chunk async for chunk in stream]
        [attempt] = lab.told[-1].attempts
        assert (attempt.outcome, attempt.error_kind, attempt.usage_known) == ("failed", "truncated", False)
        assert attempt.output_tokens > 0

    in_lab(check, [{"kind": "truncate", "provider": "openai", "after_chunks": 2}])
