"""Bugs about what cached tokens and cached answers cost, and about budgets that were checked, then spent."""

import asyncio
from typing import Any

import orjson
import pytest

from harness.stack.core.call import Caller
from harness.stack.core.errors import Rejected
from harness.stack.core.reply import Usage
from harness.stack.core.request import Message
from harness.stack.money.account import Account
from harness.stack.money.price import Price
from harness.stack.state.backend import MemoryBackend
from harness.stack.wire.anthropic.codec import AnthropicCodec
from tests.lab.lab import Lab, play, prompt, target
from tests.lab.providers import NUSD
from tests.lab.received import Received

LONG = "Be brief. " * 600
"""A system prompt of 1,500 tokens: longer than what a provider's cache begins with."""
CACHING = {
    "openai": {
        "prompt_cache": {"kind": "automatic"},
        "price": {"input": "2.50", "output": "10", "cached_input": "1.25"},
    }
}
OPENAI = [target("openai")]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_prompt_read_from_the_providers_cache_is_billed_as_read_from_it(stream: bool) -> None:
    """litellm#11789: streamed cache reads were billed as full input."""

    async def scene(lab: Lab) -> None:
        lab.system = LONG
        for id in ("c1", "c2"):
            await lab.ask(id, stream=stream)
        await lab.drain()
        cold, warm = lab.attempts
        assert (cold.cached_input_tokens, warm.cached_input_tokens > 1_000) == (0, True)
        saved = warm.cached_input_tokens * NUSD["openai"][0] // 2
        assert cold.cost_nusd - warm.cost_nusd == saved > 0
        lab.assert_paid_exactly()

    play(scene, models=CACHING, target=OPENAI)


CLAUDE_USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 2_000,
    "cache_creation_input_tokens": 700,
    "cache_creation": {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 1,
}


def claude_stream() -> bytes:
    events: list[tuple[str, dict[str, Any]]] = [
        ("message_start", {"message": {"usage": CLAUDE_USAGE}}),
        ("content_block_start", {"content_block": {"type": "text", "text": ""}}),
        ("content_block_delta", {"delta": {"type": "text_delta", "text": "Hi."}}),
        ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}}),
        ("message_stop", {}),
    ]
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps({"type": name} | data))
        for name, data in events
    )


def test_tokens_read_and_written_are_counted_once_each_streamed_or_whole() -> None:
    """langfuse#12306: cached tokens were counted twice; litellm#11789: streamed, they cost full price."""
    usage = Usage(2_710, 20, 2_000, 500, 200)
    assert AnthropicCodec().decoder().feed(claude_stream())[-1].usage == usage  # type: ignore[union-attr]
    text = {"type": "text", "text": "Hi."}
    whole = {
        "content": [text],
        "stop_reason": "end_turn",
        "usage": CLAUDE_USAGE | {"output_tokens": 20},
    }
    assert AnthropicCodec().parse(orjson.dumps(whole))[-1].usage == usage  # type: ignore[union-attr]
    sonnet = Price.per_million("3", "15", "0.30", "3.75", "6")
    assert sonnet.of(usage) == 10 * 3_000 + 2_000 * 300 + 500 * 3_750 + 200 * 6_000 + 20 * 15_000


def test_a_streamed_answer_from_the_cache_tells_its_usage_and_costs_nothing() -> None:
    """litellm#42244: a streamed cache hit lost the usage's details."""

    async def scene(lab: Lab) -> None:
        lab.system = LONG
        await lab.ask("warm", tokens=30)  # another question: the provider's cache knows the beginning now
        first = (await lab.ask("c1")).finish
        messages = (Message("system", lab.system), Message("user", prompt("c1", 40)))
        async with await lab.stack.ask(lab.stack.call("c2", messages, lab.now())) as reply:
            again = (await reply.answer()).finish
        assert first.usage is not None
        assert first.usage.cached_input_tokens > 1_000
        assert again == first
        received = await lab.ask_gateway(
            Received(), "c3", max_tokens=None, stream_options={"include_usage": True}
        )
        [usage] = [orjson.loads(line[6:])["usage"] for line in received.lines if b'"prompt_tokens"' in line]
        assert usage["prompt_tokens"] == first.usage.input_tokens
        assert usage["completion_tokens"] == first.usage.output_tokens
        assert usage["prompt_tokens_details"]["cached_tokens"] == first.usage.cached_input_tokens
        await lab.drain()
        assert [facts.cache for facts in lab.facts] == ["miss", "miss", "exact", "miss"]
        assert lab.facts[2].cost_nusd == 0
        lab.assert_paid_exactly()

    play(scene, models=CACHING, target=OPENAI, cache={})


