"""A stream that is cut at any byte and ends in any way: the answer, the cache and the bill of a whole stack.

A finished answer stays as it is, an unfinished one never looks whole, nothing unfinished, empty or filtered
is cached, and every attempt is settled once.
"""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.stack.core.errors import StackError
from harness.stack.core.reply import Delta, Finish
from harness.stack.wire.anthropic.codec import AnthropicCodec
from harness.stack.wire.codec import Codec
from harness.stack.wire.openai.codec import OpenAICodec
from tests.lab.scripted import (
    CLAUDE_START,
    CLAUDE_STOP,
    DONE,
    ENDINGS,
    USAGE,
    Script,
    ScriptedLab,
    chunk,
    claude_end,
    claude_text,
    data,
    event,
    openai_whole,
    play,
    streamed,
    whole,
)

WORDS = ("The", " answer is", " 4.")
STREAMS = {
    "openai": b"".join([*map(chunk, WORDS), chunk(None, "stop"), USAGE, DONE]),
    "anthropic": b"".join(
        [CLAUDE_START, *map(claude_text, WORDS), CLAUDE_STOP, claude_end(), event("message_stop")]
    ),
}
CODECS: dict[str, Codec] = {"openai": OpenAICodec(), "anthropic": AnthropicCodec()}
ERRORS = {
    "openai": data({"error": {"message": "The server had an error", "code": "server_error"}}),
    "anthropic": event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
}
OTHER = streamed(chunk("Other."), chunk(None, "stop"), USAGE, DONE)


@dataclass(frozen=True, slots=True)
class Cut:
    """A stream's first bytes, perhaps an error event after them, and the words and the end that they hold."""

    script: Script
    text: str
    finished: bool


@st.composite
def cuts(draw: st.DrawFn, provider: str) -> Cut:
    """Any cut of the provider's stream, with any ending."""
    stream = STREAMS[provider]
    sent = stream[: draw(st.integers(0, len(stream)))]
    decoder = CODECS[provider].decoder()
    ending = draw(st.sampled_from(ENDINGS))
    # In silence an event without its blank line is not complete: more of it may come.
    events = [*decoder.feed(sent), *([] if ending == "silence" else decoder.flush())]
    text = "".join(each.text for each in events if isinstance(each, Delta))
    finished = any(isinstance(each, Finish) for each in events) or decoder.whole() is not None
    # An error event is one only between events.
    whole_events = sent.endswith(b"\n\n") or not sent
    more = ERRORS[provider] if whole_events and draw(st.booleans()) else b""
    pieces = [sent[at : at + 40] for at in range(0, len(sent), 40)]
    return Cut(streamed(*pieces, *([more] if more else []), end=ending), text, finished)


@pytest.mark.parametrize("policy", ["continue", "restart", "fail"])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_stream_ends_with(provider: str, policy: str, draws: st.DataObject) -> None:
    cut = draws.draw(cuts(provider))
    expected = expected_text(cut, policy)

    async def scene(lab: ScriptedLab) -> None:
        if expected is None:
            with pytest.raises(StackError) as failed:
                await lab.ask()
            assert failed.value.partial == cut.text
        else:
            answer = await lab.ask()
            assert (answer.text, answer.finish.reason) == (expected, "stop")
            assert (await lab.ask("c2")).text == expected
            assert lab.facts[1].cache == "exact"
        assert all(attempt.outcome in ("success", "failed") for attempt in lab.attempts)
        for attempt in lab.attempts:
            assert attempt.usage_known or attempt.outcome == "failed" or attempt.cost_nusd > 0
        if cut.finished:
            assert len(lab.attempts) == 1

    scripts = {provider: cut.script, "together": OTHER}
    deadlines = {"first_token_s": 5, "inter_chunk_s": 5}
    play(scene, scripts, fallback={"after_first_token": policy}, cache={}, deadlines=deadlines)


def expected_text(cut: Cut, policy: str) -> str | None:
    """The caller's answer; None for an error with the words that came."""
    if cut.finished:
        return cut.text
    if policy == "restart" or not cut.text:
        return "Other."
    return cut.text + "Other." if policy == "continue" else None


NO_ANSWERS: dict[str, tuple[Script, Script, str]] = {
    "filtered at once": (
        streamed(chunk(None, "content_filter"), USAGE, DONE),
        whole(openai_whole(None, "content_filter")),
        "filtered",
    ),
    "filtered in the middle": (
        streamed(chunk("The"), chunk(None, "content_filter"), USAGE, DONE),
        whole(openai_whole("The", "content_filter")),
        "filtered",
    ),
    "refused in words": (
        streamed(data({"choices": [{"delta": {"refusal": "No."}}]}), chunk(None, "stop"), USAGE, DONE),
        whole(openai_whole(None, refusal="No.")),
        "filtered",
    ),
    "empty": (streamed(chunk(None, "stop"), USAGE, DONE), whole(openai_whole("")), "empty"),
    "blank": (streamed(chunk(" \n", "stop"), USAGE, DONE), whole(openai_whole(" \n")), "empty"),
    "all of it reasoning": (
        streamed(
            data({"choices": [{"delta": {"reasoning_content": "hm"}}]}), chunk(None, "length"), USAGE, DONE
        ),
        whole(openai_whole(None, "length", reasoning_content="hm")),
        "empty",
    ),
    "of its model's length": (
        streamed(chunk("The"), chunk(None, "length"), USAGE, DONE),
        whole(openai_whole("The", "length")),
        "success",
    ),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
@pytest.mark.parametrize("stream", [True, False])
def test_what_is_no_whole_answer_has_an_outcome_of_its_own_and_is_not_cached(name: str, stream: bool) -> None:
    """inspect_ai#4846, ontogpt#455: the exact cache served a filtered or empty answer for its whole TTL."""
    script, body, outcome = NO_ANSWERS[name]

    async def scene(lab: ScriptedLab) -> None:
        for n in range(2):
            await lab.ask(f"c{n}", stream=stream)
        assert [facts.outcome for facts in lab.facts] == [outcome] * 2
        assert [facts.cache for facts in lab.facts] == ["miss", "miss"]
        assert len(lab.attempts) == 2

    options: dict[str, Any] = {"cache": {}, "breaker": {}, "retry": {}}
    play(scene, {"openai": script if stream else body}, **options)


def test_an_answer_of_the_length_that_the_caller_set_is_whole() -> None:
    async def scene(lab: ScriptedLab) -> None:
        for n in range(2):
            assert (await lab.ask(f"c{n}", max_tokens=1)).text == "The"
        assert [facts.cache for facts in lab.facts] == ["miss", "exact"]

    play(scene, {"openai": NO_ANSWERS["of its model's length"][0]}, cache={})
