"""What every protocol does alike with a conversation before it words it."""

from dataclasses import replace

from ..core.call import Call, Message


def spoken(call: Call) -> tuple[Message, ...]:
    """The call's turns; the beginning of the reply, where one is handed on, is the assistant's last.

    It goes on from what the caller has begun the reply with, if that is how the conversation ends.
    """
    if not call.prefill:
        return call.messages
    last = call.messages[-1] if call.messages else None
    if last is None or last.role != "assistant" or last.tool_calls:
        return (*call.messages, Message("assistant", call.prefill))
    return (*call.messages[:-1], replace(last, content=last.content + call.prefill))
