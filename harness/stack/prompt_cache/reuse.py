"""How often a prefix is reused while a provider still caches it: measured, not assumed.

A provider keeps a prefix for `life_s` after each use. The estimate is the share of recent uses of prefixes of
one kind that came within `life_s` of the previous use, smoothed by a prior. Old uses count for less: at
`2 * window` uses, both counts are halved.
"""

from collections import OrderedDict


class Reuse:
    """The share of uses that found the same prefix used within the last `life_s` seconds.

    The prior counts as `weight` uses; the `max_entries` prefixes seen last are remembered, at about 200 bytes
    each.
    """

    def __init__(
        self,
        life_s: float,
        prior: float,
        weight: float = 4.0,
        window: float = 500.0,
        max_entries: int = 20_000,
    ) -> None:
        self._life_s = life_s
        self._prior = prior
        self._weight = weight
        self._window = window
        self._max_entries = max_entries
        self._last_s: OrderedDict[bytes, float] = OrderedDict()
        self._seen = 0.0
        self._found = 0.0

    def __len__(self) -> int:
        return len(self._last_s)

    @property
    def share(self) -> float:
        """The estimated chance that the next use finds the prefix cached."""
        return (self._found + self._prior * self._weight) / (self._seen + self._weight)

    def see(self, key: bytes, now: float) -> None:
        """Count a call with that prefix."""
        self.found(key, now)
        self._last_s[key] = now
        self._seen += 1
        if len(self._last_s) > self._max_entries:
            self._last_s.popitem(last=False)
        if self._seen >= 2 * self._window:
            self._seen, self._found = self._seen / 2, self._found / 2

    def found(self, key: bytes, now: float) -> None:
        """Count a reuse by a call that is itself counted elsewhere; the prefix is forgotten here."""
        last_s = self._last_s.pop(key, None)
        if last_s is not None and now - last_s < self._life_s:
            self._found += 1


class Reuses:
    """`Reuse` for both lifetimes of an entry in Anthropic's cache: five minutes and an hour."""

    def __init__(self, prior: float) -> None:
        self._by_life = (Reuse(300.0, prior), Reuse(3600.0, prior))

    @property
    def shares(self) -> tuple[float, float]:
        """The shares for five minutes and for an hour."""
        five_minutes, hour = self._by_life
        return five_minutes.share, hour.share

    def see(self, key: bytes, now: float) -> None:
        """Count a call with that prefix."""
        for reuse in self._by_life:
            reuse.see(key, now)

    def found(self, key: bytes, now: float) -> None:
        """Count a reuse by a call that is itself counted elsewhere."""
        for reuse in self._by_life:
            reuse.found(key, now)
