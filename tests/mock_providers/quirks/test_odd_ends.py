"""Framings, finishes that are no answer, trouble after the finish, reasoning."""

from typing import Any

import pytest

from tests.mock_providers.quirks.odd_replies import PROTOCOLS, Answered, answered

SHORT = "in about 20 tokens"
every_protocol = pytest.mark.parametrize("provider", PROTOCOLS)
both_modes = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


def framed(variant: str, provider: str) -> bytes:
    return answered(provider, {"kind": "odd_framing", "variant": variant}, prompt=SHORT).raw


def finished(variant: str, provider: str, *, stream: bool, after_chunks: int = 0) -> Answered:
    fault = {"kind": "odd_finish", "variant": variant, "after_chunks": after_chunks}
    return answered(provider, fault, stream=stream, prompt=SHORT)


def reason(reply: Answered) -> Any:
    """The last finish reason that a reply gives, in its protocol's word."""
    found = []
    for each in reply.objects:
        found += [choice["finish_reason"] for choice in each.get("choices", ())]
        found += [candidate.get("finishReason") for candidate in each.get("candidates", ())]
        found += [each.get("stop_reason"), each.get("delta", {}).get("stop_reason")]
        found.append(each.get("promptFeedback", {}).get("blockReason"))
    return [word for word in found if word][-1]


@every_protocol
def test_every_framing_is_what_its_name_says(provider: str) -> None:
    """html.spec.whatwg.org, server-sent events; openrouter.ai/docs/api-reference/streaming."""
    usual = answered(provider, prompt=SHORT).raw
    crlf, events = b"\r\n" in usual, usual.count(b"data: ")
    assert (b"\r\n" in framed("crlf", provider)) is not crlf
    assert b"data: " not in framed("no_space", provider)
    assert framed("no_space", provider).count(b"data:") == events
    assert framed("comments", provider).count(b": OPENROUTER PROCESSING\n\n") > 5
    assert usual.endswith(b"\n\r\n" if crlf else b"\n\n")
    last = framed("no_last_blank_line", provider)
    assert usual.startswith(last)
    assert last.splitlines()[-1].startswith(b"data: ")
    assert not last.endswith((b"\n\n", b"\r\n\r\n"))


def test_the_end_marker_is_missing() -> None:
    """tale#2771, opencrabs#694."""
    assert b"[DONE]" not in framed("no_end_marker", "openai")
    assert b"message_stop" not in framed("no_end_marker", "anthropic")
    assert framed("event_names", "openai").count(b"event: message\ndata: ") > 5


WORDS = {
    ("empty", "openai"): "stop",
    ("empty", "anthropic"): "end_turn",
    ("empty", "gemini"): "STOP",
    ("filtered", "openai"): "content_filter",
    ("filtered", "anthropic"): "refusal",
    ("filtered", "gemini"): "SAFETY",
    ("refused", "openai"): "stop",
    ("refused", "anthropic"): "refusal",
    ("refused", "gemini"): "PROHIBITED_CONTENT",
    ("error", "openai"): "error",
    ("error", "anthropic"): "error",
    ("error", "gemini"): "OTHER",
}


@both_modes
@pytest.mark.parametrize(("variant", "provider"), WORDS)
@pytest.mark.parametrize("after_chunks", [0, 3])
def test_a_reply_ends_well_without_being_an_answer(
    variant: str, provider: str, stream: bool, after_chunks: int
) -> None:
    """inspect_ai#4846, ontogpt#455; openrouter.ai/docs/api-reference/errors for "error"."""
    usual = answered(provider, stream=stream, prompt=SHORT)
    odd = finished(variant, provider, stream=stream, after_chunks=after_chunks)
    assert reason(odd) == WORDS[variant, provider]
    assert usual.text.startswith(odd.text)
    assert bool(odd.text) is (after_chunks > 0)
    assert len(odd.text) < len(usual.text)
    assert odd.decision.plan.answer is None
    assert odd.cost_nusd < usual.cost_nusd


@both_modes
def test_openais_refusal_is_in_a_field_of_its_own(stream: bool) -> None:
    """platform.openai.com/docs/guides/structured-outputs: refusals."""
    odd = finished("refused", "openai", stream=stream)
    said = [
        (choice.get("delta") or choice.get("message") or {}).get("refusal")
        for each in odd.objects
        for choice in each["choices"]
    ]
    assert "".join(text or "" for text in said) == "I'm sorry, but I can't help with that."


@every_protocol
def test_nothing_but_the_finish_is_said_before_the_trouble(provider: str) -> None:
    """tale#2771, opencrabs#694: after a finish reason the answer is whole."""
    odd = answered(provider, {"kind": "broken_end", "variant": "reset"}, prompt=SHORT)
    usual = answered(provider, prompt=SHORT)
    assert usual.raw.startswith(odd.raw)
    assert odd.text == usual.text
    assert reason(odd) == reason(usual)
    assert (odd.decision.plan.ends, odd.cost_nusd) == ("reset", usual.cost_nusd)
    assert b"[DONE]" not in odd.raw
    assert b"message_stop" not in odd.raw


@every_protocol
@both_modes
def test_reasoning_comes_first_and_is_billed_as_output(provider: str, stream: bool) -> None:
    """openclaw#113323: a live stream without a word for seconds."""
    fault = {"kind": "reasoning", "for_s": 3.0, "gap_s": 0.2}
    usual = answered(provider, stream=stream, prompt=SHORT)
    odd = answered(provider, fault, stream=stream, prompt=SHORT)
    assert odd.text == usual.text
    plan = odd.decision.plan
    assert plan.reasoning_tokens == 15 * 4
    assert plan.output_tokens == usual.decision.plan.output_tokens + plan.reasoning_tokens
    assert odd.cost_nusd > usual.cost_nusd
    first_word = next(piece for piece in plan.pieces if piece.block == 1)
    before = next(iter(usual.decision.plan.pieces))
    assert first_word.due_s == pytest.approx(before.due_s + 3.0)
    said = {"openai": b'"reasoning_content":"', "anthropic": b"thinking", "gemini": b'"thought":true'}
    assert said[provider] in odd.raw


def test_reasoning_has_the_field_that_openrouter_gives_it() -> None:
    odd = answered("openai", {"kind": "reasoning", "field": "reasoning"}, prompt=SHORT)
    assert b'"delta":{"reasoning":"' in odd.raw
    assert odd.objects[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 20 * 4


def test_a_thinking_block_ends_with_its_signature() -> None:
    """docs.anthropic.com/en/docs/build-with-claude/extended-thinking: `signature_delta` precedes the stop."""
    odd = answered("anthropic", {"kind": "reasoning", "for_s": 1.0}, prompt=SHORT)
    kinds = [each.get("delta", {}).get("type") or each["type"] for each in odd.objects]
    assert kinds[kinds.index("signature_delta") + 1] == "content_block_stop"
    blocks = [each["content_block"]["type"] for each in odd.objects if "content_block" in each]
    assert blocks == ["thinking", "text"]
