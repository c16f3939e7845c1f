"""What one provider remembers between requests: its buckets, and how often it was asked each prompt."""

from collections import Counter
from typing import NamedTuple

from .limits import Demand, Limits, RateLimiter, Verdict
from .request import Request


class Admission(NamedTuple):
    """How a request was let in: the limiter's verdict, and how often this prompt was let in before it."""

    verdict: Verdict
    nth: int


class ProviderState:
    """Mutable, without a clock: every method takes `now` (seconds on the loop's clock)."""

    def __init__(self) -> None:
        self._limiters: dict[tuple[str, str], RateLimiter] = {}
        self._asked: Counter[tuple[str, str]] = Counter()
        self._requests = 0

    def next_number(self) -> int:
        """0, 1, 2, …: one for each request received."""
        self._requests += 1
        return self._requests - 1

    def admit(self, key_id: str, model: str, limits: Limits, request: Request, now: float) -> Admission:
        """Charge the buckets of (key, model) and count the prompt; a refused request counts nothing."""
        limiter = self._limiters.get((key_id, model))
        if limiter is None:
            limiter = self._limiters[key_id, model] = RateLimiter(limits, now)
        verdict = limiter.admit(_demand(request), now)
        prompt = (model, request.digest)
        nth = self._asked[prompt]
        if verdict.refused_by is None:
            self._asked[prompt] += 1
        return Admission(verdict, nth)

    def settle(self, key_id: str, model: str, request: Request, output_tokens: int, now: float) -> None:
        """An admitted request has ended after `output_tokens`."""
        self._limiters[key_id, model].settle(_demand(request), output_tokens, now)


def _demand(request: Request) -> Demand:
    return Demand(request.input_tokens, request.max_tokens or 0)
