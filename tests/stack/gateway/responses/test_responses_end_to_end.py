"""The openai SDK's Responses API over the gateway, the full chain and the mock providers, in virtual time."""

import json
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError
from pydantic import BaseModel

from mock_providers import load_profile
from tests.lab.lab import Lab, play

TYPICAL = load_profile("typical")
TARGETS = [
    {"provider": "openai", "model": "gpt-4o"},
    {"provider": "anthropic", "model": "claude-sonnet-4-5"},
    {"provider": "together", "model": "llama-3-70b"},
]
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "How it will be.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
every_target = pytest.mark.parametrize("target", TARGETS, ids=[str(each["provider"]) for each in TARGETS])


class Forecast(BaseModel):
    """A reply parsed by the SDK."""

    city: str
    days: int


@every_target
def test_text_tools_and_json_work_whichever_provider_answers(target: dict[str, Any]) -> None:
    async def scene(lab: Lab) -> None:
        async with lab.sdk(max_retries=0) as client:
            await texts(client)
            await tools(client)
            parsed = await client.responses.parse(model="m", input="Tell", text_format=Forecast)
            assert isinstance(parsed.output_parsed, Forecast)

    play(scene, profile=TYPICAL, target=[target], cost={"unknown": "estimate"})


async def texts(client: AsyncOpenAI) -> None:
    asked: dict[str, Any] = {"model": "m", "input": "Say something, in about 24 tokens."}
    whole = await client.responses.create(**asked)
    async with client.responses.stream(**asked) as stream:
        deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        final = await stream.get_final_response()
    assert final.output_text == "".join(deltas)
    assert len(deltas) > 4
    assert whole.usage is not None
    assert final.usage is not None
    assert (whole.usage.output_tokens, final.usage.output_tokens) == (24, 24)
    cut = await client.responses.create(**asked, max_output_tokens=5)
    assert (cut.status, cut.incomplete_details and cut.incomplete_details.reason) == (
        "incomplete", "max_output_tokens",
    )  # fmt: skip


async def tools(client: AsyncOpenAI) -> None:
    question: dict[str, Any] = {"model": "m", "tools": [WEATHER]}
    first = await client.responses.create(**question, input="What is the weather in Oslo?")
    [call] = first.output
    assert call.type == "function_call"
    assert isinstance(json.loads(call.arguments)["city"], str)
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain."}
    stateful = await client.responses.create(**question, input=[result], previous_response_id=first.id)
    turns: Any = [{"role": "user", "content": "What is the weather in Oslo?"}, call.to_dict(), result]
    stateless = await client.responses.create(**question, input=turns, store=False)
    assert stateful.output_text
    assert stateful.usage is not None
    assert stateless.usage is not None
    assert stateful.usage.input_tokens == stateless.usage.input_tokens
    events = [event async for event in await client.responses.create(
        **question, input="What is the weather in Oslo?", stream=True)]  # fmt: skip
    assert [event.type for event in events if event.type.endswith("arguments.done")] == [
        "response.function_call_arguments.done"
    ]


def test_responses_are_kept_and_another_provider_continues_one() -> None:
    async def scene(lab: Lab) -> None:
        async with lab.sdk(max_retries=0) as client:
            first = await client.responses.create(model="m", input="Say something, in about 9 tokens.")
            assert (await client.responses.retrieve(first.id)).output_text == first.output_text
            second = await client.responses.create(model="m", input="And on?", previous_response_id=first.id)
            items = [item async for item in client.responses.input_items.list(second.id)]
            assert [item.type for item in items] == ["message"] * 3
            await client.responses.delete(first.id)
            with pytest.raises(BadRequestError, match="not found"):
                await client.responses.create(model="m", input="x", previous_response_id=first.id)

    play(scene, target=TARGETS[:2], retry={"attempts": 1})
