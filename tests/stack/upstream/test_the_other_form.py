"""Servers that know one form of a reply only, streams or JSON, for every call. No word is lost."""

from dataclasses import replace

import pytest

from harness.stack.core.errors import ProviderError
from harness.stack.core.reply import Delta, Finish
from harness.stack.upstream.send import events_of_body
from harness.stack.wire.openai.codec import OpenAICodec
from tests.lab.scripted import (
    DONE,
    USAGE,
    ScriptedLab,
    chunk,
    data,
    openai_whole,
    play,
    streamed,
    whole,
)

STREAM = chunk("Two ") + chunk("words.") + chunk(None, "stop") + USAGE + DONE


@pytest.mark.parametrize("content_type", ["text/event-stream", "text/plain", "application/json"])
def test_a_stream_answers_a_call_for_a_whole_reply(content_type: str) -> None:
    async def scene(lab: ScriptedLab) -> None:
        reply = (await lab.post(stream=False)).json()
        assert reply["choices"][0]["message"]["content"] == "Two words."
        assert reply["usage"]["completion_tokens"] > 0
        assert lab.path == [("primary", "openai", None)]

    play(scene, {"openai": replace(streamed(STREAM), content_type=content_type)})


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_whole_reply_answers_a_call_for_a_stream(content_type: str) -> None:
    async def scene(lab: ScriptedLab) -> None:
        assert (await lab.ask(stream=True)).text == "Two words."
        assert lab.path == [("primary", "openai", None)]

    play(scene, {"openai": replace(whole(openai_whole("Two words.")), content_type=content_type)})


def test_a_stream_in_a_body_keeps_the_rules_of_streams() -> None:
    """Whole once its finish reason is known; else cut short, or the error that it tells."""
    codec = OpenAICodec()
    events = events_of_body(codec, chunk("a") + chunk(None, "stop") + b"data: {broken\n\n")
    assert [type(event) for event in events] == [Delta, Finish]
    with pytest.raises(ProviderError, match="without"):
        events_of_body(codec, chunk("a"))
    with pytest.raises(ProviderError, match="busy"):
        events_of_body(codec, chunk("a") + data({"error": {"message": "busy"}}))
