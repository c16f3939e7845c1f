"""Over real protocols: a broken stream is continued elsewhere without a word lost or repeated."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stack.core.facts import CallFacts
from harness.stack.core.request import Message
from mock_providers import load_profile
from mock_providers.content.prose import plain_prose
from tests.lab.lab import Lab, play

PROFILE = load_profile("typical")
TARGETS = {
    "openai": {"provider": "openai", "model": "gpt-4o", "max_output_tokens": 16384},
    "anthropic": {"provider": "anthropic", "model": "claude-sonnet-4-5", "max_output_tokens": 64000},
    "together": {"provider": "together", "model": "meta-llama/Llama-3-70b-chat-hf", "context_tokens": 8192},
}
MESSAGES = (Message("system", "Be brief."), Message("user", "Explain it in about 60 tokens."))


def answered(order: Sequence[str], faults: list[dict[str, Any]], **table: Any) -> tuple[str, CallFacts]:
    """One call of about 60 tokens through a chain in this order: its text and its facts."""
    answers: list[str] = []
    facts: list[CallFacts] = []

    async def scene(lab: Lab) -> None:
        answer = await lab.ask(messages=MESSAGES, max_tokens=80)
        answers.append(answer.text)
        facts.extend(lab.facts)

    play(scene, profile=PROFILE, faults=faults, target=[TARGETS[name] for name in order], **table)
    return answers[0], facts[0]


@pytest.mark.parametrize(
    "kind", ["reset", "truncate", "stall", "malformed_json", "malformed_sse", "in_band_error"]
)
@pytest.mark.parametrize(
    "order", [("openai", "anthropic"), ("anthropic", "together"), ("together", "openai")]
)
def test_the_answer_is_complete_whatever_breaks_the_stream(kind: str, order: tuple[str, ...]) -> None:
    fault = {"kind": kind, "provider": order[0], "after_chunks": 5}
    text, facts = answered(order, [fault], fallback={})
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
    fault = {"kind": "truncate", "provider": order[0], "after_chunks": chunks}
    text, facts = answered(order, [fault], fallback={})
    assert [attempt.outcome for attempt in facts.attempts] == ["failed", "success"]
    assert 236 <= len(text) <= 240
    *words, _ = text.split(" ")
    strangers = [pair for pair in pairwise(words) if pair not in NEIGHBOURS]
    assert strangers == []
