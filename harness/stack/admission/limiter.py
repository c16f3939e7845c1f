"""Client-side rate limiting: wait in our own queue instead of being refused by the provider.

Requests, tokens (in total, and input and output apart) and concurrency slots are reserved together or not at
all. The queue is FIFO within a priority, so a small call cannot starve a large one; a call whose predicted
wait passes its deadline is rejected on arrival. A reservation is settled once, when the reply ends. The
provider's headers and 429s correct the quota.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from ..core.call import Call, Next
from ..core.errors import ProviderError, Rejected
from ..core.rate_meters import NOTHING, Meters
from ..core.reply import Outcome, Reply
from ..core.tokens import call_tokens
from ..state.backend import Backend, MemoryBackend
from . import adaptive, quota
from .admission import AdmissionQueue
from .quota import NO_DEMAND, Admission, Demand, Quota, QuotaOptions


class LimiterOptions(QuotaOptions):
    """The keys of `QuotaOptions`, and:

    `max_wait_s` 30: longest time in the queue; `batch_patience_s` 10: a batch call that has waited so long is
    queued among the interactive ones; `assumed_output_tokens` 1024 for calls without max_tokens; `settle`
    "reservation": reserved tokens stay counted, as at OpenAI, or "usage": unused tokens are returned;
    `calibrate` true: lower the quota to the provider's headers, and after a 429 pause the queue for its
    Retry-After, `pause_s` 1 without one, at most `max_pause_s` 10.
    """

    max_wait_s: float = Field(default=30.0, ge=0)
    batch_patience_s: float = Field(default=10.0, ge=0)
    assumed_output_tokens: int = Field(default=1024, ge=0)
    settle: Literal["reservation", "usage"] = "reservation"
    calibrate: bool = True
    pause_s: float = Field(default=1.0, ge=0)
    max_pause_s: float = Field(default=10.0, ge=0)


@dataclass(frozen=True, slots=True)
class Permit:
    """The reservation of one request in flight, and the time of its admission."""

    demand: Demand
    admission: Admission
    input_tokens: int


class Limiter:
    """One target's layer. `reserved(input_tokens, max_tokens)`: tokens its provider counts on arrival."""

    def __init__(
        self,
        options: LimiterOptions,
        reserved: Callable[[int, int], int],
        key: str = "limiter",
        backend: Backend | None = None,
    ) -> None:
        self._options = options
        self._reserved = reserved
        self.queue = AdmissionQueue(
            options,
            key,
            backend or MemoryBackend(),
            max_wait_s=options.max_wait_s,
            batch_patience_s=options.batch_patience_s,
        )

    async def __call__(self, call: Call, next: Next) -> Reply:
        permit = await self._permit(call)
        try:
            reply = await next(call)
        except Rejected:
            self.queue.release(permit.demand)  # nothing was sent
            raise
        except BaseException as error:
            # A failed request counts against the limits, too.
            self.queue.release(NO_DEMAND, permit.demand.output_tokens)
            self._on_failure(permit, error)
            raise
        self._on_success(permit, reply, streamed=call.request.stream)
        reply.on_end(lambda outcome: self._settle(permit, outcome))
        return reply

    async def _permit(self, call: Call) -> Permit:
        loop = asyncio.get_running_loop()
        input_tokens, asked_at = call_tokens(call), loop.time()
        demand = self._demand(input_tokens, self._output_limit(call))
        try:
            admission = await self.queue.acquire(demand, call.caller.priority, call.caller.deadline_s)
        finally:
            if call.attempt.facts is not None:
                call.attempt.facts.limiter_wait_s = loop.time() - asked_at
        return Permit(demand, admission, input_tokens)

    def _output_limit(self, call: Call) -> int:
        asked = call.request.max_tokens
        return min(
            self._options.assumed_output_tokens if asked is None else asked, call.target.max_output_tokens
        )

    def _demand(self, input_tokens: int, output_tokens: int) -> Demand:
        return Demand(1, self._reserved(input_tokens, output_tokens), input_tokens, output_tokens)

    def _settle(self, permit: Permit, outcome: Outcome) -> None:
        unused = self._unused(permit, outcome)
        self.queue.release(unused, permit.demand.output_tokens - unused.output_tokens)

    def _unused(self, permit: Permit, outcome: Outcome) -> Demand:
        """The part of the reservation that the provider did not count; none of it if the usage is unknown."""
        if self._options.settle == "reservation" or outcome.usage is None:
            return NO_DEMAND
        used = self._demand(outcome.usage.input_tokens, outcome.usage.output_tokens)
        return permit.demand.minus(used)

    def _on_success(self, permit: Permit, reply: Reply, *, streamed: bool) -> None:
        """The reply has begun: learn from its headers and, if it is streamed, its time to first token."""
        now, sent_s = asyncio.get_running_loop().time(), permit.admission.at_s
        self._calibrate(permit, reply.meters, now)
        if streamed and (options := self._options.adaptive) is not None:
            size = permit.input_tokens.bit_length()

            def adapted(known: Quota) -> Quota:
                assert known.aimd is not None
                aimd = adaptive.on_success(
                    options, known.aimd, size, now - sent_s, sent_s, known.in_flight, now
                )
                return known._replace(aimd=aimd)

            self.queue.post(adapted)

    def _on_failure(self, permit: Permit, error: BaseException) -> None:
        if not isinstance(error, ProviderError) or error.of_key:
            return
        now = asyncio.get_running_loop().time()
        self._calibrate(permit, error.meters, now)
        if error.row.overload and (options := self._options.adaptive) is not None:
            self.queue.post(
                lambda known: known._replace(
                    aimd=known.aimd and adaptive.on_overload(options, known.aimd, permit.admission.at_s, now)
                )
            )
        if error.kind == "rate_limited" and self._options.calibrate:
            self._pause(error, now)

    def _pause(self, error: ProviderError, now: float) -> None:
        """After a 429: hold the queue, and empty the buckets unless the headers say what is left."""
        hint_s = self._options.pause_s if error.retry_after_s is None else error.retry_after_s
        until_s = now + min(hint_s, self._options.max_pause_s)
        self.queue.post(lambda known: quota.paused(known, until_s))
        if not any(meter.remaining is not None for meter in error.meters or NOTHING):
            self.queue.post(lambda known: quota.emptied(known, now))

    def _calibrate(self, permit: Permit, meters: Meters | None, now: float) -> None:
        if self._options.calibrate and meters is not None and meters != NOTHING:
            self.queue.post(
                lambda known: quota.calibrated(self._options, known, permit.admission, meters, now)
            )
