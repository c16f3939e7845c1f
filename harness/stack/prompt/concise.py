"""Concise mode: an instruction that the system prompt ends with. Output costs three to five times input."""

from collections.abc import Sequence
from dataclasses import replace

from ..core.request import Message

INSTRUCTION = "Answer concisely."


def instructed(messages: Sequence[Message], instruction: str = INSTRUCTION) -> tuple[Message, ...]:
    """The messages with the instruction at the end of the last system prompt, once; without one, it is one.

    At the end, so that what providers cache of the prompt's beginning stays what it was.
    """
    at = max((nth for nth, turn in enumerate(messages) if turn.role == "system"), default=None)
    if at is None:
        return (Message("system", instruction), *messages)
    system = messages[at]
    if system.content.endswith(instruction):
        return tuple(messages)
    told = replace(system, content=f"{system.content}\n\n{instruction}" if system.content else instruction)
    return (*messages[:at], told, *messages[at + 1 :])
