"""Retry: exponential backoff with full jitter, the provider's hint honoured, retryable kinds only.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: a delay drawn from
U(0, min(cap, base * 2^n)) spreads a herd best.
"""

import asyncio
from dataclasses import replace

from pydantic import Field

from .call import Call, Next
from .draws import uniform
from .errors import ProviderError
from .options import Options
from .reply import Reply


class RetryOptions(Options):
    """`attempts` 3, the first one included; `base_s` 0.5 and `cap_s` 8 bound the jittered delay;
    `max_retry_after_s` 30: a provider that asks for more is not waited for here (a fallback may do better).
    """

    attempts: int = Field(default=3, ge=1)
    base_s: float = Field(default=0.5, ge=0)
    cap_s: float = Field(default=8.0, ge=0)
    max_retry_after_s: float = Field(default=30.0, ge=0)


def backoff_s(options: RetryOptions, n: int, u: float) -> float:
    """The delay after the n-th failure (n from 0): `u` in [0, 1) times min(cap, base * 2^n)."""
    ceiling = min(options.cap_s, options.base_s * 2.0 ** min(n, 64))
    return u * ceiling


def wait_before_retry_s(options: RetryOptions, error: ProviderError, n: int, u: float) -> float | None:
    """Seconds to wait before attempt n + 2, or None when this failure is not to be retried.

    Never shorter than the provider's own hint.
    """
    if not error.retryable or n + 1 >= options.attempts:
        return None
    hint_s = error.retry_after_s or 0.0
    if hint_s > options.max_retry_after_s:
        return None
    return max(backoff_s(options, n, u), hint_s)


class Retry:
    """Asks the same target again. Gives up early when the wait would pass the call's deadline."""

    def __init__(self, options: RetryOptions, seed: int = 0) -> None:
        self._options = options
        self._seed = seed

    async def __call__(self, call: Call, next: Next) -> Reply:
        n = 0
        while True:
            try:
                return await next(call)
            except ProviderError as error:
                u = uniform(self._seed, "backoff", call.id, call.addressed_to.name, n)
                wait_s = wait_before_retry_s(self._options, error, n, u)
                now = asyncio.get_running_loop().time()
                if wait_s is None or now + wait_s >= call.deadline_s:
                    raise
            await asyncio.sleep(wait_s)
            call = replace(call, attempt_kind="retry", backoff_s=wait_s)
            n += 1
