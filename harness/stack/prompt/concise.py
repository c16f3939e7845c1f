"""Concise mode: an instruction at the end of the system prompt. Output costs three to five times input."""

from collections.abc import Sequence
from dataclasses import replace

from ..core.request import Message

INSTRUCTION = "Answer concisely."


def instructed(messages: Sequence[Message], instruction: str = INSTRUCTION) -> tuple[Message, ...]:
    """The messages with the instruction, once, at the end of the last system prompt, or as a new one.

    It goes to the end so that the cacheable prefix of the prompt does not change.
    """
    at = max((nth for nth, turn in enumerate(messages) if turn.role == "system"), default=None)
    if at is None:
        return (Message("system", instruction), *messages)
    system = messages[at]
    if system.content.endswith(instruction):
        return tuple(messages)
    content = f"{system.content}\n\n{instruction}" if system.content else instruction
    return (*messages[:at], replace(system, content=content), *messages[at + 1 :])
