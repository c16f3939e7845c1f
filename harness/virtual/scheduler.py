"""An asyncio event loop whose clock jumps to the next timer whenever nothing is ready.

It overrides `_run_once` and the scheduling calls of CPython's selector loop rather than wrapping its
selector: no system call is made unless a real file descriptor or another thread needs one.
"""

import asyncio
import math
import weakref
from collections import deque
from collections.abc import Callable
from contextvars import Context
from heapq import heapify, heappop, heappush
from typing import Any, cast

from .deadlock import Deadlock, describe_task
from .handles import SoonHandle, VirtualTimer
from .real_io import RealIO

_TURNS_PER_POLL = 256
"""Turns between polls of real file descriptors (signals, foreign readers) on a loop that is never idle."""
_POLLS_UNTIL_STARVED = 400
"""Polls after which a loop that is never idle delivers its executor jobs' results: 100,000 turns."""
_FEW_CANCELLED = 100
"""Cancelled timers that may stay in a heap of any size."""


class Scheduler(RealIO):
    """An asyncio loop in virtual time. `VirtualLoop` is this with a network."""

    # asyncio's private state, not in typeshed.
    _closed: bool
    _debug: bool
    _ready: deque[asyncio.Handle]
    _stopping: bool
    _thread_id: int | None
    _timer_cancelled_count: int

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        # Not asyncio's heap, which orders by time alone: here the second item keeps the order of setting.
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timers_set = 0
        self._polls_since_idle = 0
        self._idle_waiters: list[asyncio.Future[None]] = []
        self._by_age: weakref.WeakKeyDictionary[asyncio.Task[Any], None] = weakref.WeakKeyDictionary()

    # -- time ------------------------------------------------------------------------------------------------

    def time(self) -> float:
        """Virtual seconds since the loop was created."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Advance the clock within a running callback, as a blocking call does: timers fire late."""
        self._now += seconds
        self._fire()

    async def idle(self) -> None:
        """Wait until nothing else can run at this instant, executor jobs included; no time passes.

        A program that spins is never idle; the wait then ends after 100,000 turns.
        """
        waiter = self.create_future()
        self._idle_waiters.append(waiter)
        await waiter

    def runs_in_thread(self, thread_id: int) -> bool:
        """Whether the loop is running in that thread."""
        return self._thread_id == thread_id

    # -- scheduling ------------------------------------------------------------------------------------------

    def call_soon(  # type: ignore[override]  # without asyncio's variadic generics
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run the callback after those that are ready already."""
        if self._debug or self._closed:
            return super().call_soon(callback, *args, context=context)
        handle = SoonHandle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]  # as call_soon
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run the callback after `delay` virtual seconds."""
        return self._set_timer(self._now + delay, callback, args, context)

    def call_at(  # type: ignore[override]  # as call_soon
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run the callback at a virtual time: at once if it has passed, never if it is infinity."""
        return self._set_timer(when, callback, args, context)

    def _set_timer(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> asyncio.TimerHandle:
        if self._closed:
            self._check_closed()  # type: ignore[attr-defined]  # not in typeshed; raises
        kind = asyncio.TimerHandle if self._debug else VirtualTimer
        timer: Any = kind(when, callback, args, self, context)
        if when <= self._now:
            self._ready.append(timer)
        elif when < math.inf:
            if self._timer_cancelled_count > _FEW_CANCELLED + len(self._timers) // 2:
                self._drop_cancelled()
            self._timers_set = order = self._timers_set + 1
            heappush(self._timers, (when, order, timer))
            timer._scheduled = True
        elif when != math.inf:
            raise ValueError(f"a timer's time: expected a number of seconds, got {when!r}")
        return cast("asyncio.TimerHandle", timer)

    def _drop_cancelled(self) -> None:
        timers: Any = self._timers
        self._timers = [entry for entry in timers if not entry[2]._cancelled]
        heapify(self._timers)
        self._timer_cancelled_count = 0

    def create_task(  # its options differ by Python version
        self, coro: Any, *, name: object = None, context: Context | None = None, **options: Any
    ) -> asyncio.Task[Any]:
        """asyncio's; the loop also records the order of creation."""
        task: asyncio.Task[Any] = super().create_task(coro, name=name, context=context, **options)
        self._by_age[task] = None
        return task

    def pending_tasks(self) -> list[asyncio.Task[Any]]:
        """The tasks that are not done, oldest first; `asyncio.all_tasks` has no order."""
        return [task for task in self._by_age if not task.done()]

    # -- turns -----------------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        """Run turns until stopped or due to poll: many, because one call of this costs as much as a turn."""
        ready: deque[Any] = self._ready
        for _ in range(_TURNS_PER_POLL):
            if not ready:
                if self._stopping:
                    return
                self._wait()
            for _ in range(len(ready)):
                handle = ready.popleft()
                if handle._cancelled:
                    continue
                try:
                    handle._context.run(handle._callback, *handle._args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:  # noqa: BLE001  # a callback's error is reported, as in asyncio
                    self._report(handle, error)
            handle = None  # as in asyncio: a handle kept alive keeps its arguments alive
            if self._stopping:
                return
        self._poll_when_busy()

    def _wait(self) -> None:
        """Nothing is ready: jump to the next timer, unless threads or file descriptors come first."""
        self._polls_since_idle = 0
        if (
            self._has_real_fds or self._holds or self._jobs.queue or self._idle_waiters
        ) and self._real_events_first():
            return
        timers: Any = self._timers
        while timers:
            when, _, timer = heappop(timers)
            if timer._cancelled:
                self._timer_cancelled_count -= 1
                continue
            timer._scheduled = False
            self._ready.append(timer)
            if when > self._now:
                self._now = when
            if timers and timers[0][0] <= when:
                self._fire()
            return
        if not self._has_real_fds:
            raise Deadlock([describe_task(task) for task in self.pending_tasks()], self._now)
        self._poll(None)

    def _real_events_first(self) -> bool:
        if self._has_real_fds:
            self._poll(0)
            if self._ready:
                return True
        if self._holds or self._jobs.queue:
            self._wait_for_threads()
            return True
        if self._idle_waiters:
            self._wake_idle_waiters()
            return True
        return False

    def _wake_idle_waiters(self) -> None:
        waiters, self._idle_waiters = self._idle_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _fire(self) -> None:
        """Make all due timers ready."""
        timers: Any = self._timers
        now = self._now
        while timers and timers[0][0] <= now:
            timer = heappop(timers)[2]
            timer._scheduled = False
            if timer._cancelled:
                self._timer_cancelled_count -= 1
            else:
                self._ready.append(timer)

    def _poll_when_busy(self) -> None:
        self._poll(0)
        self._polls_since_idle += 1
        if self._polls_since_idle > _POLLS_UNTIL_STARVED:
            self._jobs.deliver()
            self._wake_idle_waiters()

    def _report(self, handle: asyncio.Handle, error: BaseException) -> None:
        message = f"Exception in callback {handle!r}"
        self.call_exception_handler({"message": message, "exception": error, "handle": handle})

    def close(self) -> None:
        """asyncio's."""
        self._timers.clear()
        super().close()
