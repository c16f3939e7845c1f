"""The semantic cache's memory: questions by partition, and their answers.

A question is compared only within its partition: exactly the same tenant, credential, model, system
prompt and history, tools, parameters and residency. Answers are bounded and expire as in the exact cache.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...core.call import Call
from ...core.reply import Answer, Event
from ..exact import Scope, cache_key
from ..store import EntryStore
from .agreement import Agreement, AnswerGroups
from .embedding.embedder import Vectors
from .evidence import FEATURES, NEIGHBOURS, Evidence, Observations
from .index import Index
from .partition import Found, Partition, Signatures

ROW_BYTES = 8


class Question(NamedTuple):
    """A question: its partition's key, its vector, and its content tokens (`gate.py`)."""

    partition: bytes
    vector: Vectors
    signature: Signatures


class Match(NamedTuple):
    """The answer of the nearest question, produced by the call `source`, and the features of the match.

    `dropped` are the settings of that call that were not sent.
    """

    events: tuple[Event, ...]
    source: str
    evidence: Evidence
    dropped: tuple[str, ...] = ()


def partition_key(call: Call, scope: Scope = "credential") -> bytes:
    """The exact cache's key without the text of the last message."""
    *history, last = call.request.messages
    return cache_key(call.with_request(messages=(*history, replace(last, content=""))), scope)


class Answers(EntryStore):
    """The exact cache's store; calls `dropped` with each key that it removes."""

    def __init__(
        self, dropped: Callable[[bytes], None], *, ttl_s: float, max_entries: int, max_chars: int
    ) -> None:
        super().__init__(ttl_s=ttl_s, stale_s=0.0, max_entries=max_entries, max_chars=max_chars)
        self._dropped = dropped

    def expire(self, now: float) -> None:
        """Drop expired answers."""
        self._drop_expired(now)

    def peek(self, key: bytes) -> tuple[Event, ...]:
        """A stored answer; not counted as a use."""
        return self._entries[key].events

    def _drop(self, key: bytes) -> None:
        if key in self._entries:
            self._dropped(key)
            super()._drop(key)


class _PartitionState(NamedTuple):
    partition: Partition
    groups: AnswerGroups


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
        self._partitions: dict[bytes, _PartitionState] = {}
        self._answers = Answers(self._forget, ttl_s=ttl_s, max_entries=max_entries, max_chars=max_chars)

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, question: Question, now: float) -> Match | None:
        """The match of the nearest question, None if the partition is empty."""
        self._answers.expire(now)
        state = self._partitions.get(question.partition)
        if state is None:
            return None
        evidence = state.partition.evidence(state.partition.search(question.vector), question.signature)
        if evidence is None:
            return None
        found = self._answers.get(_key(question.partition, evidence.row), now)
        return None if found is None else Match(found.events, found.source, evidence, found.dropped)

    def learn(
        self,
        question: Question,
        events: tuple[Event, ...],
        now: float,
        source: str,
        weight: float = 1.0,
        dropped: tuple[str, ...] = (),
    ) -> None:
        """Store the answer of the call `source`, whose question represents `weight` calls.

        An answer larger than `max_chars` is not stored.
        """
        self._answers.expire(now)
        answer = Answer.of(events)
        if len(answer.text) > self._max_chars:
            return
        state = self._partitions.get(question.partition)
        if state is None:
            state = self._partitions[question.partition] = _PartitionState(
                Partition(self._make_index()), AnswerGroups(self._agreement)
            )
        found = state.partition.search(question.vector)
        group = state.groups.add(answer, self._near(question.partition, state, found))
        row = state.partition.learn(question.vector, found, question.signature, group, weight)
        self._answers.put(_key(question.partition, row), events, now, source, dropped)

    def observations(self) -> Observations:
        """The observations of all partitions, in the order of their creation."""
        known = [state.partition.observations() for state in self._partitions.values()]
        if not known:
            return Observations(np.zeros((0, len(FEATURES))), np.zeros(0, dtype=np.bool_), np.zeros(0))
        features, right, weights = zip(*known, strict=True)
        return Observations(np.concatenate(features), np.concatenate(right), np.concatenate(weights))

    def _near(self, key: bytes, state: _PartitionState, found: Found) -> list[tuple[int, Answer]]:
        rows = map(int, found.rows[:NEIGHBOURS])
        return [(state.partition.group(row), Answer.of(self._answers.peek(_key(key, row)))) for row in rows]

    def _forget(self, key: bytes) -> None:
        partition, row = key[:-ROW_BYTES], int.from_bytes(key[-ROW_BYTES:])
        state = self._partitions[partition]
        state.groups.remove(Answer.of(self._answers.peek(key)))
        state.partition.remove(row)
        if not len(state.partition):
            del self._partitions[partition]


def _key(partition: bytes, row: int) -> bytes:
    return partition + row.to_bytes(ROW_BYTES)
