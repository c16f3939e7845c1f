"""The semantic cache's memory: partitions of questions, and the answers that they got.

A question is only ever compared with those of its own partition: same tenant, model, system prompt and
history, tools, parameters and residency, exactly. Answers are bounded and forgotten as the exact cache's are.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...core.call import Call
from ...core.reply import Answer, Event
from ..exact import cache_key
from ..store import EntryStore
from .agreement import Agreement, Groups
from .embedding.embedder import Vectors
from .evidence import FEATURES, NEIGHBOURS, Evidence, Observations
from .index import Index
from .partition import Found, Partition, Signatures

ROW_BYTES = 8


class Asked(NamedTuple):
    """A question: where it belongs, its vector, and the tokens that matter."""

    partition: bytes
    vector: Vectors
    signature: Signatures


class Match(NamedTuple):
    """The answer of the nearest question, which was that of the call `source`, and what speaks for it."""

    events: tuple[Event, ...]
    source: str
    evidence: Evidence


def partition_key(call: Call) -> bytes:
    """All that decides an answer, but for the text of the last message."""
    *history, last = call.request.messages
    return cache_key(call.with_request(messages=(*history, replace(last, content=""))))


class Answers(EntryStore):
    """The exact cache's store; `dropped` is told of each key that is no more."""

    def __init__(
        self, dropped: Callable[[bytes], None], *, ttl_s: float, max_entries: int, max_chars: int
    ) -> None:
        super().__init__(ttl_s=ttl_s, stale_s=0.0, max_entries=max_entries, max_chars=max_chars)
        self._dropped = dropped

    def expire(self, now: float) -> None:
        """Drop what is past its time."""
        self._drop_expired(now)

    def peek(self, key: bytes) -> tuple[Event, ...]:
        """An answer that is there, which does not count as a use of it."""
        return self._entries[key].events

    def _drop(self, key: bytes) -> None:
        if key in self._entries:
            self._dropped(key)
            super()._drop(key)


class _Room(NamedTuple):
    partition: Partition
    groups: Groups


class Memory:
    """Finds the nearest question's answer, and learns new ones. Takes `now`, pure."""

    def __init__(
        self,
        make_index: Callable[[], Index],
        agreement: Agreement,
        *,
        ttl_s: float,
        max_entries: int,
        max_chars: int,
    ) -> None:
        self._make_index = make_index
        self._agreement = agreement
        self._max_chars = max_chars
        self._rooms: dict[bytes, _Room] = {}
        self._answers = Answers(self._forget, ttl_s=ttl_s, max_entries=max_entries, max_chars=max_chars)

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, asked: Asked, now: float) -> Match | None:
        """The best match there is."""
        self._answers.expire(now)
        room = self._rooms.get(asked.partition)
        if room is None:
            return None
        evidence = room.partition.evidence(room.partition.search(asked.vector), asked.signature)
        if evidence is None:
            return None
        found = self._answers.get(_key(asked.partition, evidence.row), now)
        return None if found is None else Match(found.events, found.source, evidence)

    def learn(
        self, asked: Asked, events: tuple[Event, ...], now: float, source: str, weight: float = 1.0
    ) -> None:
        """Keep the answer to the call `source`, whose question stands for `weight` calls; nothing if there is
        no room for it.
        """
        self._answers.expire(now)
        answer = Answer.of(events)
        if len(answer.text) > self._max_chars:
            return
        room = self._rooms.get(asked.partition)
        if room is None:
            room = self._rooms[asked.partition] = _Room(
                Partition(self._make_index()), Groups(self._agreement)
            )
        found = room.partition.search(asked.vector)
        group = room.groups.join(answer, self._near(asked.partition, room, found))
        row = room.partition.learn(asked.vector, found, asked.signature, group, weight)
        self._answers.put(_key(asked.partition, row), events, now, source)

    def observations(self) -> Observations:
        """What is known of all partitions, in the order in which they came to be."""
        known = [room.partition.observations() for room in self._rooms.values()]
        if not known:
            return Observations(np.zeros((0, len(FEATURES))), np.zeros(0, dtype=np.bool_), np.zeros(0))
        features, right, weights = zip(*known, strict=True)
        return Observations(np.concatenate(features), np.concatenate(right), np.concatenate(weights))

    def _near(self, key: bytes, room: _Room, found: Found) -> list[tuple[int, Answer]]:
        rows = map(int, found.rows[:NEIGHBOURS])
        return [(room.partition.group(row), Answer.of(self._answers.peek(_key(key, row)))) for row in rows]

    def _forget(self, key: bytes) -> None:
        partition, row = key[:-ROW_BYTES], int.from_bytes(key[-ROW_BYTES:])
        room = self._rooms[partition]
        room.groups.leave(Answer.of(self._answers.peek(key)))
        room.partition.remove(row)
        if not len(room.partition):
            del self._rooms[partition]


def _key(partition: bytes, row: int) -> bytes:
    return partition + row.to_bytes(ROW_BYTES)
