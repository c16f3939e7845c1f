"""Retry: the same target again after a backoff, for retryable failures, while the retry budget lasts.

`ErrorKind.retryable` says which kinds are, unless the provider says otherwise (`x-should-retry`). The wait is
never shorter than the provider's Retry-After: an earlier retry is refused again, and some providers count it
against the limit.
"""

import asyncio

from pydantic import Field

from ..config.options import Options
from ..core.call import Call, Next
from ..core.draws import uniform
from ..core.errors import ProviderError
from ..core.reply import Reply
from .backoff import Backoff, backoff_s
from .retry_budget import Grant


class RetryOptions(Options):
    """`attempts` 3, the first one included; `backoff` "exponential_jitter" (the others: `backoff.py`) with
    `base_s` 0.5, `jitter_s` 0.5 and `cap_s` 8 seconds; `max_retry_after_s` 30: no retry if the provider asks
    for a longer wait (a fallback may do better).
    """

    attempts: int = Field(default=3, ge=1)
    backoff: Backoff = "exponential_jitter"
    base_s: float = Field(default=0.5, ge=0)
    jitter_s: float = Field(default=0.5, ge=0)
    cap_s: float = Field(default=8.0, ge=0)
    max_retry_after_s: float = Field(default=30.0, ge=0)


def wait_before_retry_s(
    options: RetryOptions, error: ProviderError, n: int, u: float, previous_s: float = 0.0
) -> float | None:
    """Seconds to wait before retry `n` (from 0), None for no retry.

    Never shorter than the provider's Retry-After, unless that is for one API key and the retry uses another.
    """
    if not error.retryable or n + 1 >= options.attempts:
        return None
    hint_s = 0.0 if error.of_key else error.retry_after_s or 0.0
    if hint_s > options.max_retry_after_s:
        return None
    delay_s = backoff_s(
        options.backoff,
        n,
        u,
        base_s=options.base_s,
        cap_s=options.cap_s,
        jitter_s=options.jitter_s,
        previous_s=previous_s,
    )
    return None if delay_s is None else max(delay_s, hint_s)


class Retry:
    """The layer. `grant` asks the retry budget; a wait past the call's deadline is not begun."""

    def __init__(self, options: RetryOptions, seed: int = 0, grant: Grant | None = None) -> None:
        self._options = options
        self._seed = seed
        self._grant = grant

    async def __call__(self, call: Call, next: Next) -> Reply:
        n, wait_s = 0, 0.0
        while True:
            try:
                return await next(call)
            except ProviderError as error:
                wait_s = await self._wait_s(call, error, n, wait_s)
            await asyncio.sleep(wait_s)
            call = call.with_attempt(kind="retry", backoff_s=wait_s)
            n += 1

    async def _wait_s(self, call: Call, error: ProviderError, n: int, previous_s: float) -> float:
        """Seconds to wait before the retry. Raises `error` if there is none."""
        u = uniform(self._seed, "backoff", call.id, call.target.name, len(call.facts.attempts), n)
        wait_s = wait_before_retry_s(self._options, error, n, u, previous_s)
        now = asyncio.get_running_loop().time()
        if wait_s is None or now + wait_s >= call.caller.deadline_s:
            raise error
        if self._grant is not None and not await self._grant():
            raise error
        return wait_s
