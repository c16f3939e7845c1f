"""The part of building a conversation that all protocols share."""

from collections.abc import Iterator
from dataclasses import replace

from ..core.call import Call
from ..core.media.media import Media
from ..core.request import Message


def pieces_of(turn: Message) -> Iterator[str | Media]:
    """The text and the media of a message in order, without empty text."""
    at = 0
    for media in turn.media:
        if text := turn.content[at : max(at, media.at)]:
            yield text
        yield media
        at = max(at, media.at)
    if text := turn.content[at:]:
        yield text


def turns_of(call: Call) -> tuple[Message, ...]:
    """The call's messages; a prefill is the last assistant turn, appended to one that is already there."""
    if not call.request.prefill:
        return call.request.messages
    last = call.request.messages[-1] if call.request.messages else None
    if last is None or last.role != "assistant" or last.tool_calls:
        return (*call.request.messages, Message("assistant", call.request.prefill))
    return (*call.request.messages[:-1], replace(last, content=last.content + call.request.prefill))
