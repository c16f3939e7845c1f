"""What one provider remembers between requests: its buckets, and how often it was asked each prompt."""

from collections import Counter
from typing import NamedTuple

from .limits import Demand, Limits, Verdict
from .rate_limiter import RateLimiter


class Admission(NamedTuple):
    """How a request was let in, and what must be given back when it ends."""

    verdict: Verdict
    key_id: str
    model: str
    demand: Demand


class ProviderState:
    """Mutable, without a clock: every method takes `now` (seconds on the loop's clock).

    `fault_counts`: how many requests each fault of the schedule has been matched with.
    """

    def __init__(self) -> None:
        self._limiters: dict[tuple[str, str], RateLimiter] = {}
        self._asked: Counter[tuple[str, str]] = Counter()
        self._requests = 0
        self.fault_counts: Counter[int] = Counter()

    def next_number(self) -> int:
        """0, 1, 2, …: one for each request received."""
        self._requests += 1
        return self._requests - 1

    def times_asked(self, model: str, digest: str) -> int:
        """How often this was asked before, without being refused for rate."""
        return self._asked[model, digest]

    def count(self, model: str, digest: str) -> None:
        """It has been asked once more."""
        self._asked[model, digest] += 1

    def admit(self, key_id: str, model: str, limits: Limits, demand: Demand, now: float) -> Admission:
        """Charge the buckets of (key, model), or none of them."""
        limiter = self._limiters.get((key_id, model))
        if limiter is None:
            limiter = self._limiters[key_id, model] = RateLimiter(limits, now)
        return Admission(limiter.admit(demand, now), key_id, model, demand)

    def settle(self, admission: Admission, output_tokens: int, now: float) -> None:
        """An admitted request has ended after `output_tokens`."""
        self._limiters[admission.key_id, admission.model].settle(admission.demand, output_tokens, now)
