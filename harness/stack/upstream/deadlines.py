"""Deadlines of one attempt: connect, first token, between chunks, and the whole call.

A slow drip never trips a timeout that restarts with every read, so each bound is a time on the loop's clock.
Between chunks there is one lazy timer, not one timer per chunk.
"""

import asyncio

from pydantic import Field

from ..config.options import Options
from ..core.call import Call, Next
from ..core.errors import ProviderError, Rejected
from ..core.reply import Event, EventSource, Reply


class DeadlineOptions(Options):
    """Seconds. `connect_s` 5; `first_token_s` 30, to the first content event, without the wait in our own
    limiter, or the target's `timeout_s` if that is shorter; `inter_chunk_s` 15; `total_s` 120, from the
    call's start, retries and fallbacks included.
    """

    connect_s: float = Field(default=5.0, gt=0)
    first_token_s: float = Field(default=30.0, gt=0)
    inter_chunk_s: float = Field(default=15.0, gt=0)
    total_s: float = Field(default=120.0, gt=0)


class DeadlineSource:
    """An event source that fails when one wait takes `inter_chunk_s`, or at `total_at` on the loop's clock.

    The timer is re-armed when it fires, not at every chunk. It cancels the waiting task and tells its own
    cancellation from others by the rules of `asyncio.timeout`, so that no other is swallowed.
    """

    def __init__(self, source: EventSource, *, inter_chunk_s: float, total_at: float) -> None:
        self._source = source
        self._inter_chunk_s = inter_chunk_s
        self._total_at = total_at
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._waiting: asyncio.Task[object] | None = None
        self._fired = False
        self._cancelling_before = 0

    async def __anext__(self) -> Event:
        now = self._loop.time()
        if now >= self._total_at:
            raise self._error()
        self._due = min(now + self._inter_chunk_s, self._total_at)
        self._waiting = task = asyncio.current_task(self._loop)
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._check)
        try:
            return await self._source.__anext__()
        except asyncio.CancelledError:
            self._stop()
            if self._fired and task is not None and task.uncancel() <= self._cancelling_before:
                raise self._error() from None
            raise
        except BaseException:
            self._stop()
            raise
        finally:
            self._waiting = None

    async def aclose(self) -> None:
        self._stop()
        await self._source.aclose()

    def _check(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._check)
        else:
            self._fired = True
            self._cancelling_before = self._waiting.cancelling()
            self._waiting.cancel()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _error(self) -> ProviderError:
        if self._loop.time() >= self._total_at:
            return ProviderError("timeout_total", "the call's total time is over", phase="after")
        return ProviderError("timeout_inter_chunk", f"silent for {self._inter_chunk_s:g} s", phase="after")


class Deadlines:
    """The layer next to the transport: bounds the wait for the first event, then for the others."""

    def __init__(self, options: DeadlineOptions) -> None:
        self._options = options

    async def __call__(self, call: Call, next: Next) -> Reply:
        patience_s = min(self._options.first_token_s, call.target.timeout_s)
        now = asyncio.get_running_loop().time()
        if now >= call.caller.deadline_s:
            raise Rejected("rejected_deadline", "the call's deadline passed before it was sent")
        first_at = now + patience_s
        try:
            async with asyncio.timeout_at(min(first_at, call.caller.deadline_s)):
                reply = await next(call)
        except TimeoutError:
            if call.caller.deadline_s <= first_at:
                raise ProviderError("timeout_total", "the call's total time is over") from None
            raise ProviderError("timeout_first_token", f"no first token within {patience_s:g} s") from None
        reply.through(
            lambda source: DeadlineSource(
                source, inter_chunk_s=self._options.inter_chunk_s, total_at=call.caller.deadline_s
            )
        )
        return reply
