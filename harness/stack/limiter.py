"""Client-side rate limiting: wait in our own queue instead of being refused in the provider's.

Requests and tokens come from two token buckets with continuous refill and are taken together or not at all.
The queue is first come, first served, so a small call cannot starve a large one; a call whose predicted wait
passes its deadline is rejected on arrival. What was reserved is settled once when the reply ends.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from .call import Call, Next
from .errors import Rejected
from .options import Options
from .reply import Outcome, Reply
from .tokens import call_tokens

ROUNDING_S = 1e-9
"""A wait this short is floating-point dust: waiting for it would set the same timer again."""


class LimiterOptions(Options):
    """`rpm` and `tpm` per minute (none: unlimited); `burst_s` 60: seconds' worth that a full bucket holds;
    `max_wait_s` 30: longest time in the queue; `assumed_output_tokens` 1024 for calls that set no max_tokens;
    `settle` "reservation": what was reserved stays counted, as OpenAI does, or "usage": unused tokens return.
    """

    rpm: float | None = Field(default=None, gt=0)
    tpm: float | None = Field(default=None, gt=0)
    burst_s: float = Field(default=60.0, gt=0)
    max_wait_s: float = Field(default=30.0, ge=0)
    assumed_output_tokens: int = Field(default=1024, ge=0)
    settle: Literal["reservation", "usage"] = "reservation"


class TokenBucket:
    """A bucket of `per_minute` refilled continuously, holding `burst_s` seconds' worth. Takes `now`, pure.

    A request larger than the bucket is admitted when the bucket is full and leaves it in debt, since it could
    never be admitted otherwise.
    """

    def __init__(self, per_minute: float, burst_s: float, now: float) -> None:
        self.rate = per_minute / 60.0
        self.capacity = self.rate * burst_s
        self._level = self.capacity
        self._at = now

    def level(self, now: float) -> float:
        """What could be taken at `now`."""
        return min(self.capacity, self._level + (now - self._at) * self.rate)

    def wait_s(self, amount: float, now: float, *, queued: float = 0.0) -> float:
        """Seconds until `amount` can be taken once `queued` has been, 0 if it can be now."""
        missing = queued + min(amount, self.capacity) - self.level(now)
        return max(0.0, missing / self.rate)

    def take(self, amount: float, now: float) -> None:
        """Take `amount`; the caller has waited. A negative amount gives back, up to the capacity."""
        self._level = min(self.capacity, self.level(now) - amount)
        self._at = now


Demand = tuple[float, float]
"""What a call takes: (requests, tokens)."""


class Buckets:
    """The target's two buckets, either of which may be missing (unlimited). Takes `now`, pure."""

    def __init__(self, options: LimiterOptions, now: float) -> None:
        limits = (options.rpm, options.tpm)
        self._both = tuple(None if m is None else TokenBucket(m, options.burst_s, now) for m in limits)

    def wait_s(self, demand: Demand, now: float, *, queued: Demand = (0, 0)) -> float:
        """Seconds until `demand` can be taken once everything `queued` before it has been."""
        waits = [0.0]
        for bucket, amount, before in zip(self._both, demand, queued, strict=True):
            if bucket is not None:
                waits.append(bucket.wait_s(amount, now, queued=before))
        return max(waits)

    def take(self, demand: Demand, now: float) -> None:
        """Take `demand` from both."""
        for bucket, amount in zip(self._both, demand, strict=True):
            if bucket is not None:
                bucket.take(amount, now)


@dataclass(slots=True, eq=False)
class Waiter:
    """A place in the queue, and what it will take."""

    demand: Demand
    admitted: asyncio.Future[None]


class Limiter:
    """One target's queue. `reserved(input_tokens, max_tokens)` is how its provider counts a request."""

    def __init__(self, options: LimiterOptions, reserved: Callable[[int, int], int]) -> None:
        self._options = options
        self._reserved = reserved
        self._opened: Buckets | None = None
        self._queue: deque[Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, call: Call, next: Next) -> Reply:
        loop = asyncio.get_running_loop()
        tokens = self._reserved(call_tokens(call), self._output_limit(call))
        asked_at = loop.time()
        try:
            await self._admission((1, tokens), call.deadline_s)
        finally:
            if call.attempt is not None:
                call.attempt.limiter_wait_s = loop.time() - asked_at
        reply = await next(call)
        reply.on_end(lambda outcome: self._settle(tokens, outcome))
        return reply

    def _output_limit(self, call: Call) -> int:
        asked = self._options.assumed_output_tokens if call.max_tokens is None else call.max_tokens
        return min(asked, call.addressed_to.max_output_tokens)

    def _buckets(self, now: float) -> Buckets:
        """Full when the first call comes: the clock is known only then."""
        if self._opened is None:
            self._opened = Buckets(self._options, now)
        return self._opened

    async def _admission(self, demand: Demand, deadline_s: float) -> None:
        now = asyncio.get_running_loop().time()
        queued = (float(len(self._queue)), sum(waiter.demand[1] for waiter in self._queue))
        wait_s = self._buckets(now).wait_s(demand, now, queued=queued)
        patience_s = min(self._options.max_wait_s, deadline_s - now)
        if wait_s > patience_s:
            raise Rejected(
                "rejected_limiter",
                f"the rate limit would hold this call for {wait_s:.1f} s, it can wait {patience_s:.1f} s",
                retry_after_s=wait_s,
            )
        if wait_s == 0.0:
            self._buckets(now).take(demand, now)
        else:
            await self._in_line(demand)

    async def _in_line(self, demand: Demand) -> None:
        waiter = Waiter(demand, asyncio.get_running_loop().create_future())
        self._queue.append(waiter)
        self._admit()
        try:
            await waiter.admitted
        except asyncio.CancelledError:
            self._leave(waiter)
            raise

    def _leave(self, waiter: Waiter) -> None:
        """A cancelled waiter gives back its place, or what it was just admitted with and never used."""
        now = asyncio.get_running_loop().time()
        if waiter.admitted.cancelled():
            if waiter in self._queue:
                self._queue.remove(waiter)
        else:
            requests, tokens = waiter.demand
            self._buckets(now).take((-requests, -tokens), now)
        self._admit()

    def _admit(self) -> None:
        """Admit from the front while the buckets allow; set the timer for the next one."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._queue:
            head = self._queue[0]
            if head.admitted.cancelled():
                self._queue.popleft()
                continue
            wait_s = self._buckets(now).wait_s(head.demand, now)
            if wait_s > ROUNDING_S:
                self._timer = loop.call_at(now + wait_s, self._admit)
                return
            self._queue.popleft()
            self._buckets(now).take(head.demand, now)
            head.admitted.set_result(None)

    def _settle(self, reserved: int, outcome: Outcome) -> None:
        if self._options.settle == "usage" and outcome.usage is not None:
            used = self._reserved(outcome.usage.input_tokens, outcome.usage.output_tokens)
            now = asyncio.get_running_loop().time()
            self._buckets(now).take((0, used - reserved), now)
            self._admit()
