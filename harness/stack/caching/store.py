"""The exact cache's store: complete answers by key, bounded in number and size (LRU) and in age (TTL)."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ..core.reply import Delta, Event, ToolDelta


@dataclass(frozen=True, slots=True)
class Entry:
    """A complete answer: fresh until `fresh_until_s`, served stale until `served_until_s`.

    `source` is the id of the call that produced it, `dropped` are the settings that were not sent.
    """

    events: tuple[Event, ...]
    fresh_until_s: float
    served_until_s: float
    chars: int
    source: str
    dropped: tuple[str, ...] = ()


class Found(NamedTuple):
    """A stored answer, produced by the call `source`; `stale`: past its TTL and due for a refresh. `dropped`
    are the settings of the call that were not sent.
    """

    events: tuple[Event, ...]
    stale: bool
    source: str
    dropped: tuple[str, ...] = ()


class EntryStore:
    """An LRU store with a TTL. Takes `now`, pure.

    All entries have the same lifetime, so they expire in the order they were written; each write drops the
    expired ones at the front of that order, so entries that are never read again are freed, too.
    """

    def __init__(self, *, ttl_s: float, stale_s: float, max_entries: int, max_chars: int) -> None:
        self._ttl_s = ttl_s
        self._stale_s = stale_s
        self._max_entries = max_entries
        self._max_chars = max_chars
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._written: deque[tuple[float, bytes]] = deque()
        self._chars = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def chars(self) -> int:
        """Characters of all answers held."""
        return self._chars

    def get(self, key: bytes, now: float) -> Found | None:
        """The answer; None if there is none or it is too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.served_until_s:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return Found(entry.events, now >= entry.fresh_until_s, entry.source, entry.dropped)

    def put(
        self,
        key: bytes,
        events: tuple[Event, ...],
        now: float,
        source: str = "",
        dropped: tuple[str, ...] = (),
    ) -> None:
        """Store an answer, evicting expired entries, then the least recently used ones until it fits.

        An answer larger than `max_chars` is not stored.
        """
        self._drop_expired(now)
        self._drop(key)
        chars = _chars_of(events)
        if chars > self._max_chars:
            return
        fresh_until_s = now + self._ttl_s
        entry = Entry(events, fresh_until_s, fresh_until_s + self._stale_s, chars, source, dropped)
        self._entries[key] = entry
        self._chars += chars
        self._written.append((entry.served_until_s, key))
        while len(self._entries) > self._max_entries or self._chars > self._max_chars:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._chars -= entry.chars

    def _drop_expired(self, now: float) -> None:
        while self._written and self._written[0][0] <= now:
            _, key = self._written.popleft()
            entry = self._entries.get(key)
            if entry is not None and now >= entry.served_until_s:
                self._drop(key)


def _chars_of(events: Iterable[Event]) -> int:
    chars = 0
    for event in events:
        if isinstance(event, Delta):
            chars += len(event.text)
        elif isinstance(event, ToolDelta):
            chars += len(event.name) + len(event.arguments)
    return chars
