"""Entries of a prompt cache: digests of prefixes with their times. Bounded.

An entry is readable from `ready_s`, when the reply that wrote it begins, until it has been unused for
`idle_s`, at most for `max_age_s`. Several calls may write an entry before it is readable: the first of their
replies counts. Every method takes `now`.
"""

import math
from collections import OrderedDict


class _Entry:
    __slots__ = ("ready_s", "used_s")

    def __init__(self, ready_s: float) -> None:
        self.ready_s = ready_s
        self.used_s = ready_s


class Entries:
    """At most `max_entries` entries, about 300 bytes each; beyond it the least recently used are dropped.

    Expired entries are dropped at later writes, in the order of last use: each write looks at the oldest
    only, so dropping is amortised O(1).
    """

    def __init__(self, idle_s: float, max_age_s: float = math.inf, max_entries: int = 500_000) -> None:
        self._idle_s = idle_s
        self._max_age_s = max_age_s
        self._max_entries = max_entries
        self._by_digest: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_digest)

    def readable(self, digest: bytes, now: float, since: float) -> bool:
        """Whether the prefix can be read at `now`; entries ready before `since` are lost."""
        entry = self._by_digest.get(digest)
        return entry is not None and entry.ready_s <= now and not self._expired(entry, now, since)

    def put(self, digest: bytes, now: float, since: float, ready_s: float) -> None:
        """Refresh the prefix at `now`, or write it with a reply that begins at `ready_s`."""
        entry = self._by_digest.get(digest)
        if entry is None or self._expired(entry, now, since):
            self._by_digest[digest] = _Entry(ready_s)
        elif entry.ready_s <= now:
            entry.used_s = max(entry.used_s, now)
        else:
            entry.ready_s = min(entry.ready_s, ready_s)
            entry.used_s = max(entry.used_s, ready_s)
        self._by_digest.move_to_end(digest)

    def drop_expired(self, now: float) -> None:
        """Drop expired entries, and the oldest ones beyond `max_entries`."""
        while self._by_digest:
            oldest = next(iter(self._by_digest.values()))
            if len(self._by_digest) <= self._max_entries and not self._expired(oldest, now, -math.inf):
                return
            self._by_digest.popitem(last=False)

    def _expired(self, entry: _Entry, now: float, since: float) -> bool:
        expires_s = min(entry.used_s + self._idle_s, entry.ready_s + self._max_age_s)
        return entry.ready_s < since or now >= expires_s
