"""Kind B: an answer is whole once its finish reason is known, whatever the provider does then.

Sources: tale#2771, opencrabs#694. Before, such an answer was "continued" by the next provider into nonsense,
thrown away and paid twice, or reported as an error.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from harness.stack.core.errors import ProviderError
from tests.lab.scripted import (
    CLAUDE_START,
    CLAUDE_STOP,
    DONE,
    USAGE,
    Ending,
    Script,
    ScriptedLab,
    chunk,
    claude_end,
    claude_text,
    data,
    event,
    play,
    streamed,
)

WORDS = (chunk("The answer"), chunk(" is 4."))
FINISHED = (*WORDS, chunk(None, "stop"))
OTHER = streamed(chunk(" No wait, it is 5."), chunk(None, "stop"), USAGE, DONE)
CLAUDE_WORDS = (CLAUDE_START, claude_text("The answer"), claude_text(" is 4."))
CLAUDE_OTHER = streamed(
    CLAUDE_START, claude_text(" No wait."), CLAUDE_STOP, claude_end(), event("message_stop")
)
POLICIES = ("continue", "restart", "fail")

OPENAI_TROUBLE = {
    "reset": streamed(*FINISHED, end="rst"),
    "silence": streamed(*FINISHED, end="silence"),
    "end without [DONE]": streamed(*FINISHED),
    "error event": streamed(*FINISHED, data({"error": {"message": "overloaded"}}), DONE),
    "error event of the server": streamed(*FINISHED, b'event: error\ndata: {"error": "gone"}\n\n'),
    "garbage": streamed(*FINISHED, data(b"oops")),
    "a line of no field": streamed(*FINISHED, b"oops\n\n"),
    "odd usage": streamed(*FINISHED, data({"choices": None, "usage": {"prompt_tokens": "many"}}), DONE),
    "usage without choices, then a reset": streamed(*FINISHED, data({"usage": None}), end="rst"),
    "[DONE] without its blank line": streamed(*FINISHED, b"data: [DONE]"),
    "a finish chunk without its blank line": streamed(*WORDS, chunk(None, "stop").rstrip()),
    "words and finish in one chunk, then a reset": streamed(chunk("The answer is 4.", "stop"), end="rst"),
}
ANTHROPIC_TROUBLE = {
    "reset": streamed(*CLAUDE_WORDS, CLAUDE_STOP, claude_end(), end="rst"),
    "silence": streamed(*CLAUDE_WORDS, CLAUDE_STOP, claude_end(), end="silence"),
    "end without message_stop": streamed(*CLAUDE_WORDS, CLAUDE_STOP, claude_end()),
    "error event": streamed(
        *CLAUDE_WORDS, CLAUDE_STOP, claude_end(), event("error", error={"type": "overloaded_error"})
    ),
    "no content_block_stop": streamed(*CLAUDE_WORDS, claude_end(), end="rst"),
    "message_stop without its blank line": streamed(
        *CLAUDE_WORDS, CLAUDE_STOP, claude_end(), event("message_stop").rstrip()
    ),
}
TROUBLE = [("openai", name, script) for name, script in OPENAI_TROUBLE.items()] + [
    ("anthropic", name, script) for name, script in ANTHROPIC_TROUBLE.items()
]
IDS = [f"{provider}: {name}" for provider, name, _ in TROUBLE]


def chain(provider: str, script: Script) -> Mapping[str, Script]:
    """The troubled provider, and one that would say something else."""
    other = {"anthropic": CLAUDE_OTHER} if provider == "openai" else {"openai": OTHER}
    return {provider: script, **other}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("provider", "name", "script"), TROUBLE, ids=IDS)
def test_an_answer_whose_finish_reason_is_known_stays_as_it_is(
    provider: str, name: str, script: Script, policy: str
) -> None:
    async def scene(lab: ScriptedLab) -> None:
        answer = await lab.ask()
        assert (answer.text, answer.finish.reason) == ("The answer is 4.", "stop")
        assert lab.path == [("primary", provider, None)]
        [attempt] = lab.attempts
        assert (attempt.outcome, attempt.usage_known) == ("success", answer.finish.usage is not None)
        assert attempt.cost_nusd > 0
        again = await lab.ask("c2")
        assert (again.text, lab.facts[1].cache) == ("The answer is 4.", "exact")

    play(scene, chain(provider, script), fallback={"after_first_token": policy}, cache={}, retry={})


@pytest.mark.parametrize("end", ["fin", "rst", "silence"])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_an_answer_without_a_finish_reason_never_looks_whole(provider: str, end: Ending) -> None:
    words = WORDS if provider == "openai" else CLAUDE_WORDS

    async def scene(lab: ScriptedLab) -> None:
        with pytest.raises(ProviderError) as failed:
            await lab.ask()
        assert failed.value.partial == "The answer is 4."
        assert failed.value.kind in ("truncated", "connection", "timeout_inter_chunk")
        response = await lab.post(stream=True)
        assert "data: [DONE]" not in response.text
        assert '"finish_reason":"stop"' not in response.text

    scripts = {provider: streamed(*words, end=end)}
    play(scene, scripts, fallback={"after_first_token": "fail"}, deadlines={"inter_chunk_s": 3})


@pytest.mark.parametrize("deadline", [1.0, 60.0])
def test_silence_after_the_finish_costs_two_seconds_and_never_the_callers_deadline(deadline: float) -> None:
    """The wait for the usage is bounded, by half of the time that is left to the call."""

    async def scene(lab: ScriptedLab) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = await lab.ask()
        assert answer.text == "The answer is 4."
        assert loop.time() - began == pytest.approx(min(2.0, deadline / 2), abs=0.02)

    play(scene, {"openai": streamed(*FINISHED, end="silence")}, deadlines={"total_s": deadline})


USAGES: list[tuple[dict[str, Any], bool]] = [
    ({"prompt_tokens": 9, "completion_tokens": 5}, True),
    ({"prompt_tokens": 9.0, "completion_tokens": "5"}, True),
    ({"prompt_tokens": 0, "completion_tokens": 0}, False),
    ({"prompt_tokens": 9, "completion_tokens": 0}, False),
    ({"prompt_tokens": -9, "completion_tokens": 5}, False),
    ({"prompt_tokens": 9, "completion_tokens": None}, False),
    ({"prompt_tokens": 9, "completion_tokens": 10**15}, False),
    ({"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 99}}, False),
    ({"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": None}, True),
    (
        {"prompt_tokens": 9, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": {}}},
        True,
    ),
]


@pytest.mark.parametrize(("usage", "known"), USAGES)
def test_usage_that_cannot_be_true_is_estimated_and_marked(usage: dict[str, Any], known: bool) -> None:
    """stripe/ai#519, litellm#31759: zeros were booked as a known, free call."""

    async def scene(lab: ScriptedLab) -> None:
        await lab.ask()
        [attempt] = lab.attempts
        assert attempt.usage_known is known
        assert attempt.cost_nusd > 0
        if known:
            assert (attempt.input_tokens, attempt.output_tokens) == (9, 5)

    play(scene, {"openai": streamed(*FINISHED, data({"choices": [], "usage": usage}), DONE)})


def test_the_latest_count_of_each_field_is_the_one_billed() -> None:
    """stripe/ai#519: message_start says 0 in; message_delta counts all of it, 5,000 of it cached."""
    start = event("message_start", message={"content": [], "usage": {"input_tokens": 0, "output_tokens": 0}})
    late: dict[str, Any] = {
        "input_tokens": 10_682,
        "cache_read_input_tokens": 5_000,
        "cache_creation_input_tokens": None,
    }
    script = streamed(start, claude_text("Four."), claude_end(**late), event("message_stop"))

    async def scene(lab: ScriptedLab) -> None:
        await lab.ask()
        [attempt] = lab.attempts
        counts = (attempt.input_tokens, attempt.cached_input_tokens, attempt.output_tokens)
        assert (attempt.usage_known, counts) == (True, (15_682, 5_000, 5))

    play(scene, {"anthropic": script})
