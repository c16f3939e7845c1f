"""Kind A, and signs of life: deadlines for the first token say nothing about whole replies and reasoning.

Sources: doublewordai/control-layer#1780, PostHog/posthog#73603, openclaw#113323.
"""

import asyncio
from typing import Any

import pytest

from harness.stack.core.errors import AllProvidersFailed, ProviderError
from harness.stack.state.backend import MemoryBackend
from tests.lab.lab import CHAIN, Lab, play
from tests.lab.received import Received
from tests.lab.scripted import (
    CLAUDE_START,
    DONE,
    USAGE,
    Script,
    ScriptedLab,
    chunk,
    claude_end,
    claude_text,
    data,
    event,
    openai_whole,
    streamed,
    whole,
)
from tests.lab.scripted import play as play_script

FULL: dict[str, Any] = {
    "deadlines": {"first_token_s": 10, "inter_chunk_s": 10, "total_s": 120},
    "retry": {"attempts": 2},
    "hedge": {"min_samples": 1, "max_share": 1.0},
    "breaker": {"min_samples": 1},
}


@pytest.mark.parametrize("tokens", [600, 3_000])
def test_a_whole_reply_may_take_as_long_as_its_tokens_take(tokens: int) -> None:
    """A reply of 3,000 tokens takes a minute here; the first token is due in ten seconds."""
    chain = [{**each, "timeout_s": 10, "max_output_tokens": 8_000} for each in CHAIN]
    chain[0]["limiter"] = {"rpm": 600, "tpm": 10_000_000, "adaptive": {}}

    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received(), tokens=tokens, stream=False)
        await lab.drain()
        assert received.status == 200
        assert lab.attempt_path == [("primary", "openai")]
        assert received.ended_s is not None
        assert received.ended_s > tokens * 0.02
        health = await lab.stack.health(lab.now())
        assert health["targets"]["openai"]["breaker"]["state"] == "closed"
        lab.assert_paid_exactly()
        backend = lab.backend
        assert isinstance(backend, MemoryBackend)
        assert not [key for key in backend._values if key.startswith("hedge/")]

    play(scene, target=chain, **FULL)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_whole_reply_that_never_comes_is_not_waited_for_longer_than_its_tokens_take(provider: str) -> None:
    """100 tokens at ten a second and the first token's ten seconds: then the next target is asked."""
    other = whole(openai_whole("Here."))

    async def scene(lab: ScriptedLab) -> None:
        answer = await lab.ask(stream=False, max_tokens=100)
        assert answer.text == "Here."
        assert asyncio.get_running_loop().time() == pytest.approx(20.0, abs=0.1)
        assert lab.path == [("primary", provider, "timeout_whole"), ("fallback", "together", None)]

    play_script(scene, {provider: whole({}, after_s=9_999.0), "together": other}, **table(first_token_s=10))


def table(**deadlines: float) -> dict[str, Any]:
    """A stack's tables with these deadlines."""
    return {"deadlines": deadlines}


def reasoning(provider: str, field: str, steps: int = 15, gap_s: float = 0.2) -> Script:
    """A reply that reasons `steps` times before, and again after, its first word."""
    if provider == "openai":
        step = data({"choices": [{"index": 0, "delta": {field: "hm"}, "finish_reason": None}]})
        begin, words, end = b"", (chunk("Fo"), chunk("ur.")), chunk(None, "stop") + USAGE + DONE
    else:
        kind = {"thinking_delta": {"thinking": "hm"}, "signature_delta": {"signature": "x"}}.get(field)
        step = event("ping") if kind is None else event("content_block_delta", delta={"type": field} | kind)
        begin, words = CLAUDE_START, (claude_text("Fo"), claude_text("ur."))
        end = claude_end() + event("message_stop")
    steps_of = (gap_s, step) * steps
    return streamed(begin, *steps_of, words[0], *steps_of, words[1], end)


@pytest.mark.parametrize(
    ("provider", "field"),
    [
        ("openai", "reasoning_content"),
        ("openai", "reasoning"),
        ("openai", "anything_new"),
        ("anthropic", "thinking_delta"),
        ("anthropic", "signature_delta"),
        ("anthropic", "ping"),
    ],
)
def test_any_event_is_a_sign_of_life(provider: str, field: str) -> None:
    async def scene(lab: ScriptedLab) -> None:
        answer = await lab.ask()
        assert answer.text == "Four."
        [attempt] = lab.attempts
        assert attempt.sign_s is not None
        assert attempt.first_s is not None
        assert attempt.first_s - attempt.sign_s > 2.0  # time to first word, and to first sign
        assert lab.path == [("primary", provider, None)]

    play_script(scene, {provider: reasoning(provider, field)}, **table(first_token_s=2, inter_chunk_s=1))


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_comment_is_no_sign_of_life_of_the_model(provider: str) -> None:
    """A proxy's heartbeat goes on when the model behind it is stuck."""
    script = streamed(*(0.5, b": OPENROUTER PROCESSING\n\n") * 40)

    async def scene(lab: ScriptedLab) -> None:
        with pytest.raises(ProviderError) as failed:
            await lab.ask()
        assert failed.value.kind == "timeout_first_token"
        assert asyncio.get_running_loop().time() == pytest.approx(2.0, abs=0.1)

    play_script(scene, {provider: script}, **table(first_token_s=2, inter_chunk_s=1))


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_model_that_stops_reasoning_is_given_up_after_one_gap(provider: str) -> None:
    script = reasoning(provider, "reasoning" if provider == "openai" else "thinking_delta", steps=10)
    silent = Script((*script.pieces[:21], 9_999.0), end="silence")

    async def scene(lab: ScriptedLab) -> None:
        with pytest.raises((ProviderError, AllProvidersFailed)):
            await lab.ask()
        assert asyncio.get_running_loop().time() == pytest.approx(2.0 + 1.0, abs=0.1)
        [attempt] = lab.attempts
        assert attempt.error_kind == "timeout_first_token"

    play_script(scene, {provider: silent}, **table(first_token_s=2, inter_chunk_s=1))
