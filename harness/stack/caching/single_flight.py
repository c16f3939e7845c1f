"""Single-flight: calls that ask the same at the same time share one call upstream.

The first call is the flight's leader. Calls that subscribe before it has ended read the same events from its
buffer, those already there at once. The flight survives its leader: it goes on while it has readers and is
cancelled with the last one. Each reader keeps its own deadline.

One task reads the upstream reply as fast as it comes, so no reader waits for a slower one. Its cost is the
leader's, whose row is written when the flight has ended.
"""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Literal

from ..core.background import Background
from ..core.call import Call, Next
from ..core.errors import AllProvidersFailed, ProviderError
from ..core.reply import Event, EventSource, Finish, Reply

OnComplete = Callable[["Flight"], None]


class Flight:
    """One call upstream, and the readers of its reply.

    `on_complete` is called once, when no event can come any more. Unless `detached`, the flight is cancelled
    when its last reader has left.
    """

    def __init__(
        self,
        call: Call,
        next: Next,
        background: Background,
        on_complete: OnComplete,
        *,
        detached: bool = False,
    ) -> None:
        self.events: list[Event] = []
        self.error: Exception | None = None
        self.ended = False
        self._leader = call
        self._on_complete = on_complete
        self._detached = detached
        self._readers = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._task = background.start(self._run(next))
        call.facts.goes_on_with(self._task)

    @property
    def answer(self) -> tuple[Event, ...] | None:
        """All events of a complete answer; None until then, and after a failure."""
        complete = self.events and type(self.events[-1]) is Finish
        return tuple(self.events) if complete else None

    @property
    def dropped(self) -> tuple[str, ...]:
        """Settings of the request that the target which answers was not sent; known from the first event."""
        return self._leader.facts.dropped_for_all

    @property
    def _timed_out(self) -> bool:
        errors = [self.error]
        if isinstance(self.error, AllProvidersFailed):
            errors = [error for _, error in self.error.failures]
        return any(getattr(error, "kind", "") in ("timeout_total", "rejected_deadline") for error in errors)

    def accepts(self, call: Call) -> bool:
        """Whether `call` may share the flight: not if the flight has ended, nor if `call` is interactive and
        the leader a batch call, nor if `call` streams and the leader does not.
        """
        leader = self._leader
        urgent = call.caller.priority == "interactive" and leader.caller.priority != "interactive"
        return not self.ended and not urgent and (leader.request.stream or not call.request.stream)

    def should_retry(self, call: Call) -> bool:
        """Whether the leader's deadline ended the flight before its first event and `call` has more time."""
        return not self.events and self._timed_out and call.caller.deadline_s > self._leader.caller.deadline_s

    async def subscribe(self, call: Call) -> Reply:
        """The reply for `call`, once the first event is there. Raises the flight's error."""
        reader = Reader(self, inf if call is self._leader else call.caller.deadline_s)
        self._readers += 1
        try:
            first = await reader.__anext__()
        except BaseException:
            await reader.aclose()
            raise
        return Reply(first, reader)

    async def wait(self) -> None:
        """Return when there is another event, or none will come."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    async def unsubscribe(self) -> None:
        """A reader stops reading. The last one cancels the flight and waits until it has settled."""
        self._readers -= 1
        if self._readers or self._detached or self._task.done():
            return
        if self.answer is None:
            self._task.cancel()
        await asyncio.wait([self._task])

    def notify(self) -> None:
        """Wake every waiting reader."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def _run(self, next: Next) -> None:
        try:
            async with await next(self._leader) as reply:
                async for event in reply:
                    self.events.append(event)
                    self.notify()
                    if type(event) is Finish:
                        break
        except Exception as error:  # noqa: BLE001  # raised to every reader
            self.error = error
        finally:
            self.ended = True
            self._on_complete(self)
            self.notify()


class Reader(EventSource):
    """One caller's position in the events of a flight. Raises `timeout_total` at `deadline_s`."""

    def __init__(self, flight: Flight, deadline_s: float) -> None:
        self._flight = flight
        self._nth = 0
        self._closed = False
        self._expired = False
        self._timer: asyncio.TimerHandle | None = None
        if deadline_s < inf:
            self._timer = asyncio.get_running_loop().call_at(deadline_s, self._expire)

    async def __anext__(self) -> Event:
        flight = self._flight
        while self._nth == len(flight.events):
            if flight.answer is not None:
                raise StopAsyncIteration
            if flight.ended:
                raise flight.error or asyncio.CancelledError("the shared call was cancelled")
            if self._expired:
                phase: Literal["before", "after"] = "after" if self._nth else "before"
                raise ProviderError("timeout_total", "the call's total time is over", phase=phase)
            await flight.wait()
        self._nth += 1
        return flight.events[self._nth - 1]

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._flight.unsubscribe()

    def _expire(self) -> None:
        self._expired = True
        self._flight.notify()
