"""A token bucket with continuous refill."""

import math

# Levels are floats: a refill that should reach the amount exactly may end one rounding error below it.
_ROUNDING = 1e-9


class Bucket:
    """A token bucket: starts full at `capacity`, refills `per_s` a second; debts may drive it below zero."""

    __slots__ = ("_at", "_level", "capacity", "per_s")

    def __init__(self, capacity: float, per_s: float, now: float) -> None:
        self.capacity = capacity
        self.per_s = per_s
        self._level = capacity
        self._at = now

    def level(self, now: float) -> float:
        """The level at `now`; an earlier `now` refills nothing."""
        return min(self.capacity, self._level + self.per_s * max(0.0, now - self._at))

    def charge(self, amount: float, now: float) -> None:
        """Take `amount` (negative: give back, never above capacity) even if the level goes below zero."""
        self._level = min(self.capacity, self.level(now) - amount)
        self._at = max(self._at, now)

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until `amount` can be taken: 0 for now, infinity when it exceeds the capacity."""
        if amount > self.capacity:
            return math.inf
        missing = amount - self.level(now)
        return 0.0 if missing <= _ROUNDING * self.capacity else missing / self.per_s

    def until_full_s(self, now: float) -> float:
        """Seconds until the bucket is full."""
        return (self.capacity - self.level(now)) / self.per_s
