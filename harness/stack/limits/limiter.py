"""Client-side rate limiting: wait in our own line instead of being refused in the provider's.

Requests, tokens (together, and input and output apart) and slots are taken together or not at all. The
line is first come, first served within a priority, so a small call cannot starve a large one; a call
whose predicted wait passes its deadline is rejected on arrival. What was reserved is settled once, when
the reply ends. The provider's headers and refusals correct what we believe.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isinf
from typing import Literal, TypeVar

from pydantic import Field

from ..core.call import Call, Next
from ..core.errors import ProviderError, Rejected
from ..core.rate_meters import NOTHING, Meters
from ..core.reply import Outcome, Reply
from ..core.tokens import call_tokens
from ..state.backend import Backend, MemoryBackend
from . import adaptive as aimd
from . import quota
from .queue import Line, Waiter
from .quota import NO_DEMAND, ROUNDING_S, Demand, Quota, QuotaOptions, Taken

R = TypeVar("R")

LOOK_AGAIN_S = 1.0
"""Whoever shares a backend may free a slot without telling us."""


class LimiterOptions(QuotaOptions):
    """The keys of `QuotaOptions`; `max_wait_s` 30: longest time in the line; `batch_patience_s` 10: after
    that a batch call stands among the interactive ones; `assumed_output_tokens` 1024 for calls that set
    no max_tokens; `settle` "reservation": what was reserved stays counted, as OpenAI does, or "usage":
    unused tokens return; `calibrate` true: believe the provider's headers where they say less, and after
    a 429 hold the line for as long as it asks, `pause_s` 1 without a hint, at most `max_pause_s` 10.
    """

    max_wait_s: float = Field(default=30.0, ge=0)
    batch_patience_s: float = Field(default=10.0, ge=0)
    assumed_output_tokens: int = Field(default=1024, ge=0)
    settle: Literal["reservation", "usage"] = "reservation"
    calibrate: bool = True
    pause_s: float = Field(default=1.0, ge=0)
    max_pause_s: float = Field(default=10.0, ge=0)


@dataclass(frozen=True, slots=True)
class Held:
    """What one request holds: what it took, when and at which levels."""

    demand: Demand
    taken: Taken
    input_tokens: int


class Limiter:
    """One target's line; `reserved(input_tokens, max_tokens)` is how its provider counts a request."""

    def __init__(
        self,
        options: LimiterOptions,
        reserved: Callable[[int, int], int],
        key: str = "limiter",
        backend: Backend | None = None,
    ) -> None:
        self._options = options
        self._reserved = reserved
        self._key = key
        self._backend = backend or MemoryBackend()
        # Cancelled while a remote backend is at work, nobody learns whether it took: such a one is only asked
        # to take by the task that admits, which no caller cancels.
        self._at_once = isinstance(self._backend, MemoryBackend)
        self._line = Line(options.batch_patience_s)
        self._moved = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    async def __call__(self, call: Call, next: Next) -> Reply:
        loop = asyncio.get_running_loop()
        input_tokens, asked_at = call_tokens(call), loop.time()
        demand = self._demand(input_tokens, self._output_limit(call))
        try:
            held = Held(demand, await self._admission(call, demand), input_tokens)
        finally:
            if call.attempt.facts is not None:
                call.attempt.facts.limiter_wait_s = loop.time() - asked_at
        try:
            reply = await next(call)
        except Rejected:
            self._give_back(demand)  # nothing was sent
            raise
        except BaseException as error:
            self._give_back(NO_DEMAND, demand.output_tokens)  # a failed request counts, too
            self._learn_from_failure(held, error)
            raise
        self._learn(held, reply)
        reply.on_end(lambda outcome: self._settle(held, outcome))
        return reply

    def _output_limit(self, call: Call) -> int:
        asked = (
            self._options.assumed_output_tokens
            if call.request.max_tokens is None
            else call.request.max_tokens
        )
        return min(asked, call.target.max_output_tokens)

    def _demand(self, input_tokens: int, output_tokens: int) -> Demand:
        return Demand(1, self._reserved(input_tokens, output_tokens), input_tokens, output_tokens)

    async def _admission(self, call: Call, demand: Demand) -> Taken:
        """Take at once if nobody waits; else stand in line, unless that would take too long."""
        now = asyncio.get_running_loop().time()
        if self._at_once and not self._line:
            taken = await self._take(demand)
            if taken.wait_s == 0.0:
                return taken
        ahead = self._line.ahead_of(call.caller.priority)
        wait_s = await self._quota(now, lambda known: (known, quota.wait_s(known, demand, now, ahead)))
        left_s = call.caller.deadline_s - now
        patience_s = min(self._options.max_wait_s, left_s)
        if wait_s > patience_s or wait_s >= left_s:
            raise _too_long(wait_s, patience_s)
        waiter = Waiter(demand, call.caller.priority, now, asyncio.get_running_loop().create_future())
        return await self._in_line(waiter, now + patience_s)

    async def _in_line(self, waiter: Waiter, until_s: float) -> Taken:
        self._line.join(waiter)
        self._keep_moving()
        try:
            async with asyncio.timeout_at(until_s + ROUNDING_S):
                return await waiter.admitted
        except TimeoutError:
            self._leave(waiter)
            waited_s = until_s - waiter.since_s
            raise _too_long(waited_s, waited_s) from None
        except asyncio.CancelledError:
            self._leave(waiter)
            raise

    def _leave(self, waiter: Waiter) -> None:
        """Whoever leaves gives up the place, or gives back what was just taken and never used."""
        if waiter.admitted.done() and not waiter.admitted.cancelled():
            self._give_back(waiter.demand)
        else:
            waiter.admitted.cancel()
            self._line.leave(waiter)
        self._moved.set()

    def _keep_moving(self) -> None:
        """Someone must admit those who wait, as long as anybody waits."""
        self._moved.set()
        if self._pump is None:
            self._pump = asyncio.get_running_loop().create_task(self._admit())
            self._pump.add_done_callback(self._pumped)

    def _pumped(self, pump: "asyncio.Task[None]") -> None:
        self._pump = None
        if not pump.cancelled() and (error := pump.exception()) is not None:
            while (waiter := self._line.head(inf)) is not None:
                self._line.leave(waiter)
                waiter.admitted.set_exception(error)
        elif self._line:
            self._keep_moving()

    async def _admit(self) -> None:
        loop = asyncio.get_running_loop()
        while (head := self._line.head(loop.time())) is not None:
            self._moved.clear()
            taken = await self._take(head.demand)
            if taken.wait_s > 0 and not head.admitted.done():
                await self._until_moved(taken.wait_s)
                continue
            self._line.leave(head)
            if not head.admitted.done():
                head.admitted.set_result(taken)
            elif taken.wait_s == 0:  # its caller was cancelled, and has not yet left the line
                self._give_back(head.demand)

    async def _until_moved(self, wait_s: float) -> None:
        if not self._at_once:
            wait_s = min(wait_s, LOOK_AGAIN_S)
        try:
            async with asyncio.timeout(None if isinf(wait_s) else wait_s):
                await self._moved.wait()
        except TimeoutError:
            pass

    async def _take(self, demand: Demand) -> Taken:
        now = asyncio.get_running_loop().time()
        return await self._quota(now, lambda known: quota.take(self._options, known, demand, now))

    def _settle(self, held: Held, outcome: Outcome) -> None:
        unused = self._unused(held, outcome)
        self._give_back(unused, held.demand.output_tokens - unused.output_tokens)

    def _give_back(self, unused: Demand, said_tokens: float = 0.0) -> None:
        """A request is over, or was never sent: its slot comes back, and what it did not use."""
        now = asyncio.get_running_loop().time()
        self._post(lambda known: quota.give_back(known, unused, now, said_tokens))
        self._moved.set()

    def _unused(self, held: Held, outcome: Outcome) -> Demand:
        """What the provider turned out not to count; unknown usage keeps the reservation."""
        if self._options.settle == "reservation" or outcome.usage is None:
            return NO_DEMAND
        used = self._demand(outcome.usage.input_tokens, outcome.usage.output_tokens)
        return held.demand.minus(used)

    def _learn(self, held: Held, reply: Reply) -> None:
        """The reply has begun: what its headers say, and how long it took."""
        now, sent_s = asyncio.get_running_loop().time(), held.taken.at_s
        self._calibrate(held, reply.meters, now)
        if (options := self._options.adaptive) is not None:
            size = held.input_tokens.bit_length()

            def adapted(known: Quota) -> Quota:
                assert known.aimd is not None
                after = aimd.answered(options, known.aimd, size, now - sent_s, sent_s, known.in_flight, now)
                return known._replace(aimd=after)

            self._post(adapted)

    def _learn_from_failure(self, held: Held, error: BaseException) -> None:
        if not isinstance(error, ProviderError) or error.of_key:
            return
        now = asyncio.get_running_loop().time()
        self._calibrate(held, error.meters, now)
        if error.row.overload and (options := self._options.adaptive) is not None:
            self._post(
                lambda known: known._replace(
                    aimd=known.aimd and aimd.refused(options, known.aimd, held.taken.at_s, now)
                )
            )
        if error.kind == "rate_limited" and self._options.calibrate:
            hint_s = self._options.pause_s if error.retry_after_s is None else error.retry_after_s
            until_s = now + min(hint_s, self._options.max_pause_s)
            self._post(lambda known: quota.blocked(known, until_s))
            if not any(meter.remaining is not None for meter in error.meters or NOTHING):
                self._post(lambda known: quota.emptied(known, now))

    def _calibrate(self, held: Held, meters: Meters | None, now: float) -> None:
        if self._options.calibrate and meters is not None and meters != NOTHING:
            self._post(lambda known: quota.calibrated(self._options, known, held.taken, meters, now))

    async def _quota(self, now: float, change: Callable[[Quota], tuple[Quota, R]]) -> R:
        return await self._backend.update(
            self._key, lambda known: change(known or quota.opened(self._options, now))
        )

    def _post(self, change: Callable[[Quota], Quota]) -> None:
        self._backend.post(self._key, lambda known: (change(known), None))


def _too_long(wait_s: float, patience_s: float) -> Rejected:
    return Rejected(
        "rejected_limiter",
        f"the rate limit would hold this call for {wait_s:.1f} s, it can wait {patience_s:.1f} s",
        retry_after_s=wait_s,
    )
