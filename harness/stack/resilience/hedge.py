"""Hedging: when the first token is late, a second attempt starts elsewhere, and the first to begin wins.

Late means above the p95 of the recent TTFTs of the same target and prompt size. The second attempt goes to
the next target of the chain (or the same one), for a capped share of calls and out of the retry budget. The
loser is cancelled at once and billed as an abandoned attempt. Source: J. Dean and L. A. Barroso, "The Tail at
Scale", CACM 56(2), 2013.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pydantic import Field

from ..config.options import Options
from ..core.call import Call, Next
from ..core.reply import Reply
from ..core.target import Target
from ..core.tokens import call_tokens
from ..state.backend import Backend, MemoryBackend
from ..state.quantile import Samples, quantile, with_sample
from .retry_budget import Grant

Alternate = Callable[[Call], Target]
"""The target of a call's second attempt."""


class HedgeOptions(Options):
    """Hedges after the `quantile` 0.95 of the latest `window` 100 TTFTs, once there are `min_samples` 20, and
    not before `min_delay_s` 0.05 seconds; `max_share` 0.05 of calls.
    """

    quantile: float = Field(default=0.95, gt=0, le=1)
    window: int = Field(default=100, ge=1)
    min_samples: int = Field(default=20, ge=1)
    min_delay_s: float = Field(default=0.05, ge=0)
    max_share: float = Field(default=0.05, ge=0, le=1)


class HedgeShare(NamedTuple):
    """The number of calls, and of those that were hedged."""

    calls: int = 0
    hedged: int = 0


def size_bucket(tokens: int) -> int:
    """The class of prompts of about this size: the number of bits of the length in tokens."""
    return tokens.bit_length()


def claim(options: HedgeOptions, share: HedgeShare) -> tuple[HedgeShare, bool]:
    """Count one more hedged call, if the share permits."""
    allowed = share.hedged + 1 <= options.max_share * share.calls
    return share._replace(hedged=share.hedged + allowed), allowed


def delay_s(options: HedgeOptions, samples: Samples) -> float | None:
    """Seconds to wait before hedging; None (no hedge) while there are too few samples."""
    if len(samples) < options.min_samples:
        return None
    return max(options.min_delay_s, quantile(samples, options.quantile))


def next_target(targets: Sequence[Target], fits: Callable[[Call, Target], bool]) -> Alternate:
    """The alternate: the next target of the call's routing, or of `targets`, that fits; else the same."""

    def alternate(call: Call) -> Target:
        chain = call.routing.order or targets
        at = chain.index(call.target)
        others = (*chain[at + 1 :], *chain[:at])
        return next((target for target in others if fits(call, target)), call.target)

    return alternate


class Hedge:
    """The layer: races a second attempt against a late first one."""

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
        if not call.request.stream:  # a whole reply has no first token to be late
            return await next(call)
        key = f"hedge/{call.target.name}/{size_bucket(call_tokens(call))}"
        samples: Samples = await self._backend.update(key, lambda known: (known or (), known or ()))
        if not call.facts.attempts:  # a retry or a fallback is not another call
            await self._backend.update("hedge", _counted)
        hedge_after_s = delay_s(self._options, samples)
        started_s = asyncio.get_running_loop().time()
        reply = await (next(call) if hedge_after_s is None else self._race(call, next, hedge_after_s))
        # If the first attempt lost, it was at least this slow; without that sample the tail would look short.
        took_s = asyncio.get_running_loop().time() - started_s
        window = self._options.window
        self._backend.post(key, lambda known: (with_sample(known, took_s, window), None))
        return reply

    async def _race(self, call: Call, next: Next, hedge_after_s: float) -> Reply:
        racing = [asyncio.ensure_future(next(call))]
        try:
            await asyncio.wait(racing, timeout=hedge_after_s)
            if not racing[0].done() and await self._allowed():
                racing.append(asyncio.ensure_future(next(self._second(call))))
            winner = await _first_to_begin(racing)
            await _close_all([attempt for attempt in racing if attempt is not winner])
        except BaseException:
            await _close_all(racing)
            raise
        return winner.result()

    def _second(self, call: Call) -> Call:
        """The call as the second attempt, without backoff or `force`."""
        return call.with_attempt(target=self._alternate(call), kind="hedge", backoff_s=0.0, force=False)

    async def _allowed(self) -> bool:
        if not await self._backend.update("hedge", lambda known: claim(self._options, known or HedgeShare())):
            return False
        granted = False
        try:
            granted = self._grant is None or await self._grant()
        finally:
            if not granted:
                self._backend.post("hedge", _unclaimed)
        return granted


Racer = asyncio.Future[Reply]


async def _first_to_begin(racing: Sequence[Racer]) -> Racer:
    """The first to begin, in starting order if several have; if all fail, the first attempt."""
    while True:
        for attempt in racing:
            if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
                return attempt
        waiting = [attempt for attempt in racing if not attempt.done()]
        if not waiting:
            return racing[0]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


async def _close_all(racing: Sequence[Racer]) -> None:
    """Cancel the attempts that have not begun, close the replies of the others, and wait for all to end.

    A cancellation of the caller meanwhile is raised at the end. Idempotent.
    """
    for attempt in racing:
        attempt.cancel()
    cancelled = await _wait_all(racing)
    replies = [
        attempt.result() for attempt in racing if not attempt.cancelled() and attempt.exception() is None
    ]
    closing = [asyncio.ensure_future(reply.aclose()) for reply in replies]
    cancelled = await _wait_all(closing) or cancelled
    for closed in closing:
        closed.exception()  # retrieved, and ignored: this reply is not read
    if cancelled is not None:
        raise cancelled


async def _wait_all(futures: Sequence[asyncio.Future[Any]]) -> asyncio.CancelledError | None:
    """Wait for all `futures` to end. Returns a cancellation that came meanwhile, for the caller to raise."""
    cancelled = None
    while waiting := [future for future in futures if not future.done()]:
        try:
            await asyncio.wait(waiting)
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled


def _counted(share: HedgeShare | None) -> tuple[HedgeShare, None]:
    known = share or HedgeShare()
    return known._replace(calls=known.calls + 1), None


def _unclaimed(share: HedgeShare | None) -> tuple[HedgeShare, None]:
    known = share or HedgeShare()
    return known._replace(hedged=max(0, known.hedged - 1)), None
