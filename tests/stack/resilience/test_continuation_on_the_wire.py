"""Over real protocols: a broken stream is continued elsewhere without a word lost or repeated."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.core.facts import CallFacts
from harness.stack.core.request import Message
from harness.stack.upstream.send import Endpoint
from harness.virtual import run_virtual
from harness.world.serving import serve
from mock_providers import MockApp, load_profile, parse_faults
from mock_providers.content.prose import plain_prose

PROFILE = load_profile("page")
TARGETS = {
    "openai": {"provider": "openai", "model": "gpt-4o", "max_output_tokens": 16384},
    "anthropic": {"provider": "anthropic", "model": "claude-sonnet-4-5", "max_output_tokens": 64000},
    "together": {"provider": "together", "model": "meta-llama/Llama-3-70b-chat-hf", "context_tokens": 8192},
}
ASK = "Explain it in about {} tokens."


def answered(
    order: tuple[str, ...], faults: list[dict[str, Any]], tokens: int = 60, **table: Any
) -> tuple[str, CallFacts, MockApp]:
    """One call through a chain over the mock providers in virtual time: text, facts, and the app."""
    options = StackOptions.model_validate({"target": [TARGETS[name] for name in order], **table})

    async def scenario() -> tuple[str, CallFacts, MockApp]:
        app = MockApp(PROFILE, seed=3)
        app.set_faults(parse_faults(faults, PROFILE))
        told: list[CallFacts] = []
        endpoints = {}
        opened = []
        for name in PROFILE.providers:
            server = serve(app.provider(name), cut=app.hang_up)
            origin = await server.__aenter__()
            opened.append(server)
            endpoints[name] = Endpoint(f"{origin}{'' if name == 'anthropic' else '/v1'}", "sk-x")
        stack = build(options, endpoints, sink=told.append)
        app.start(asyncio.get_running_loop().time())
        messages = (Message("system", "Be brief."), Message("user", ASK.format(tokens)))
        call = stack.call("c1", messages, asyncio.get_running_loop().time(), max_tokens=tokens + 20)
        async with await stack.ask(call) as reply:
            text, _ = await reply.text()
        await stack.aclose()
        for server in opened:
            await server.__aexit__(None, None, None)
        return text, told[0], app

    return run_virtual(scenario())


@pytest.mark.parametrize(
    "kind", ["reset", "truncate", "stall", "malformed_json", "malformed_sse", "in_band_error"]
)
@pytest.mark.parametrize(
    "order", [("openai", "anthropic"), ("anthropic", "together"), ("together", "openai")]
)
def test_the_answer_is_complete_whatever_breaks_the_stream(kind: str, order: tuple[str, ...]) -> None:
    fault = {"kind": kind, "provider": order[0], "after_chunks": 5}
    text, facts, _ = answered(order, [fault], fallback={})
    assert [(a.provider, a.kind, a.outcome) for a in facts.attempts] == [
        (order[0], "primary", "failed"),
        (order[1], "continue", "success"),
    ]
    assert text.endswith(".")
    assert "  " not in text
    assert 236 <= len(text) <= 240


WORDS = plain_prose().slice(0, 1 << 16).split()
NEIGHBOURS = frozenset(pairwise([*WORDS, WORDS[0]]))


@settings(max_examples=40)
@given(chunks=st.integers(1, 20), order=st.permutations(["openai", "anthropic", "together"]))
def test_no_word_is_lost_or_repeated_wherever_the_seam_is(chunks: int, order: list[str]) -> None:
    chain = (order[0], order[1], order[2])
    fault = {"kind": "truncate", "provider": chain[0], "after_chunks": chunks}
    text, facts, _ = answered(chain, [fault], fallback={})
    assert [attempt.outcome for attempt in facts.attempts] == ["failed", "success"]
    assert 236 <= len(text) <= 240
    *words, _ = text.split(" ")
    strangers = [pair for pair in pairwise(words) if pair not in NEIGHBOURS]
    assert strangers == []
