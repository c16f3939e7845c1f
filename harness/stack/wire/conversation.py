"""The part of building a conversation that all protocols share."""

from dataclasses import replace

from ..core.call import Call
from ..core.request import Message


def turns_of(call: Call) -> tuple[Message, ...]:
    """The call's messages; a prefill is the last assistant turn, appended to one that is already there."""
    if not call.request.prefill:
        return call.request.messages
    last = call.request.messages[-1] if call.request.messages else None
    if last is None or last.role != "assistant" or last.tool_calls:
        return (*call.request.messages, Message("assistant", call.request.prefill))
    return (*call.request.messages[:-1], replace(last, content=last.content + call.request.prefill))
