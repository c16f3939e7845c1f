"""Which target holds a prefix: a session goes back to where it was last read from the cache.

A provider caches for itself alone: a conversation that moves to another pays for its whole history again. So
whoever was seen to read a prefix from its cache is its home, until it has not been used for `idle_s`, or
another target reads it. A target that fails is passed over as ever, and keeps its prefixes for when it is
back.
"""

from collections import OrderedDict
from collections.abc import Sequence

from ..core.target import Target


class Homes:
    """The home of each prefix; the `max_entries` used last are remembered, at about 250 bytes each."""

    def __init__(self, idle_s: float, max_entries: int) -> None:
        self._idle_s = idle_s
        self._max_entries = max_entries
        self._homes: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._homes)

    def of(self, key: bytes, now: float) -> str | None:
        """The name of the target that holds the prefix; None if nobody is known to."""
        home, used_s = self._homes.get(key, ("", 0.0))
        if not home or now - used_s < self._idle_s:
            return home or None
        del self._homes[key]
        return None

    def put(self, key: bytes, name: str, now: float) -> None:
        """That target has read the prefix from its cache."""
        self._homes[key] = (name, now)
        self._homes.move_to_end(key)
        if len(self._homes) > self._max_entries:
            self._homes.popitem(last=False)


def home_first(targets: Sequence[Target], home: str | None) -> tuple[Target, ...]:
    """The targets in their order, but the home before the others."""
    return tuple(sorted(targets, key=lambda target: target.name != home))
