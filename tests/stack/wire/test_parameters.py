"""Every parameter reaches the provider that understands it, over HTTP; what was left out is on record."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import respx

from harness.stack.assembly.stack import Stack
from harness.stack.core.errors import Rejected
from harness.stack.core.facts import CallFacts
from harness.stack.core.parameters import HINTS, PARAMETERS
from harness.stack.core.request import Message
from tests.stack.conftest import ENDPOINTS

MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "together": "meta-llama/Llama-3-70b-chat-hf"}
VALUES: dict[str, Any] = {
    "seed": 1,
    "presence_penalty": 0.5,
    "frequency_penalty": -0.5,
    "logit_bias": {"1": -100},
    "reasoning_effort": "low",
    "verbosity": "low",
    "prediction": {"type": "content", "content": "x"},
    "service_tier": "default",
    "user": "u1",
    "safety_identifier": "s1",
    "metadata": {"team": "a"},
    "store": True,
    "prompt_cache_key": "mine",
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "explicit"},
}
ANTHROPIC_WORDS = {
    "user": {"metadata": {"user_id": "u1"}},
    "safety_identifier": {"metadata": {"user_id": "s1"}},
    "service_tier": {"service_tier": "standard_only"},
}
PASSED_ON = sorted(name for name, row in PARAMETERS.items() if row.providers)
MakeStack = Callable[..., Stack]


def answers(web: respx.Router) -> dict[str, respx.Route]:
    """Providers that answer "Hi."; the request's body is in `calls.last.request`."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}
    said = {"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    blocks = [{"type": "text", "text": "Hi."}]
    usage = {"input_tokens": 9, "output_tokens": 2}
    message = {"type": "message", "content": blocks, "stop_reason": "end_turn", "usage": usage}
    routes = {}
    for provider, endpoint in ENDPOINTS.items():
        is_claude = provider == "anthropic"
        path = "/v1/messages" if is_claude else "/chat/completions"
        reply = message if is_claude else said
        routes[provider] = web.post(endpoint.base_url + path).respond(json=reply)
    return routes


async def ask(stack: Stack, *messages: Message, **request: Any) -> CallFacts:
    asked = messages or (Message("user", "Hi?"),)
    now = asyncio.get_running_loop().time()
    call = stack.call("c1", asked, now, **{"stream": False, **request})
    async with await stack.ask(call) as reply:
        await reply.text()
    return call.facts


def sent(route: respx.Route) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(route.calls.last.request.content)
    return body


def target(provider: str, **more: Any) -> dict[str, Any]:
    return {"provider": provider, "model": MODELS[provider], **more}


def test_every_parameter_has_a_value_to_test_with() -> None:
    assert sorted(VALUES) == PASSED_ON


@pytest.mark.parametrize("name", PASSED_ON)
@pytest.mark.parametrize("provider", MODELS)
async def test_a_parameter_is_sent_to_the_providers_that_understand_it_and_to_no_other(
    provider: str, name: str, web: respx.Router, make_stack: MakeStack
) -> None:
    """litellm#894, litellm#29955: no provider ever saw a `seed`."""
    route = answers(web)[provider]
    stack = make_stack(target=[target(provider, unsupported="drop")])
    await ask(stack)
    plain = sent(route)
    facts = await ask(stack, parameters={name: VALUES[name]})
    added = {key: value for key, value in sent(route).items() if plain.get(key) != value}
    if provider not in PARAMETERS[name].providers:
        assert (added, facts.dropped) == ({}, (name,))
    elif provider == "anthropic":
        assert (added, facts.dropped) == (ANTHROPIC_WORDS[name], ())
    else:
        assert (added, facts.dropped) == ({name: VALUES[name]}, ())


@pytest.mark.parametrize("name", PASSED_ON)
async def test_the_next_target_answers_what_the_first_does_not_understand(
    name: str, web: respx.Router, make_stack: MakeStack
) -> None:
    routes = answers(web)
    stack = make_stack(target=[target("anthropic"), target("openai")], fallback={})
    facts = await ask(stack, parameters={name: VALUES[name]})
    passed_over = "anthropic" not in PARAMETERS[name].providers and name not in HINTS
    assert [route.call_count for route in routes.values()] == ([1, 0, 0] if passed_over else [0, 1, 0])
    assert facts.dropped == (() if passed_over or name in ANTHROPIC_WORDS else (name,))


async def test_a_target_that_may_not_drop_is_not_asked(web: respx.Router, make_stack: MakeStack) -> None:
    routes = answers(web)
    with pytest.raises(Rejected, match="claude-sonnet-4-5 does not take seed"):
        await ask(make_stack(target=[target("anthropic")]), parameters={"seed": 1})
    assert not routes["anthropic"].called


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5-mini-2025-08-07", "o3-mini", "o1-2024-12-17", "gpt-4o"])
async def test_a_reasoning_model_gets_max_completion_tokens_and_nothing_that_it_refuses(
    model: str, web: respx.Router, make_stack: MakeStack
) -> None:
    """mnfst/llm-gateway#1878; openai/openai-python#2104: o3-mini refuses even a temperature of 1."""
    route = answers(web)["openai"]
    stack = make_stack(
        target=[{"provider": "openai", "model": model, "unsupported": "drop"}], cost={"unknown": "estimate"}
    )
    fields: dict[str, Any] = {"max_tokens": 9, "temperature": 0.5, "top_p": 0.5}
    penalty = {"presence_penalty": 1.0}
    facts = await ask(stack, **fields, parameters=penalty)
    own = sent(route).keys() - {"model", "messages"}
    if model == "gpt-4o":
        assert (own, facts.dropped) == (fields.keys() | penalty.keys(), ())
    else:
        assert own == {"max_completion_tokens"}
        assert set(facts.dropped) == {"temperature", "top_p", "presence_penalty"}
    await ask(stack, temperature=1, top_p=1.0)
    assert sent(route).keys() >= ({"temperature", "top_p"} if model == "gpt-4o" else set())
    assert "temperature" not in sent(route) or model == "gpt-4o"


async def test_together_gets_max_tokens_whatever_its_model_is_called(
    web: respx.Router, make_stack: MakeStack
) -> None:
    route = answers(web)["together"]
    stack = make_stack(target=[{"provider": "together", "model": "gpt-5"}], cost={"unknown": "estimate"})
    await ask(stack, max_tokens=9, temperature=0.5)
    assert (sent(route)["max_tokens"], sent(route)["temperature"]) == (9, 0.5)


@pytest.mark.parametrize("own", ["mine", ""])
async def test_the_callers_own_prompt_cache_key_wins_over_the_stacks(
    own: str, web: respx.Router, make_stack: MakeStack
) -> None:
    route = answers(web)["openai"]
    stack = make_stack(target=[target("openai")], prompt_cache={})
    parameters = {"prompt_cache_key": own} if own else {}
    await ask(stack, Message("system", "Be brief."), Message("user", "Hi?"), parameters=parameters)
    assert sent(route)["prompt_cache_key"] != ""
    assert (sent(route)["prompt_cache_key"] == "mine") == bool(own)


@pytest.mark.parametrize(("provider", "known"), [("openai", True), ("together", True), ("anthropic", False)])
async def test_the_name_of_a_message_is_sent_where_it_is_understood(
    provider: str, known: bool, web: respx.Router, make_stack: MakeStack
) -> None:
    route = answers(web)[provider]
    stack = make_stack(target=[target(provider, unsupported="drop")])
    facts = await ask(stack, Message("user", "Hi?", name="ann"))
    assert ("name" in sent(route)["messages"][0]) == known
    assert facts.dropped == (() if known else ("messages.name",))


@pytest.mark.parametrize("provider", MODELS)
async def test_a_schemas_own_name_and_description_reach_the_model(
    provider: str, web: respx.Router, make_stack: MakeStack
) -> None:
    route = answers(web)[provider]
    schema = {
        "json_schema": {"type": "object"},
        "json_name": "weather",
        "json_description": "How it will be.",
    }
    await ask(make_stack(target=[target(provider)]), **schema)
    body = sent(route)
    if provider == "anthropic":
        assert "How it will be." in body["tools"][0]["description"]
    else:
        sent_schema = body["response_format"]["json_schema"]
        assert (sent_schema["name"], sent_schema["description"]) == ("weather", "How it will be.")


@pytest.mark.parametrize(
    ("own", "asks", "gets"), [("flex", "priority", "flex"), ("", "priority", "priority")]
)
async def test_a_targets_own_service_tier_wins_over_the_callers(
    own: str, asks: str, gets: str, web: respx.Router, make_stack: MakeStack
) -> None:
    """The operator pays for the tier; the caller is told that its own was dropped."""
    route = answers(web)["openai"]
    stack = make_stack(target=[target("openai", service_tier=own)])
    facts = await ask(stack, parameters={"service_tier": asks})
    assert sent(route)["service_tier"] == gets
    assert facts.dropped == (("service_tier",) if own else ())


async def test_a_library_call_may_say_what_says_nothing(web: respx.Router, make_stack: MakeStack) -> None:
    """`n` 1 and an empty bias are no reason to pass a target over; `n` 2 is."""
    route = answers(web)["anthropic"]
    stack = make_stack(target=[target("anthropic")])
    facts = await ask(stack, parameters={"n": 1, "logit_bias": {}, "seed": None})
    assert (route.call_count, facts.dropped) == (1, ())
    with pytest.raises(Rejected, match="does not take n"):
        await ask(stack, parameters={"n": 2})
