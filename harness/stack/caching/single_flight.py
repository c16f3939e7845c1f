"""Single-flight: calls that ask the same at the same time share one call upstream.

The call that takes off is the flight's leader; those that come before it has landed get the same events
from its buffer, the earlier ones at once. A leader that leaves does not take the others with it: the flight
goes on as long as anybody reads, and ends with its last reader. Nobody waits past a deadline of their own.

One task reads the reply from upstream as fast as it comes, so no reader waits for a slower one. What that
costs is the leader's, whose row is written when the flight is over.
"""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Literal

from ..core.background import Background
from ..core.call import Call, Next
from ..core.errors import AllProvidersFailed, ProviderError
from ..core.reply import Event, EventSource, Finish, Reply

Landed = Callable[["Flight"], None]


class Flight:
    """One call upstream, and those who read its reply.

    `landed` is called once, when no event can come any more. Unless it is `kept`, the flight is over when its
    last reader has left.
    """

    def __init__(
        self, call: Call, next: Next, background: Background, landed: Landed, *, kept: bool = False
    ) -> None:
        self.events: list[Event] = []
        self.error: Exception | None = None
        self.over = False
        self._leader = call
        self._landed = landed
        self._kept = kept
        self._readers = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._task = background.start(self._fly(next))
        call.facts.goes_on_with(self._task)

    @property
    def answer(self) -> tuple[Event, ...] | None:
        """All events of a whole answer; None while there is none."""
        whole = self.events and type(self.events[-1]) is Finish
        return tuple(self.events) if whole else None

    @property
    def _out_of_time(self) -> bool:
        errors = [self.error]
        if isinstance(self.error, AllProvidersFailed):
            errors = [error for _, error in self.error.failures]
        return any(getattr(error, "kind", "") in ("timeout_total", "rejected_deadline") for error in errors)

    def takes(self, call: Call) -> bool:
        """Whether `call` may fly along: one that streams, or is more urgent, does not wait for the leader."""
        leader = self._leader
        urgent = call.caller.priority == "interactive" and leader.caller.priority != "interactive"
        return not self.over and not urgent and (leader.request.stream or not call.request.stream)

    def failed_for(self, call: Call) -> bool:
        """Whether it came to nothing because the leader had no time, and `call` has more."""
        return (
            not self.events and self._out_of_time and call.caller.deadline_s > self._leader.caller.deadline_s
        )

    async def board(self, call: Call) -> Reply:
        """The reply as `call` reads it, once its first event is there. Raises what the flight failed with."""
        reader = Reader(self, inf if call is self._leader else call.caller.deadline_s)
        self._readers += 1
        try:
            first = await reader.__anext__()
        except BaseException:
            await reader.aclose()
            raise
        return Reply(first, reader)

    async def news(self) -> None:
        """Return when there is another event, or none will come."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    async def leave(self) -> None:
        """A reader stops reading. The last one waits until upstream has settled."""
        self._readers -= 1
        if self._readers or self._kept or self._task.done():
            return
        if self.answer is None:
            self._task.cancel()
        await asyncio.wait([self._task])

    def wake(self) -> None:
        """Let every reader look again."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def _fly(self, next: Next) -> None:
        try:
            async with await next(self._leader) as reply:
                async for event in reply:
                    self.events.append(event)
                    self.wake()
                    if type(event) is Finish:
                        break
        except Exception as error:  # noqa: BLE001  # every reader gets it
            self.error = error
        finally:
            self.over = True
            self._landed(self)
            self.wake()


class Reader(EventSource):
    """One caller's way through the events of a flight, at most until `deadline_s`."""

    def __init__(self, flight: Flight, deadline_s: float) -> None:
        self._flight = flight
        self._nth = 0
        self._left = False
        self._late = False
        self._timer: asyncio.TimerHandle | None = None
        if deadline_s < inf:
            self._timer = asyncio.get_running_loop().call_at(deadline_s, self._expire)

    async def __anext__(self) -> Event:
        flight = self._flight
        while self._nth == len(flight.events):
            if flight.answer is not None:
                raise StopAsyncIteration
            if flight.over:
                raise flight.error or asyncio.CancelledError("the flight was called off")
            if self._late:
                phase: Literal["before", "after"] = "after" if self._nth else "before"
                raise ProviderError("timeout_total", "the call's total time is over", phase=phase)
            await flight.news()
        self._nth += 1
        return flight.events[self._nth - 1]

    async def aclose(self) -> None:
        if self._left:
            return
        self._left = True
        if self._timer is not None:
            self._timer.cancel()
        await self._flight.leave()

    def _expire(self) -> None:
        self._late = True
        self._flight.wake()
