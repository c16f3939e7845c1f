"""Deadlines of one attempt: connect, first token, between chunks, and the whole call.

A slow drip never trips a timeout that restarts with every read, so each bound is a time on the loop's clock.
Between chunks there is one lazy timer, not one timer per chunk.

A model that reasons sends events without a word in them. They are signs of life: each one allows another
`inter_chunk_s`, before the first word and after it. A whole (not streamed) reply gives no sign until it is
written, so its bound is the time in which it can be; from its first byte on it may be silent for
`inter_chunk_s`, too.
"""

import asyncio

from pydantic import Field

from ..config.options import Options
from ..core.call import Call, Next
from ..core.errors import ProviderError, Rejected
from ..core.reply import Event, EventSource, Reply
from ..core.support import thinks_silently
from ..core.tokens import most_output_tokens


class DeadlineOptions(Options):
    """Seconds. `connect_s` 5; `first_token_s` 30, to the first sign of life, without the wait in our own
    limiter, or the target's `timeout_s` if that is shorter; `inter_chunk_s` 15; `total_s` 120, from the
    call's start, retries and fallbacks included; `after_finish_s` 2, for the usage and the end of a stream
    whose finish reason has come.

    `thinking_s` 0: so much more to the first token for a model that reasons without a sign of it, as OpenAI's
    do in chat completions (unless the effort is "none"). Others show their reasoning: a sign of life.

    A reply that is not streamed may take `first_token_s` and one second more for each
    `whole_tokens_per_s` 10 tokens that it may have (`max_tokens`, or the target's most).
    """

    connect_s: float = Field(default=5.0, gt=0)
    first_token_s: float = Field(default=30.0, gt=0)
    inter_chunk_s: float = Field(default=15.0, gt=0)
    total_s: float = Field(default=120.0, gt=0)
    after_finish_s: float = Field(default=2.0, gt=0)
    whole_tokens_per_s: float = Field(default=10.0, gt=0)
    thinking_s: float = Field(default=0.0, ge=0)

    def patience_s(self, call: Call) -> float:
        """Seconds from sending `call` to its first event."""
        first_s = min(self.first_token_s, call.target.timeout_s)
        if call.request.stream:
            return first_s + (self.thinking_s if thinks_silently(call.request, call.target) else 0.0)
        return first_s + most_output_tokens(call, call.target) / self.whole_tokens_per_s


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

    def extend(self) -> None:
        """The provider gave a sign of life: wait another `inter_chunk_s`."""
        self._due = min(self._loop.time() + self._inter_chunk_s, self._total_at)

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
        now = asyncio.get_running_loop().time()
        if now >= call.caller.deadline_s:
            raise Rejected("rejected_deadline", "the call's deadline passed before it was sent")
        watch = Watch(self._options, call, now)
        try:
            async with asyncio.timeout_at(watch.until_s) as watch.waiting:
                reply = await next(call.with_attempt(on_sign=watch.sign))
        except TimeoutError:
            raise watch.error() from None
        reply.through(watch.over)
        return reply


class Watch:
    """Bounds one attempt: its first event until `until_s`, which signs of life put off, then the others."""

    def __init__(self, options: DeadlineOptions, call: Call, now: float) -> None:
        self._options = options
        self._call = call
        self._patience_s = options.patience_s(call)
        self._first_at = now + self._patience_s
        self._deadline_s = call.caller.deadline_s
        self.until_s = min(self._first_at, self._deadline_s)
        self.waiting: asyncio.Timeout | None = None
        self._source: DeadlineSource | None = None
        self._signed = False

    def sign(self) -> None:
        """The provider sent an event without a word, or a part of a whole reply."""
        now = asyncio.get_running_loop().time()
        if self._source is not None:
            self._source.extend()
            return
        if not self._signed and (facts := self._call.attempt.facts) is not None:
            facts.sign_s = now
        self._signed = True
        next_at = now + self._options.inter_chunk_s
        streamed = self._call.request.stream
        first_at = max(self._first_at, next_at) if streamed else min(self._first_at, next_at)
        self.until_s = min(first_at, self._deadline_s)
        if self.waiting is not None:
            self.waiting.reschedule(self.until_s)

    def over(self, source: EventSource) -> EventSource:
        """`source`, bounded from now on."""
        self._source = DeadlineSource(
            source, inter_chunk_s=self._options.inter_chunk_s, total_at=self._deadline_s
        )
        return self._source

    def error(self) -> ProviderError:
        """The failure when `until_s` has passed without an event."""
        if self._deadline_s <= self.until_s:
            return ProviderError("timeout_total", "the call's total time is over")
        silent_s = self._options.inter_chunk_s
        if not self._call.request.stream:
            if self.until_s < self._first_at:
                return ProviderError("timeout_inter_chunk", f"silent for {silent_s:g} s in a whole reply")
            return ProviderError("timeout_whole", f"no whole reply within {self._patience_s:g} s")
        if self._signed:
            return ProviderError("timeout_first_token", f"no first token, and silent for {silent_s:g} s")
        return ProviderError("timeout_first_token", f"no first token within {self._patience_s:g} s")
