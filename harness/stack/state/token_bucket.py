"""A token bucket as a plain value, refilled continuously."""

from typing import NamedTuple


class Bucket(NamedTuple):
    """`rate` tokens a second, at most `capacity`; `level` (negative: debt) is as of `at_s`.

    An amount above the capacity is granted when the bucket is full, and leaves it in debt: it could never be
    granted otherwise.
    """

    rate: float
    capacity: float
    level: float
    at_s: float

    @classmethod
    def full(cls, per_minute: float, burst_s: float, now: float) -> "Bucket":
        """A full bucket: `per_minute` tokens a minute, capacity `burst_s` seconds of that rate."""
        rate = per_minute / 60.0
        return cls(rate, rate * burst_s, rate * burst_s, now)

    def level_at(self, now: float) -> float:
        """The level at `now`."""
        return min(self.capacity, self.level + (now - self.at_s) * self.rate)

    def wait_s(self, amount: float, now: float, *, queued: float = 0.0) -> float:
        """Seconds until `amount` can be taken after `queued` has been, 0 if it can be taken now."""
        missing = queued + min(amount, self.capacity) - self.level_at(now)
        return max(0.0, missing / self.rate)

    def take(self, amount: float, now: float) -> "Bucket":
        """The bucket less `amount`; a negative amount is returned to it, up to the capacity."""
        return Bucket(self.rate, self.capacity, min(self.capacity, self.level_at(now) - amount), now)

    def slowed_to(self, per_minute: float, now: float) -> "Bucket":
        """The bucket at that rate if it is lower, with a capacity lowered in proportion."""
        rate = per_minute / 60.0
        if not 0 < rate < self.rate:
            return self
        capacity = self.capacity * rate / self.rate
        return Bucket(rate, capacity, min(capacity, self.level_at(now)), now)
