"""What every protocol does alike with a conversation before it words it."""

from dataclasses import replace

from ..core.call import Call
from ..core.request import Message


def spoken(call: Call) -> tuple[Message, ...]:
    """The call's turns; the beginning of the reply, where one is handed on, is the assistant's last.

    It goes on from what the caller has begun the reply with, if that is how the conversation ends.
    """
    if not call.request.prefill:
        return call.request.messages
    last = call.request.messages[-1] if call.request.messages else None
    if last is None or last.role != "assistant" or last.tool_calls:
        return (*call.request.messages, Message("assistant", call.request.prefill))
    return (*call.request.messages[:-1], replace(last, content=last.content + call.request.prefill))
