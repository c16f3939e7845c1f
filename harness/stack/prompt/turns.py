"""A conversation in pieces that must stay whole.

A *round* is a user message and everything up to the next one; a *step* is an assistant message with the
results of its tool calls. Neither is ever split: a provider refuses a tool result without its call.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..core.request import Message

Messages = tuple[Message, ...]


class Conversation(NamedTuple):
    """System messages, the rounds before the last message of the user, that message, and the steps since."""

    system: Messages
    rounds: tuple[Messages, ...]
    last: Messages
    steps: tuple[Messages, ...]

    @classmethod
    def of(cls, messages: Sequence[Message]) -> "Conversation":
        """Split a conversation; messages before the first user message count as a round."""
        system = tuple(turn for turn in messages if turn.role == "system")
        turns = [turn for turn in messages if turn.role != "system"]
        begins = [nth for nth, turn in enumerate(turns) if turn.role == "user"]
        if not begins:
            return cls(system, (), (), _steps(turns))
        starts = begins if begins[0] == 0 else [0, *begins]
        rounds = tuple(tuple(turns[a:b]) for a, b in pairwise(starts))
        return cls(system, rounds, (turns[begins[-1]],), _steps(turns[begins[-1] + 1 :]))


def _steps(messages: Sequence[Message]) -> tuple[Messages, ...]:
    steps: list[list[Message]] = []
    for turn in messages:
        if turn.role == "tool" and steps:
            steps[-1].append(turn)
        else:
            steps.append([turn])
    return tuple(map(tuple, steps))


def without(messages: Sequence[Message], left_out: Sequence[Messages]) -> Messages:
    """The messages without those in `left_out`, compared by identity, in their order."""
    dropped = {id(message) for piece in left_out for message in piece}
    return tuple(message for message in messages if id(message) not in dropped)
