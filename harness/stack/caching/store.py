"""The exact cache's memory: whole answers by their key, bounded in number and size, forgotten in time."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ..core.reply import Delta, Event, ToolDelta


@dataclass(frozen=True, slots=True)
class Entry:
    """A whole answer, event by event; until when it is fresh, and until when it may be served at all.

    `source` is the id of the call that it was given to.
    """

    events: tuple[Event, ...]
    fresh_until_s: float
    served_until_s: float
    chars: int
    source: str


class Found(NamedTuple):
    """An answer from memory, to the call `source`; `stale`: past its time to live, and to be made anew."""

    events: tuple[Event, ...]
    stale: bool
    source: str


class EntryStore:
    """Least-recently-used entries with a time to live. Takes `now`, pure.

    Every entry lives equally long, so they expire in the order they were written: those at the front of that
    order are dropped with each write, and what nobody asks for again does not stay.
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
        """The answer, or None if it is unknown or too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.served_until_s:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return Found(entry.events, now >= entry.fresh_until_s, entry.source)

    def put(self, key: bytes, events: tuple[Event, ...], now: float, source: str = "") -> None:
        """Keep an answer; the expired ones go, and the least recently used ones make room.

        One that is larger than all the room there is, is not kept.
        """
        self._drop_expired(now)
        self._drop(key)
        chars = _chars_of(events)
        if chars > self._max_chars:
            return
        fresh_until_s = now + self._ttl_s
        entry = Entry(events, fresh_until_s, fresh_until_s + self._stale_s, chars, source)
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
