"""A token bucket as a plain value, refilled continuously."""

from typing import NamedTuple


class Bucket(NamedTuple):
    """`rate` a second, at most `capacity`; `level` is what there was at `at_s`. Negative: in debt.

    An amount larger than the bucket passes when it is full and leaves it in debt, since it could never pass
    otherwise.
    """

    rate: float
    capacity: float
    level: float
    at_s: float

    @classmethod
    def full(cls, per_minute: float, burst_s: float, now: float) -> "Bucket":
        """`per_minute`, holding `burst_s` seconds' worth of it."""
        rate = per_minute / 60.0
        return cls(rate, rate * burst_s, rate * burst_s, now)

    def level_at(self, now: float) -> float:
        """What could be taken at `now`."""
        return min(self.capacity, self.level + (now - self.at_s) * self.rate)

    def wait_s(self, amount: float, now: float, *, queued: float = 0.0) -> float:
        """Seconds until `amount` can be taken once `queued` has been, 0 if it can be now."""
        missing = queued + min(amount, self.capacity) - self.level_at(now)
        return max(0.0, missing / self.rate)

    def take(self, amount: float, now: float) -> "Bucket":
        """Less `amount`; a negative one gives back, up to the capacity."""
        return Bucket(self.rate, self.capacity, min(self.capacity, self.level_at(now) - amount), now)

    def slowed_to(self, per_minute: float, now: float) -> "Bucket":
        """At most that rate, and a capacity that shrinks with it."""
        rate = per_minute / 60.0
        if not 0 < rate < self.rate:
            return self
        capacity = self.capacity * rate / self.rate
        return Bucket(rate, capacity, min(capacity, self.level_at(now)), now)
