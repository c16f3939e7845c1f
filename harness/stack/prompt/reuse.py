"""How often a prefix is used again while a provider still holds it: counted, not guessed.

A provider keeps a prefix for so long after each use. Of the latest sightings of prefixes of one kind, the
share that came within that time of the one before is what the next can expect; until there are any, a prior
stands for a few of them. Old ones count for less: when there are twice `window`, all are halved.
"""

from collections import OrderedDict


class Reuse:
    """The share of sightings that found the same prefix in use within the last `life_s` seconds.

    The prior counts as `weight` sightings; the `max_entries` prefixes seen last are remembered, at about 200
    bytes each.
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
        """What the next sighting can expect."""
        return (self._found + self._prior * self._weight) / (self._seen + self._weight)

    def see(self, key: bytes, now: float) -> None:
        """A call with that prefix."""
        self.found(key, now)
        self._last_s[key] = now
        self._seen += 1
        if len(self._last_s) > self._max_entries:
            self._last_s.popitem(last=False)
        if self._seen >= 2 * self._window:
            self._seen, self._found = self._seen / 2, self._found / 2

    def found(self, key: bytes, now: float) -> None:
        """The prefix is used for another, which is not counted here; it is looked for no more."""
        last_s = self._last_s.pop(key, None)
        if last_s is not None and now - last_s < self._life_s:
            self._found += 1


class Reuses:
    """The same for both lives of an entry of Anthropic's cache: five minutes and an hour."""

    def __init__(self, prior: float) -> None:
        self._by_life = (Reuse(300.0, prior), Reuse(3600.0, prior))

    @property
    def shares(self) -> tuple[float, float]:
        """Of five minutes and of an hour."""
        five_minutes, hour = self._by_life
        return five_minutes.share, hour.share

    def see(self, key: bytes, now: float) -> None:
        """A call with that prefix."""
        for reuse in self._by_life:
            reuse.see(key, now)

    def found(self, key: bytes, now: float) -> None:
        """The prefix is used for another, which is not counted here."""
        for reuse in self._by_life:
            reuse.found(key, now)
