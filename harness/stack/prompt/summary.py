"""Conversation summaries: what a session said long ago is sent as a few sentences.

Once for every `every_turns` rounds, the rounds that are older than the latest `keep_turns` are summarised by
a small model. That happens while the caller reads an answer, never before it: the rounds are sent whole until
their summary is there. A summary goes on from the one before it, so that no round is read for it twice; and
it stands for many turns, so that the prompt's beginning stays the same and providers can cache it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import orjson

from ..core.request import Message
from .turns import Conversation, Messages, without

HEAD = "Summary of the conversation so far:\n"
ASKED = (
    "Summarise conversations so that they can go on without their text. "
    "Keep names, numbers, decisions and open questions."
)


class Needed(NamedTuple):
    """A summary to be made: it will be kept under `key`, and these messages ask for it."""

    key: bytes
    messages: Messages


class Summaries:
    """The latest summaries, at most `max_entries`, by what they stand for."""

    def __init__(self, every_turns: int, keep_turns: int, tokens: int, max_entries: int) -> None:
        self._every_turns = every_turns
        self._keep_turns = keep_turns
        self._tokens = tokens
        self._max_entries = max_entries
        self._texts: OrderedDict[bytes, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._texts)

    def put(self, key: bytes, text: str) -> None:
        """A summary is made."""
        self._texts[key] = text
        if len(self._texts) > self._max_entries:
            self._texts.popitem(last=False)

    def shortened(self, messages: Messages, tenant: str = "") -> tuple[Messages, Needed | None]:
        """The messages with the longest summary there is, and the one that is to be made, if one is."""
        rounds = Conversation.of(messages).rounds
        most = max(0, len(rounds) - self._keep_turns) // self._every_turns * self._every_turns
        have, text = self._longest(rounds, most, tenant)
        said = [Message("user", HEAD + text)] if have else []
        needed = None
        if most > have:
            needed = Needed(_key(rounds[:most], tenant), _request(said, rounds[have:most], self._tokens))
        if not have:
            return messages, needed
        system = tuple(turn for turn in messages if turn.role == "system")
        rest = without(messages, (system, *rounds[:have]))
        return (*system, *said, *rest), needed

    def _longest(self, rounds: Sequence[Messages], most: int, tenant: str) -> tuple[int, str]:
        """How many of the first `most` rounds a summary stands for, and that summary."""
        for n in range(most, 0, -self._every_turns):
            text = self._texts.get(_key(rounds[:n], tenant))
            if text is not None:
                return n, text
        return 0, ""


def _key(rounds: Sequence[Messages], tenant: str) -> bytes:
    said = [[m.role, m.content, m.tool_calls, m.tool_call_id] for turns in rounds for m in turns]
    return blake2b(orjson.dumps([tenant, said]), digest_size=16).digest()


def _request(before: Sequence[Message], rounds: Sequence[Messages], tokens: int) -> Messages:
    """What asks for the summary: what was said, each message under its role."""
    said = [*before, *(message for turns in rounds for message in turns)]
    text = "\n\n".join(f"{message.role}: {_words(message)}" for message in said)
    return Message("system", ASKED), Message("user", f"{text}\n\nSummarise this in about {tokens} tokens.")


def _words(message: Message) -> str:
    called = [f"[{call.name} {call.arguments}]" for call in message.tool_calls]
    return " ".join([message.content, *called] if message.content else called)