@pytest.mark.parametrize("replicas", [1, 3])
def test_calls_that_come_at_once_do_not_spend_more_than_the_budget(replicas: int) -> None:
    """litellm#34732: budgets were checked, then spent: what came in between went beyond the limit.

    litellm#40291: each replica had a limit of its own; these share what they know.
    """
    most_nusd = 50 * 10_000
    hard_nusd = 5 * (most_nusd + 200_000)

    async def scene(lab: Lab) -> None:
        async def ask(n: int) -> str:
            stack = lab.stacks[n % replicas]
            try:
                await lab.ask(f"c{n}", tokens=50, stack=stack, max_tokens=50, caller=Caller(tenant="acme"))
            except Rejected as error:
                return error.kind
            return "answered"

        outcomes = await asyncio.gather(*(ask(n) for n in range(40)))
        await lab.drain()
        assert set(outcomes) == {"answered", "rejected_budget"}
        billed = sum(row.cost_nusd for row in lab.rows)
        assert isinstance(lab.backend, MemoryBackend)
        account = lab.backend.peek("budget/month-1/acme")
        assert isinstance(account, Account)
        assert (account.reserved_nusd, account.spent_nusd) == (0, billed)
        assert hard_nusd - most_nusd - 200_000 < billed <= hard_nusd
        lab.assert_paid_exactly()

    budget = {"period": "month", "per": ["tenant"], "hard_usd": f"{hard_nusd / 10**9:.9f}"}
    play(scene, replicas=replicas, target=OPENAI, budget=[budget])


def test_a_call_that_is_left_gives_back_what_it_did_not_spend() -> None:
    """The budget's half of tensorzero#3751: a caller that hung up never returned its reservation."""

    async def scene(lab: Lab) -> None:
        for n in range(6):  # the budget reserves for one at a time
            call = asyncio.ensure_future(lab.ask(f"c{n}", tokens=50, max_tokens=50))
            await asyncio.sleep(0.1 * n)
            call.cancel()
            await asyncio.wait([call])
            assert call.cancelled()
        await lab.drain()
        assert isinstance(lab.backend, MemoryBackend)
        account = lab.backend.peek("budget/month-1")
        assert account.reserved_nusd == 0
        assert account.spent_nusd == sum(facts.cost_nusd for facts in lab.facts)
        assert (await lab.ask("last", tokens=50, max_tokens=50)).finish.reason == "stop"

    budget = {"period": "month", "hard_usd": "0.0012"}
    play(scene, target=OPENAI, budget=[budget])


def test_a_flight_that_its_leader_left_is_paid_once_from_its_leaders_budget() -> None:
    """Equal calls that wait for the first one cost nothing, and their reservations are given back."""

    async def scene(lab: Lab) -> None:
        async def ask(id: str) -> str:
            question = (Message("user", "Tell me something, in about 50 tokens."),)
            call = lab.stack.call(id, question, lab.now(), max_tokens=60)
            async with await lab.stack.ask(call) as reply:
                return (await reply.answer()).finish.reason

        leader, follower = (asyncio.ensure_future(ask(id)) for id in ("c0", "c1"))
        await asyncio.sleep(0.6)
        leader.cancel()
        assert await follower == "stop"
        await lab.drain()
        [row] = lab.rows
        assert isinstance(lab.backend, MemoryBackend)
        assert lab.backend.peek("budget/month-1") == Account(0, 0, row.cost_nusd)
        costs = {facts.call_id: facts.cost_nusd for facts in lab.facts}
        assert costs == {"c0": row.cost_nusd, "c1": 0}

    play(scene, target=OPENAI, cache={}, budget=[{"period": "month", "hard_usd": "1"}])
