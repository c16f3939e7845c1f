"""Which settings a target understands, by its provider and its model's name."""

from typing import Any

import pytest

from harness.stack.core.eligibility import unsuitable
from harness.stack.core.facts import CallFacts
from harness.stack.core.parameters import HINTS, PARAMETERS
from harness.stack.core.request import Message, Request
from harness.stack.core.support import MESSAGE_NAME, expected_tier, not_understood, reasons, refused
from harness.stack.core.target import Target
from tests.stack.calls import make_call

GPT_4O = Target("openai", "openai", "gpt-4o")
GPT_5 = Target("gpt-5", "openai", "gpt-5-mini-2025-08-07")
GPT_51 = Target("gpt-5.1", "openai", "gpt-5.1")
O1 = Target("o1", "openai", "o1")
CLAUDE = Target("claude", "anthropic", "claude-sonnet-4-5")
LLAMA = Target("llama", "together", "llama-3")
NAMED = (Message("user", "Hi", name="ann"),)

REASONING = [
    "o1",
    "o1-mini",
    "o1-2024-12-17",
    "o3",
    "o3-mini",
    "o3-mini-2025-01-31",
    "o3-pro",
    "o4-mini",
    "o4-mini-2025-04-16",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5-mini-2025-08-07",
    "gpt-5-codex",
    "gpt-5.1",
    "gpt-5.1-2025-11-13",
    "gpt-5.2-pro",
    "gpt-5.6",
    "ft:o4-mini-2025-04-16:org::id",
]
OTHERS = [
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4o-2024-08-06",
    "gpt-4.1",
    "gpt-4-turbo",
    "gpt-3.5-turbo",
    "chatgpt-4o-latest",
    "gpt-5-chat-latest",
    "gpt-50",
    "gpt-5o",
    "o200k",
    "omni-1",
    "my-o1",
    "not-gpt-5",
    "llama-o3",
    "ft:gpt-4o-mini-2024-07-18:org::id",
]


def request_with(**fields: Any) -> Request:
    return Request(**{"messages": (Message("user", "Hi"),), **fields})


@pytest.mark.parametrize("model", REASONING)
def test_a_reasoning_model_is_known_by_its_name(model: str) -> None:
    """mnfst/llm-gateway#1878."""
    assert reasons(model)


@pytest.mark.parametrize("model", OTHERS)
def test_no_other_model_is_taken_for_one(model: str) -> None:
    assert not reasons(model)


SAMPLED: list[tuple[Target, dict[str, Any], tuple[str, ...]]] = [
    (GPT_5, {"temperature": 0.5}, ("temperature",)),
    (GPT_5, {"temperature": 1.0, "top_p": 1}, ()),
    (GPT_5, {"top_p": 0.5, "stop": ("x",)}, ("top_p", "stop")),
    (GPT_5, {"parameters": {"logit_bias": {"1": 1}, "seed": 1}}, ("logit_bias",)),
    (
        GPT_5,
        {"parameters": {"presence_penalty": 1, "frequency_penalty": 1}},
        ("presence_penalty", "frequency_penalty"),
    ),
    (GPT_5, {"parameters": {"prediction": {"type": "content", "content": "x"}}}, ("prediction",)),
    (GPT_5, {"parameters": {"reasoning_effort": "low", "verbosity": "low"}}, ()),
    (GPT_51, {"temperature": 0.5}, ("temperature",)),
    (GPT_51, {"temperature": 0.5, "parameters": {"reasoning_effort": "none"}}, ()),
    (GPT_51, {"temperature": 0.5, "parameters": {"reasoning_effort": "low"}}, ("temperature",)),
    (O1, {"stop": ("x",)}, ()),
    (GPT_4O, {"temperature": 0.5, "top_p": 0.5, "stop": ("x",), "messages": NAMED}, ()),
    (LLAMA, {"temperature": 0.5, "top_p": 0.5, "stop": ("x",), "messages": NAMED}, ()),
    (CLAUDE, {"temperature": 0.5, "top_p": 0.5}, ("temperature", "top_p")),
    (CLAUDE, {"stop": ("\n",), "messages": NAMED}, ("stop", MESSAGE_NAME)),
    (CLAUDE, {"stop": ("x",)}, ()),
    (CLAUDE, {"parameters": {"user": "u", "safety_identifier": "s"}}, ("user",)),
    (CLAUDE, {"parameters": {"service_tier": "flex"}}, ("service_tier",)),
    (CLAUDE, {"parameters": {"service_tier": "default", "user": "u"}}, ()),
]


@pytest.mark.parametrize(("target", "fields", "missing"), SAMPLED)
def test_what_a_model_refuses_is_known_before_it_is_asked(
    target: Target, fields: dict[str, Any], missing: tuple[str, ...]
) -> None:
    """Sources: OpenAI's reasoning guide, openai/openai-python#2104, vercel/ai#10932 (gpt-5.1)."""
    assert not_understood(request_with(**fields), target) == missing


@pytest.mark.parametrize("name", sorted(PARAMETERS))
@pytest.mark.parametrize("target", [GPT_4O, CLAUDE, LLAMA])
def test_a_hint_is_dropped_and_a_shaping_parameter_makes_the_target_unsuitable(
    name: str, target: Target
) -> None:
    call = make_call("c1", request_with().messages, CallFacts("c1"), parameters={name: "default"})
    understood = target.provider in PARAMETERS[name].providers
    assert not_understood(call.request, target) == (() if understood else (name,))
    may_drop = Target("t", target.provider, target.model, unsupported="drop")
    assert unsuitable(call, may_drop) is None
    if understood or name in HINTS:
        assert unsuitable(call, target) is None
    else:
        assert name in (unsuitable(call, target) or "")


def test_a_parameter_that_nobody_knows_is_refused_everywhere() -> None:
    for target in (GPT_4O, CLAUDE, LLAMA):
        assert refused(request_with(parameters={"new": 1}), target) == ("new",)


def test_a_temperature_never_takes_claude_out_of_the_chain() -> None:
    """Most clients send one; the protocol has had none since 2026-10-21."""
    assert refused(request_with(temperature=0.5, top_p=0.5), CLAUDE) == ()


@pytest.mark.parametrize(
    ("own", "asks", "expected"),
    [
        ("", "", ""),
        ("flex", "", "flex"),
        ("flex", "priority", "flex"),
        ("", "fast", "priority"),
        ("", "flex", "flex"),
    ],
)
def test_money_is_reserved_for_the_tier_that_is_asked_for(own: str, asks: str, expected: str) -> None:
    target = Target("openai", "openai", "gpt-4o", service_tier=own)
    request = request_with(parameters={"service_tier": asks} if asks else {})
    assert expected_tier(request, target) == expected
    lost = ("service_tier",) if own and asks and own != asks else ()
    assert not_understood(request, target) == lost
