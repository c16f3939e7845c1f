"""Hedging: a call whose first token is late is asked a second time elsewhere, and the first to begin answers.

Late means later than most: the p95 of the latest times to first token of the same target and prompt size. The
second attempt starts before the first token only, at the next target of the chain (or the same one), for a
capped share of calls and out of the retry budget; the loser is cancelled at once and billed as what it is, an
abandoned attempt. Source: J. Dean and L. A. Barroso, "The Tail at Scale", CACM 56(2), 2013.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pydantic import Field

from ..core.call import Call, Next
from ..core.options import Options
from ..core.reply import Reply
from ..core.target import Target
from ..core.tokens import call_tokens
from ..state.backend import Backend, MemoryBackend
from ..state.quantile import Samples, quantile, with_sample
from .retry_budget import Grant

Alternate = Callable[[Call], Target]
"""Where a call may be asked a second time."""


class HedgeOptions(Options):
    """`quantile` 0.95 of the latest `window` 100 times to first token, once there are `min_samples` 20, and
    never sooner than `min_delay_s` 0.05; `max_share` 0.05 of calls.
    """

    quantile: float = Field(default=0.95, gt=0, le=1)
    window: int = Field(default=100, ge=1)
    min_samples: int = Field(default=20, ge=1)
    min_delay_s: float = Field(default=0.05, ge=0)
    max_share: float = Field(default=0.05, ge=0, le=1)


class Share(NamedTuple):
    """How many calls there were, and how many of them were hedged."""

    calls: int = 0
    hedged: int = 0


def size_bucket(tokens: int) -> int:
    """Prompts are compared with those of about their size: the number of bits of their length in tokens."""
    return tokens.bit_length()


def one_more(options: HedgeOptions, share: Share) -> tuple[Share, bool]:
    """May one more call be hedged?"""
    allowed = share.hedged + 1 <= options.max_share * share.calls
    return share._replace(hedged=share.hedged + allowed), allowed


def delay_s(options: HedgeOptions, samples: Samples) -> float | None:
    """How long to wait for the first attempt alone; None while too little is known."""
    if len(samples) < options.min_samples:
        return None
    return max(options.min_delay_s, quantile(samples, options.quantile))


def next_in(targets: Sequence[Target], fits: Callable[[Call, Target], bool]) -> Alternate:
    """The alternate of a call: the next of `targets`, or of the call's route, that fits; itself when there is
    no other.
    """

    def alternate(call: Call) -> Target:
        chain = call.routing.order or targets
        at = chain.index(call.target)
        others = (*chain[at + 1 :], *chain[:at])
        return next((target for target in others if fits(call, target)), call.target)

    return alternate


class Hedge:
    """Races a second attempt against a late one."""

    def __init__(
        self,
        options: HedgeOptions,
        alternate: Alternate,
        grant: Grant | None = None,
        backend: Backend | None = None,
    ) -> None:
        self._options = options
        self._alternate = alternate
        self._grant = grant
        self._backend = backend or MemoryBackend()

    async def __call__(self, call: Call, next: Next) -> Reply:
        key = f"hedge/{call.target.name}/{size_bucket(call_tokens(call))}"
        samples: Samples = await self._backend.update(key, lambda known: (known or (), known or ()))
        if not call.facts.attempts:  # a retry or the next target does not make it another call
            await self._backend.update("hedge", _counted)
        patience_s = delay_s(self._options, samples)
        started_s = asyncio.get_running_loop().time()
        reply = await (next(call) if patience_s is None else self._race(call, next, patience_s))
        # A first attempt that lost was at least this slow: leaving it out would call the tail short.
        took_s = asyncio.get_running_loop().time() - started_s
        window = self._options.window
        self._backend.post(key, lambda known: (with_sample(known, took_s, window), None))
        return reply

    async def _race(self, call: Call, next: Next, patience_s: float) -> Reply:
        racing = [asyncio.ensure_future(next(call))]
        try:
            await asyncio.wait(racing, timeout=patience_s)
            if not racing[0].done() and await self._allowed():
                racing.append(asyncio.ensure_future(next(self._again(call))))
            winner = await _first_to_begin(racing)
            await _leave([attempt for attempt in racing if attempt is not winner])
        except BaseException:
            await _leave(racing)
            raise
        return winner.result()

    def _again(self, call: Call) -> Call:
        """The call as the second attempt: it waited for no backoff, and asks no open breaker."""
        return call.with_attempt(target=self._alternate(call), kind="hedge", backoff_s=0.0, force=False)

    async def _allowed(self) -> bool:
        if not await self._backend.update("hedge", lambda known: one_more(self._options, known or Share())):
            return False
        granted = False
        try:
            granted = self._grant is None or await self._grant()
        finally:
            if not granted:
                self._backend.post("hedge", _given_back)
        return granted


Attempt = asyncio.Future[Reply]


async def _first_to_begin(racing: Sequence[Attempt]) -> Attempt:
    """The first that begins to answer, in the order they started; the first one, when none does."""
    while True:
        for attempt in racing:
            if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
                return attempt
        waiting = [attempt for attempt in racing if not attempt.done()]
        if not waiting:
            return racing[0]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


async def _leave(racing: Sequence[Attempt]) -> None:
    """Cancel those that have not begun, close the replies of those that have, and see them all end.

    A caller who is cancelled meanwhile is so when this is done; leaving twice is leaving once.
    """
    for attempt in racing:
        attempt.cancel()
    cancelled = await _ended(racing)
    replies = [
        attempt.result() for attempt in racing if not attempt.cancelled() and attempt.exception() is None
    ]
    closing = [asyncio.ensure_future(reply.aclose()) for reply in replies]
    cancelled = await _ended(closing) or cancelled
    for closed in closing:
        closed.exception()  # seen, and of no interest: nobody reads this reply
    if cancelled is not None:
        raise cancelled


async def _ended(futures: Sequence[asyncio.Future[Any]]) -> asyncio.CancelledError | None:
    """Wait for them all, whatever happens; gives the cancellation that came meanwhile, to be raised then."""
    cancelled = None
    while waiting := [future for future in futures if not future.done()]:
        try:
            await asyncio.wait(waiting)
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled


def _counted(share: Share | None) -> tuple[Share, None]:
    known = share or Share()
    return known._replace(calls=known.calls + 1), None


def _given_back(share: Share | None) -> tuple[Share, None]:
    known = share or Share()
    return known._replace(hedged=max(0, known.hedged - 1)), None
