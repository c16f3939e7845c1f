"""Prefix affinity: which target holds a prefix in its cache, so that a session returns to it.

Each provider caches for itself: a conversation that moves to another target pays for its whole history again.
A prefix belongs to the target that last read it from its cache, until it has not been used for `idle_s`. A
failing target is skipped by the fallback as usual and keeps its prefixes for when it recovers.
"""

from collections import OrderedDict
from collections.abc import Sequence

from ..core.target import Target


class PrefixAffinity:
    """The target that holds each prefix. An LRU map of `max_entries`, about 250 bytes each."""

    def __init__(self, idle_s: float, max_entries: int) -> None:
        self._idle_s = idle_s
        self._max_entries = max_entries
        self._holders: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._holders)

    def of(self, key: bytes, now: float) -> str | None:
        """The name of the target that holds the prefix; None if unknown or idle for too long."""
        name, used_s = self._holders.get(key, ("", 0.0))
        if not name or now - used_s < self._idle_s:
            return name or None
        del self._holders[key]
        return None

    def put(self, key: bytes, name: str, now: float) -> None:
        """Record that target `name` read the prefix from its cache."""
        self._holders[key] = (name, now)
        self._holders.move_to_end(key)
        if len(self._holders) > self._max_entries:
            self._holders.popitem(last=False)


def preferred_first(targets: Sequence[Target], preferred: str | None) -> tuple[Target, ...]:
    """The targets in their order, with the one named `preferred` moved to the front."""
    return tuple(sorted(targets, key=lambda target: target.name != preferred))
