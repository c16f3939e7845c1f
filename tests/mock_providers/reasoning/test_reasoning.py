"""Models that reason: tokens drawn, billed and counted apart, shown as each protocol shows them."""

import asyncio
import json
from typing import Any

import pytest

from mock_providers import MockApp, Profile, make_profile
from mock_providers.content.reasoning import Reasoning, is_shown, thought_tokens
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.request import Request, Thinking
from mock_providers.ledger.row import LedgerRow

JSON = dict[str, Any]
PRICE = {"input": "1", "output": "10"}
MODEL: JSON = {
    "tier": "powerful",
    "price": PRICE,
    "ttft": {"kind": "constant", "value_s": 0.0},
    "pace": {"tokens_per_s": float("inf")},
    "accuracy": {"easy": 1.0, "medium": 1.0, "hard": 1.0},
    "context_window": 100_000,
    "max_output_tokens": 20_000,
}
THINKS: JSON = {**MODEL, "reasoning": {"mu": 4.0, "sigma": 0.5}}
PROFILE = make_profile(
    {
        "name": "p",
        "title": "p",
        "providers": {
            "openai": {"protocol": "openai", "models": {"gpt-5": THINKS, "gpt-4o": MODEL}},
            "together": {"protocol": "together", "models": {"deepseek-r1": THINKS}},
            "anthropic": {"protocol": "anthropic", "models": {"claude-sonnet-4-5": MODEL}},
            "gemini": {"protocol": "gemini", "models": {"gemini-2.5-flash": MODEL}},
        },
    }
)
WORDS = "Hello, in about 20 tokens"
HEADERS = [(b"authorization", b"Bearer k"), (b"anthropic-version", b"2026-10-21"), (b"x-goog-api-key", b"k")]


async def post(
    provider: str, path: str, body: JSON, profile: Profile = PROFILE
) -> tuple[int, bytes, LedgerRow]:
    app, sent = MockApp(profile, seed=1), list[Any]()

    bodies = [json.dumps(body).encode()]

    async def receive() -> JSON:
        if not bodies:
            await asyncio.Event().wait()  # the client stays
        return {"type": "http.request", "body": bodies.pop(), "more_body": False}

    async def send(part: Any) -> None:
        sent.append(part)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": HEADERS}
    await app.provider(provider)(scope, receive, send)
    return sent[0]["status"], b"".join(part.get("body", b"") for part in sent), app.ledger.rows[-1]


async def chat(model: str, provider: str = "openai", **more: Any) -> tuple[JSON, LedgerRow]:
    body = {"model": model, "messages": [{"role": "user", "content": WORDS}], **more}
    status, raw, row = await post(provider, "/v1/chat/completions", body)
    assert status == 200, raw
    return json.loads(raw), row


