"""Retry budget: one token bucket for all extra attempts (retries, hedges, continuations).

Each call deposits a fraction of a token, each extra attempt withdraws a whole one, so extra load stays a
fixed share of the load in the worst case; a refill per second lets a client with little traffic retry.
Sources: gRPC A6 (retry throttling) and Finagle's RetryBudget (20 % and a floor per second).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from pydantic import Field

from ..config.options import Options
from ..core.call import Call, Next
from ..core.reply import Reply
from ..state.backend import Backend, MemoryBackend

Grant = Callable[[], Awaitable[bool]]
"""Asks for one extra attempt; true if it may be made."""


class RetryBudgetOptions(Options):
    """`ratio` 0.2 extra attempts per call, and `min_per_s` 1 per second whatever the traffic; the bucket
    holds at most `cap` 100, and `initial` 10 at the start.
    """

    ratio: float = Field(default=0.2, ge=0)
    min_per_s: float = Field(default=1.0, ge=0)
    cap: float = Field(default=100.0, ge=1)
    initial: float = Field(default=10.0, ge=0)


class Tokens(NamedTuple):
    """The tokens at `at_s`."""

    level: float
    at_s: float


def refilled(options: RetryBudgetOptions, tokens: Tokens | None, now: float) -> Tokens:
    """The tokens at `now`."""
    if tokens is None:
        return Tokens(min(options.initial, options.cap), now)
    refill = (now - tokens.at_s) * options.min_per_s
    return Tokens(min(options.cap, tokens.level + refill), now)


def deposit(options: RetryBudgetOptions, tokens: Tokens | None, now: float) -> Tokens:
    """The tokens after one more call."""
    level, _ = refilled(options, tokens, now)
    return Tokens(min(options.cap, level + options.ratio), now)


def withdraw(options: RetryBudgetOptions, tokens: Tokens | None, now: float) -> tuple[Tokens, bool]:
    """The tokens after a request for one extra attempt, and whether it is granted."""
    level, _ = refilled(options, tokens, now)
    return (Tokens(level - 1, now), True) if level >= 1 else (Tokens(level, now), False)


class RetryBudget:
    """A layer that counts calls, above all layers that withdraw; those call `grant`."""

    def __init__(
        self, options: RetryBudgetOptions, key: str = "retry_budget", backend: Backend | None = None
    ) -> None:
        self._options = options
        self._key = key
        self._backend = backend or MemoryBackend()

    async def __call__(self, call: Call, next: Next) -> Reply:
        now = asyncio.get_running_loop().time()
        await self._backend.update(self._key, lambda known: (deposit(self._options, known, now), None))
        return await next(call)

    async def grant(self) -> bool:
        """Withdraw one token for an extra attempt; false if there is none."""
        now = asyncio.get_running_loop().time()
        return await self._backend.update(self._key, lambda known: withdraw(self._options, known, now))
