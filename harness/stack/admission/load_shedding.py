"""Client-side load shedding: when a provider refuses most requests, most of them are not sent.

Over a sliding window, an attempt is dropped with probability max(0, (requests − K · accepts) / (requests +
1)), where dropped attempts count as requests. With K = 2, twice as many are sent as the provider accepts, so
after its recovery the load that reaches it doubles with every window. Source: Site Reliability Engineering,
chapter 21, "Handling Overload" (client-side throttling).

Requests are counted when they are answered, not when they are sent: a first token takes seconds, and until
then a healthy provider would look as if it had refused everything in flight. Rejections by our own limiter
and abandoned calls are not counted.
"""

import asyncio

from pydantic import Field

from ..config.options import Options
from ..core.call import Call, Next
from ..core.draws import uniform
from ..core.errors import ProviderError, Rejected
from ..core.reply import Reply
from ..state.backend import Backend, MemoryBackend
from ..state.window import Window, WindowShape, totals

SLICES = 12


RETRY_AFTER_S = 1.0
"""Retry-After of a dropped attempt: each call is drawn anew."""


class LoadSheddingOptions(Options):
    """The table `throttle`. `k` 2 attempts are sent for each one accepted; `window_s` 120 seconds."""

    k: float = Field(default=2.0, ge=1)
    window_s: float = Field(default=120.0, gt=0)

    @property
    def shape(self) -> WindowShape:
        """The window in which accepted and refused attempts are counted."""
        return WindowShape(self.window_s, SLICES)


def drop_probability(options: LoadSheddingOptions, window: Window) -> float:
    """The probability that the next attempt is dropped."""
    accepts, refusals = totals(window)
    requests = accepts + refusals
    return max(0.0, (requests - options.k * accepts) / (requests + 1))


class LoadShedding:
    """One target's layer. Raises `Rejected("rejected_throttled")` for a dropped attempt."""

    def __init__(
        self, options: LoadSheddingOptions, key: str, backend: Backend | None = None, seed: int = 0
    ) -> None:
        self._options = options
        self._key = key
        self._backend = backend or MemoryBackend()
        self._seed = seed

    async def __call__(self, call: Call, next: Next) -> Reply:
        now = asyncio.get_running_loop().time()

        def decide(known: Window | None) -> tuple[Window, float]:
            window = self._options.shape.counted(known or (), now)
            return window, drop_probability(self._options, window)

        probability = await self._backend.update(self._key, decide)
        name, nth = call.target.name, len(call.facts.attempts)
        if probability > 0 and uniform(self._seed, "throttle", call.id, name, nth) < probability:
            self._count(accepted=False)
            message = f"{name} refuses most requests: {probability:.0%} of them are dropped before sending"
            raise Rejected("rejected_throttled", message, retry_after_s=RETRY_AFTER_S)
        try:
            reply = await next(call)
        except ProviderError as error:
            if not error.of_key:
                self._count(accepted=not error.row.shed)
            raise
        self._count(accepted=True)
        return reply

    def _count(self, *, accepted: bool) -> None:
        now = asyncio.get_running_loop().time()
        counted = self._options.shape.counted
        self._backend.post(
            self._key,
            lambda known: (counted(known or (), now, good=accepted, bad=not accepted), None),
        )
