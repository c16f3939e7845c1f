"""A conversation in pieces that belong together.

A *round* begins with a message of the user and has everything up to the next one; a *step* is a message of
the assistant with the results of the tools that it called. Neither is ever cut in two: a provider refuses a
result without its call.
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
        """The conversation in its pieces; a beginning by the assistant counts as a round."""
        system = tuple(turn for turn in messages if turn.role == "system")
        spoken = [turn for turn in messages if turn.role != "system"]
        begins = [nth for nth, turn in enumerate(spoken) if turn.role == "user"]
        if not begins:
            return cls(system, (), (), _steps(spoken))
        starts = begins if begins[0] == 0 else [0, *begins]
        rounds = tuple(tuple(spoken[a:b]) for a, b in pairwise(starts))
        return cls(system, rounds, (spoken[begins[-1]],), _steps(spoken[begins[-1] + 1 :]))


def _steps(messages: Sequence[Message]) -> tuple[Messages, ...]:
    steps: list[list[Message]] = []
    for turn in messages:
        if turn.role == "tool" and steps:
            steps[-1].append(turn)
        else:
            steps.append([turn])
    return tuple(map(tuple, steps))


def without(messages: Sequence[Message], left_out: Sequence[Messages]) -> Messages:
    """The messages but those in `left_out`, which are the same objects; the others stay where they are."""
    gone = {id(message) for piece in left_out for message in piece}
    return tuple(message for message in messages if id(message) not in gone)