async def streamed(model: str, provider: str = "openai", **more: Any) -> list[JSON]:
    body = {"model": model, "messages": [{"role": "user", "content": WORDS}], "stream": True, **more}
    _, raw, _ = await post(provider, "/v1/chat/completions", body)
    lines = [line[6:] for line in raw.decode().splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


async def test_openai_hides_its_reasoning_and_bills_it() -> None:
    reply, row = await chat("gpt-5")
    usage = reply["usage"]
    thought = usage["completion_tokens_details"]["reasoning_tokens"]
    assert thought > 10
    assert usage["completion_tokens"] == thought + 20 == row.output_tokens
    assert row.cost_nusd == usage["prompt_tokens"] * 1000 + usage["completion_tokens"] * 10_000
    assert "reasoning_content" not in reply["choices"][0]["message"]
    chunks = await streamed("gpt-5", stream_options={"include_usage": True})
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert deltas[0]["role"] == "assistant"
    assert all(set(delta) <= {"role", "content", "refusal"} for delta in deltas)
    assert chunks[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] == thought


async def test_open_weights_show_theirs_in_a_field_of_its_own() -> None:
    reply, _ = await chat("deepseek-r1", "together")
    message = reply["choices"][0]["message"]
    chunks = await streamed("deepseek-r1", "together")
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == message["reasoning_content"]
    assert "".join(delta.get("content") or "" for delta in deltas) == message["content"]
    kinds = [
        "reasoning_content" in delta
        for delta in deltas
        if delta.get("content") or "reasoning_content" in delta
    ]
    assert kinds == sorted(kinds, reverse=True), "all reasoning before all words"


@pytest.mark.parametrize(("model", "provider"), [("gpt-5", "openai"), ("deepseek-r1", "together")])
async def test_the_ledgers_first_moment_is_that_of_the_first_word(model: str, provider: str) -> None:
    paced = {**THINKS, "pace": {"tokens_per_s": 4000.0}}
    profile = make_profile(
        {"name": "p", "title": "p", "providers": {provider: {"protocol": provider, "models": {model: paced}}}}
    )
    body = {"model": model, "messages": [{"role": "user", "content": WORDS}], "stream": True}
    _, _, row = await post(provider, "/v1/chat/completions", body, profile)
    assert row.first_scheduled_s is not None
    assert row.first_sent_s is not None
    assert row.first_sent_s >= row.first_scheduled_s > row.received_s + 10 / 4000


async def test_more_effort_is_more_reasoning_and_none_is_none() -> None:
    counts = []
    for effort in ("none", "minimal", "low", "medium", "high", "xhigh"):
        reply, _ = await chat("gpt-5", reasoning_effort=effort)
        counts.append(reply["usage"]["completion_tokens_details"]["reasoning_tokens"])
    assert counts[0] == 0
    assert counts == sorted(counts)
    reply, _ = await chat("gpt-4o", reasoning_effort="high")
    assert reply["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0, "no reasoning model"


async def test_a_limit_that_the_reasoning_uses_up_leaves_no_words() -> None:
    reply, row = await chat("gpt-5", max_completion_tokens=5)
    choice = reply["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"] or "") == ("length", "")
    assert row.output_tokens == reply["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5


async def messages(**more: Any) -> tuple[int, JSON]:
    body = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 20_000,
        "messages": [{"role": "user", "content": WORDS}],
        **more,
    }
    status, raw, _ = await post("anthropic", "/v1/messages", body)
    return status, json.loads(raw)


@pytest.mark.parametrize("thinking", [{"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}])
async def test_anthropic_thinks_when_asked_and_signs_it(thinking: JSON) -> None:
    status, reply = await messages(thinking=thinking)
    assert status == 200, reply
    first, second = reply["content"]
    assert (first["type"], second["type"]) == ("thinking", "text")
    assert first["thinking"]
    assert first["signature"]
    assert 20 < reply["usage"]["output_tokens"] <= (1044 if "budget_tokens" in thinking else 20_000)
    _, hidden = await messages(thinking={**thinking, "display": "omitted"})
    assert (hidden["content"][0]["thinking"], hidden["content"][0]["type"]) == ("", "thinking")
    for off in ({}, {"thinking": {"type": "disabled"}}):
        _, plain = await messages(**off)
        assert [block["type"] for block in plain["content"]] == ["text"]


async def test_anthropic_streams_thinking_its_signature_and_then_words() -> None:
    for most in (20_000, 1030):  # the second ends within the words or the thinking
        body = {
            "model": "claude-sonnet-4-5",
            "max_tokens": most,
            "stream": True,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "messages": [{"role": "user", "content": WORDS}],
        }
        _, raw, _ = await post("anthropic", "/v1/messages", body)
        events = [json.loads(line[6:]) for line in raw.decode().splitlines() if line.startswith("data: ")]
        deltas = [event["delta"]["type"] for event in events if event["type"] == "content_block_delta"]
        first_block = deltas[: deltas.index("signature_delta") + 1]
        assert set(first_block[:-1]) == {"thinking_delta"}
        assert set(deltas[len(first_block) :]) <= {"text_delta"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 100}}, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens: Field required"),
        (
            {"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 2000}},
            "must be greater than",
        ),
        (
            {
                "thinking": {"type": "adaptive"},
                "tools": [{"name": "a", "input_schema": {"type": "object"}}],
                "tool_choice": {"type": "any"},
            },
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
    ],
)
async def test_anthropic_refuses_thinking_that_cannot_be(more: JSON, words: str) -> None:
    status, reply = await messages(**more)
    assert status == 400
    assert words in reply["error"]["message"]


@pytest.mark.parametrize(
    ("config", "thinks", "shown"),
    [
        ({}, False, False),
        ({"thinkingBudget": 0}, False, False),
        ({"thinkingBudget": 128}, True, False),
        ({"thinkingBudget": -1, "includeThoughts": True}, True, True),
        ({"thinkingLevel": "low", "includeThoughts": True}, True, True),
    ],
)
async def test_gemini_counts_thoughts_apart_and_shows_them_when_asked(
    config: JSON, thinks: bool, shown: bool
) -> None:
    body = {"contents": [{"parts": [{"text": WORDS}]}], "generationConfig": {"thinkingConfig": config}}
    for method in ("generateContent", "streamGenerateContent"):
        _, raw, _ = await post("gemini", f"/v1beta/models/gemini-2.5-flash:{method}", body)
        read = json.loads(raw)
        replies = read if isinstance(read, list) else [read]
        usage = replies[-1]["usageMetadata"]
        assert (usage.get("thoughtsTokenCount", 0) > 0) == thinks
        assert usage["candidatesTokenCount"] == 20
        assert usage["totalTokenCount"] == usage["promptTokenCount"] + 20 + usage.get("thoughtsTokenCount", 0)
        parts = [part for reply in replies for part in reply["candidates"][0]["content"]["parts"]]
        assert any(part.get("thought") for part in parts) == shown


def test_the_length_is_drawn_from_the_requests_identity() -> None:
    request, options = Request("gpt-5", (), "d"), Reasoning(mu=6.0, sigma=0.5)
    drawn = [thought_tokens(request, options, "gpt-5", Draws(seed)) for seed in range(200)]
    assert drawn == [thought_tokens(request, options, "gpt-5", Draws(seed)) for seed in range(200)]
    assert 350 < sorted(drawn)[100] < 460  # the median of lognormal(6, 0.5) is 403
    bounded = Request("gpt-5", (), "d", thinking=Thinking("high", 50))
    assert {thought_tokens(bounded, options, "gpt-5", Draws(seed)) for seed in range(9)} == {50}
    assert not is_shown(request, options, "gpt-5")
    assert is_shown(request, options, "deepseek-r1")
