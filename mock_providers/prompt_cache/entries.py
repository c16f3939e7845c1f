"""What a prompt cache holds: digests of prefixes, each from when to when it serves. Bounded.

An entry serves from `ready_s`, when the reply that wrote it begins, until nobody has used it for `idle_s`,
and never longer than `max_age_s`. Several calls may write one entry before it serves: it serves from the
first of their replies on. Every method takes `now`.
"""

import math
from collections import OrderedDict


class _Entry:
    __slots__ = ("ready_s", "used_s")

    def __init__(self, ready_s: float) -> None:
        self.ready_s = ready_s
        self.used_s = ready_s


class Entries:
    """At most `max_entries`, about 300 bytes each; beyond that the least recently used go first.

    What has expired goes when later entries are written, in the order of last use: each write looks at the
    oldest only, so the cost of dropping is spread over the writes (amortised constant).
    """

    def __init__(self, idle_s: float, max_age_s: float = math.inf, max_entries: int = 500_000) -> None:
        self._idle_s = idle_s
        self._max_age_s = max_age_s
        self._max_entries = max_entries
        self._by_digest: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_digest)

    def serves(self, digest: bytes, now: float, since: float) -> bool:
        """Whether the prefix can be read at `now`, when entries that were ready before `since` are lost."""
        entry = self._by_digest.get(digest)
        return entry is not None and entry.ready_s <= now and not self._gone(entry, now, since)

    def put(self, digest: bytes, now: float, since: float, ready_s: float) -> None:
        """A call received at `now` uses the prefix, or writes it with a reply that begins at `ready_s`."""
        entry = self._by_digest.get(digest)
        if entry is None or self._gone(entry, now, since):
            self._by_digest[digest] = _Entry(ready_s)
        elif entry.ready_s <= now:
            entry.used_s = max(entry.used_s, now)
        else:
            entry.ready_s = min(entry.ready_s, ready_s)
            entry.used_s = max(entry.used_s, ready_s)
        self._by_digest.move_to_end(digest)

    def drop_expired(self, now: float) -> None:
        """Forget what nobody can read any more, and what is too many."""
        while self._by_digest:
            oldest = next(iter(self._by_digest.values()))
            if len(self._by_digest) <= self._max_entries and not self._gone(oldest, now, -math.inf):
                return
            self._by_digest.popitem(last=False)

    def _gone(self, entry: _Entry, now: float, since: float) -> bool:
        expires_s = min(entry.used_s + self._idle_s, entry.ready_s + self._max_age_s)
        return entry.ready_s < since or now >= expires_s
