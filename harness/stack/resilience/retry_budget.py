"""One budget for every attempt that is not a call's first: retries, hedges and continuations.

Each call puts a fraction of a token in, each such attempt takes a whole one out, so extra load stays a
fraction of the load however bad it gets; a trickle that does not depend on traffic lets a quiet client retry.
Sources: gRPC A6 (retry throttling) and Finagle's RetryBudget (20 % and a floor per second).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from pydantic import Field

from ..core.call import Call, Next
from ..core.options import Options
from ..core.reply import Reply
from ..state.backend import Backend, MemoryBackend

Grant = Callable[[], Awaitable[bool]]
"""Asks for one more attempt."""


class RetryBudgetOptions(Options):
    """`ratio` 0.2 attempts more per call, `min_per_s` 1 more a second whatever the traffic; at most `cap` 100
    are saved up, and `initial` 10 are there at the start.
    """

    ratio: float = Field(default=0.2, ge=0)
    min_per_s: float = Field(default=1.0, ge=0)
    cap: float = Field(default=100.0, ge=1)
    initial: float = Field(default=10.0, ge=0)


class Tokens(NamedTuple):
    """What is left, as of a moment."""

    level: float
    at_s: float


def refilled(options: RetryBudgetOptions, tokens: Tokens | None, now: float) -> Tokens:
    """The tokens at `now`."""
    if tokens is None:
        return Tokens(min(options.initial, options.cap), now)
    trickled = (now - tokens.at_s) * options.min_per_s
    return Tokens(min(options.cap, tokens.level + trickled), now)


def deposit(options: RetryBudgetOptions, tokens: Tokens | None, now: float) -> Tokens:
    """After one more call."""
    level, _ = refilled(options, tokens, now)
    return Tokens(min(options.cap, level + options.ratio), now)


def withdraw(options: RetryBudgetOptions, tokens: Tokens | None, now: float) -> tuple[Tokens, bool]:
    """After one more attempt was asked for, and whether it was granted."""
    level, _ = refilled(options, tokens, now)
    return (Tokens(level - 1, now), True) if level >= 1 else (Tokens(level, now), False)


class RetryBudget:
    """As a layer, above all that withdraws, it counts the calls; `grant` is what the others ask."""

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
        """One more attempt, if there is a token left."""
        now = asyncio.get_running_loop().time()
        return await self._backend.update(self._key, lambda known: withdraw(self._options, known, now))
