"""Conversation summaries: the old rounds of a session are sent as a few sentences.

Once per `every_turns` rounds, the rounds older than the latest `keep_turns` are summarised by a small model,
while the caller reads an answer, never before it: the rounds are sent whole until their summary exists. A
summary continues the previous one, so no round is summarised twice, and serves for many turns, so that the
prompt's prefix stays the same and providers can cache it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import orjson

from ..core.request import Message
from .turns import Conversation, Messages, without

HEAD = "Summary of the conversation so far:\n"
INSTRUCTION = (
    "Summarise conversations so that they can go on without their text. "
    "Keep names, numbers, decisions and open questions."
)


class Needed(NamedTuple):
    """A summary to be made: its key, and the messages that request it."""

    key: bytes
    messages: Messages


class Summaries:
    """The latest `max_entries` summaries, by the rounds that they replace."""

    def __init__(self, every_turns: int, keep_turns: int, tokens: int, max_entries: int) -> None:
        self._every_turns = every_turns
        self._keep_turns = keep_turns
        self._tokens = tokens
        self._max_entries = max_entries
        self._texts: OrderedDict[bytes, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._texts)

    def put(self, key: bytes, text: str) -> None:
        """Store a finished summary."""
        self._texts[key] = text
        if len(self._texts) > self._max_entries:
            self._texts.popitem(last=False)

    def shortened(self, messages: Messages, tenant: str = "") -> tuple[Messages, Needed | None]:
        """The messages with the longest available summary, and the summary to be made, if any."""
        rounds = Conversation.of(messages).rounds
        most = max(0, len(rounds) - self._keep_turns) // self._every_turns * self._every_turns
        have, text = self._longest(rounds, most, tenant)
        summary = [Message("user", HEAD + text)] if have else []
        needed = None
        if most > have:
            needed = Needed(_key(rounds[:most], tenant), _request(summary, rounds[have:most], self._tokens))
        if not have:
            return messages, needed
        system = tuple(turn for turn in messages if turn.role == "system")
        rest = without(messages, (system, *rounds[:have]))
        return (*system, *summary, *rest), needed

    def _longest(self, rounds: Sequence[Messages], most: int, tenant: str) -> tuple[int, str]:
        """How many of the first `most` rounds the longest summary replaces, and its text."""
        for n in range(most, 0, -self._every_turns):
            text = self._texts.get(_key(rounds[:n], tenant))
            if text is not None:
                return n, text
        return 0, ""


def _key(rounds: Sequence[Messages], tenant: str) -> bytes:
    fields = [[m.role, m.content, m.tool_calls, m.tool_call_id, *m.media] for turns in rounds for m in turns]
    return blake2b(orjson.dumps([tenant, fields]), digest_size=16).digest()


def _request(before: Sequence[Message], rounds: Sequence[Messages], tokens: int) -> Messages:
    """The messages that request the summary: the conversation, each message after its role."""
    turns = [*before, *(message for messages in rounds for message in messages)]
    text = "\n\n".join(f"{message.role}: {_text(message)}" for message in turns)
    question = f"{text}\n\nSummarise this in about {tokens} tokens."
    return Message("system", INSTRUCTION), Message("user", question)


def _text(message: Message) -> str:
    called = [f"[{call.name} {call.arguments}]" for call in message.tool_calls]
    called += [f"[{media.kind}]" for media in message.media]
    return " ".join([message.content, *called] if message.content else called)
