"""Admission to a target: take from the shared quota at once, or wait in the queue until there is room.

One task admits waiters in the queue's order while there are any. The quota lives in the backend, so several
processes can share it; the queue is this process's own.
"""

import asyncio
from collections.abc import Callable
from math import inf, isinf
from typing import TypeVar

from ..core.call import Priority
from ..core.errors import Rejected
from ..state.backend import Backend, MemoryBackend
from . import quota
from .quota import ROUNDING_S, Admission, Demand, Quota, QuotaOptions
from .wait_queue import Waiter, WaitQueue

R = TypeVar("R")

POLL_S = 1.0
"""Longest time between two looks at a shared backend: other processes free slots without notice."""


class AdmissionQueue:
    """One target's quota, and the requests that wait for it."""

    def __init__(
        self,
        options: QuotaOptions,
        key: str,
        backend: Backend,
        *,
        max_wait_s: float,
        batch_patience_s: float,
    ) -> None:
        self._options = options
        self._key = key
        self._backend = backend
        self._max_wait_s = max_wait_s
        # A caller that is cancelled during a remote update cannot know whether it took from the quota. So
        # only the admitting task, which no caller cancels, takes from a remote backend.
        self._immediate = isinstance(backend, MemoryBackend)
        self._queue = WaitQueue(batch_patience_s)
        self._changed = asyncio.Event()
        self._admitting: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Requests that wait."""
        return len(self._queue)

    async def acquire(self, demand: Demand, priority: Priority, deadline_s: float) -> Admission:
        """Wait for `demand`. Raises `Rejected("rejected_limiter")` at once if the predicted wait is too long
        (`max_wait_s`, or the deadline), and later if the real one becomes so.
        """
        now = asyncio.get_running_loop().time()
        if self._immediate and not self._queue:
            admission = await self._take(demand)
            if admission.wait_s == 0.0:
                return admission
        ahead = self._queue.ahead_of(priority)
        wait_s = await self._update(now, lambda known: (known, quota.wait_s(known, demand, now, ahead)))
        left_s = deadline_s - now
        patience_s = min(self._max_wait_s, left_s)
        if wait_s > patience_s or wait_s >= left_s:
            raise _too_long(wait_s, patience_s)
        waiter = Waiter(demand, priority, now, asyncio.get_running_loop().create_future())
        return await self._wait(waiter, now + patience_s)

    def release(self, unused: Demand, output_tokens: float = 0.0) -> None:
        """A request has ended, or was never sent: frees its slot and returns the `unused` part of its demand.

        `output_tokens` are those that a provider which charges them at the end charges now.
        """
        now = asyncio.get_running_loop().time()
        self.post(lambda known: quota.release(known, unused, now, output_tokens))
        self._changed.set()

    def post(self, change: Callable[[Quota], Quota]) -> None:
        """Change the quota without waiting for it."""
        self._backend.post(self._key, lambda known: (change(known), None))

    async def _wait(self, waiter: Waiter, until_s: float) -> Admission:
        self._queue.append(waiter)
        self._start_admitting()
        try:
            async with asyncio.timeout_at(until_s + ROUNDING_S):
                return await waiter.admitted
        except TimeoutError:
            self._abandon(waiter)
            waited_s = until_s - waiter.since_s
            raise _too_long(waited_s, waited_s) from None
        except asyncio.CancelledError:
            self._abandon(waiter)
            raise

    def _abandon(self, waiter: Waiter) -> None:
        """Remove a waiter from the queue, or return what it was admitted for and never used."""
        if waiter.admitted.done() and not waiter.admitted.cancelled():
            self.release(waiter.demand)
        else:
            waiter.admitted.cancel()
            self._queue.remove(waiter)
        self._changed.set()

    def _start_admitting(self) -> None:
        self._changed.set()
        if self._admitting is None:
            self._admitting = asyncio.get_running_loop().create_task(self._admit())
            self._admitting.add_done_callback(self._stopped_admitting)

    def _stopped_admitting(self, task: "asyncio.Task[None]") -> None:
        """An error fails every waiter; a cancelled task is started again while anyone waits."""
        self._admitting = None
        if not task.cancelled() and (error := task.exception()) is not None:
            while (waiter := self._queue.head(inf)) is not None:
                self._queue.remove(waiter)
                waiter.admitted.set_exception(error)
        elif self._queue:
            self._start_admitting()

    async def _admit(self) -> None:
        loop = asyncio.get_running_loop()
        while (head := self._queue.head(loop.time())) is not None:
            self._changed.clear()
            admission = await self._take(head.demand)
            if admission.wait_s > 0 and not head.admitted.done():
                await self._wait_for_change(admission.wait_s)
                continue
            self._queue.remove(head)
            if not head.admitted.done():
                head.admitted.set_result(admission)
            elif admission.wait_s == 0:  # its caller was cancelled, and has not yet left the queue
                self.release(head.demand)

    async def _wait_for_change(self, longest_s: float) -> None:
        if not self._immediate:
            longest_s = min(longest_s, POLL_S)
        try:
            async with asyncio.timeout(None if isinf(longest_s) else longest_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _take(self, demand: Demand) -> Admission:
        now = asyncio.get_running_loop().time()
        return await self._update(now, lambda known: quota.take(self._options, known, demand, now))

    async def _update(self, now: float, change: Callable[[Quota], tuple[Quota, R]]) -> R:
        return await self._backend.update(
            self._key, lambda known: change(known or quota.initial(self._options, now))
        )


def _too_long(wait_s: float, patience_s: float) -> Rejected:
    return Rejected(
        "rejected_limiter",
        f"the rate limit would hold this call for {wait_s:.1f} s, it can wait {patience_s:.1f} s",
        retry_after_s=wait_s,
    )
