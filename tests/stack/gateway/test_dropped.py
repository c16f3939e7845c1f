"""A client of the gateway: its parameters reach the provider, and it is told which were left out."""

import asyncio
from typing import Any

import openai
import orjson
import pytest

from harness.stack.core.facts import CallFacts
from tests.lab.lab import CHAIN, Lab, play, target
from tests.lab.received import Received

HINTS: dict[str, Any] = {"user": "u1", "metadata": {"team": "a"}, "store": True, "safety_identifier": "s1"}


def facts_of(lab: Lab) -> CallFacts:
    [facts] = lab.facts
    return facts


def test_the_official_sdk_may_say_everything_that_openai_understands() -> None:
    async def scene(lab: Lab) -> None:
        async with lab.sdk() as client:
            raw = await client.chat.completions.with_raw_response.create(
                model="any",
                messages=[{"role": "user", "content": "Hi, in about 20 tokens.", "name": "ann"}],
                seed=7,
                user="u1",
                metadata={"team": "a"},
                reasoning_effort="low",
                verbosity="low",
                logit_bias={"1": -100},
                presence_penalty=0.5,
                service_tier="flex",
                prompt_cache_key="mine",
            )
        assert raw.headers["x-brownout-provider"] == "openai"
        assert "x-brownout-dropped" not in raw.headers
        assert raw.parse().choices[0].message.content

    play(scene)


def test_two_seeds_get_two_answers_and_each_its_own_again() -> None:
    """litellm#894: `seed` 1 and `seed` 2 at temperature 1 got one answer."""

    async def scene(lab: Lab) -> None:
        async with lab.sdk() as client:
            texts, caches = [], []
            for seed in (1, 2, 1, 2):
                raw = await client.chat.completions.with_raw_response.create(
                    model="any",
                    messages=[{"role": "user", "content": "Hi, in about 20 tokens."}],
                    seed=seed,
                    temperature=1,
                )
                texts.append(raw.parse().choices[0].message.content)
                caches.append(raw.headers["x-brownout-cache"])
        assert caches == ["miss", "miss", "exact", "exact"]
        assert texts[0] != texts[1]
        assert texts[2:] == texts[:2]

    play(scene, cache={})


@pytest.mark.parametrize("stream", [True, False])
def test_hints_that_the_answering_target_does_not_understand_are_named(stream: bool) -> None:
    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), stream=stream, **HINTS)
        assert received.headers is not None
        assert received.headers["x-brownout-provider"] == "anthropic"
        assert set(received.headers["x-brownout-dropped"].split(", ")) == {"user", "metadata", "store"}
        assert set(facts_of(lab).dropped) == {"user", "metadata", "store"}
        if stream:
            [comment] = [line for line in received.lines if line.startswith(b": brownout ")]
            assert orjson.loads(comment[11:])["dropped"] == ", ".join(facts_of(lab).dropped)

    play(scene, target=[target("anthropic")])


def test_a_seed_keeps_the_fallback_from_a_target_that_has_none() -> None:
    """Anthropic would answer, but not what was asked for."""

    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), seed=7)
        assert received.headers is not None
        assert received.headers["x-brownout-provider"] == "together"
        assert [attempt.provider for attempt in facts_of(lab).attempts] == ["openai", "together"]

    play(scene, faults=[{"kind": "outage", "provider": "openai"}])


def test_a_target_that_may_drop_the_seed_answers_and_says_so() -> None:
    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), seed=7)
        assert received.headers is not None
        assert received.headers["x-brownout-provider"] == "anthropic"
        assert received.headers["x-brownout-dropped"] == "seed"

    chain = [CHAIN[0], {**target("anthropic"), "unsupported": "drop"}]
    play(scene, target=chain, faults=[{"kind": "outage", "provider": "openai"}])


@pytest.mark.parametrize(
    "table",
    [{"cache": {}}, {"semantic_cache": {"policy": "plain", "threshold": 0.5, "audit_share": 0.0}}],
)
@pytest.mark.parametrize("together", [True, False])
def test_who_shares_an_answer_is_told_what_was_dropped_when_it_was_made(
    table: dict[str, Any], together: bool
) -> None:
    """But not of the hints of another caller."""

    async def scene(lab: Lab) -> None:
        asked = [
            lab.client.post(
                f"{lab.gateway}/v1/chat/completions",
                json={"model": "any", "messages": [{"role": "user", "content": "Hi?"}], "seed": 7, **more},
            )
            for more in ({"store": True}, {})
        ]
        replies = await asyncio.gather(*asked) if together else [await each for each in asked]
        dropped = [reply.headers["x-brownout-dropped"] for reply in replies]
        if table == {"cache": {}}:
            assert replies[1].headers["x-brownout-cache"] == ("coalesced" if together else "exact")
        assert dropped == ["seed, store", "seed"]

    play(scene, target=[{**target("anthropic"), "unsupported": "drop"}], **table)


def test_a_parameter_that_no_target_understands_is_the_clients_mistake_by_name() -> None:
    async def scene(lab: Lab) -> None:
        async with lab.sdk(max_retries=0) as client:
            with pytest.raises(openai.BadRequestError, match="does not take seed"):
                await client.chat.completions.create(
                    model="any", messages=[{"role": "user", "content": "Hi."}], seed=7
                )

    play(scene, target=[target("anthropic")])
