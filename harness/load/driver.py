"""The asyncio load engine: plays an arrival plan in open loop, on the clock of its event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from .plan import PlannedCall
from .reading import ObservedReply
from .recorder import call_row

Ask = Callable[[PlannedCall, ObservedReply], Awaitable[None]]
"""Makes one call and records the reply; failures are recorded too, not raised."""


class Driver:
    """Open loop: starts every call at its planned time, independent of earlier replies.

    `record` gets the row of each call as it ends. A call that takes longer than `call_timeout_s` ends as
    `timeout_total`; so do the calls still open `drain_s` after the last one started.
    """

    def __init__(
        self, ask: Ask, t0_s: float, *, call_timeout_s: float, drain_s: float, record: Callable[[Any], None]
    ) -> None:
        self._ask = ask
        self._t0_s = t0_s
        self._call_timeout_s = call_timeout_s
        self._drain_s = drain_s
        self._record = record
        self._running: dict[asyncio.Task[None], None] = {}
        self._drained = False

    async def play(self, plan: Sequence[PlannedCall]) -> None:
        """Play the whole plan, to its last reply. Cancellation ends the open calls without recording them."""
        loop = asyncio.get_running_loop()
        try:
            for call in plan:
                delay_s = self._t0_s + call.at_s - loop.time()
                if delay_s > 0:
                    await asyncio.sleep(delay_s)
                task = loop.create_task(self._make(call))
                self._running[task] = None
                task.add_done_callback(self._running.__delitem__)
            if self._running:
                await asyncio.wait(list(self._running), timeout=self._drain_s)
            self._drained = True
        finally:
            await self._end_all()

    async def _end_all(self) -> None:
        left = list(self._running)
        for task in left:
            task.cancel()
        for task in left:
            await asyncio.wait([task])

    async def _make(self, call: PlannedCall) -> None:
        loop = asyncio.get_running_loop()
        observed = ObservedReply()
        started_s = loop.time()
        try:
            async with asyncio.timeout(self._call_timeout_s):
                await self._ask(call, observed)
        except TimeoutError:
            observed.error_kind = "timeout_total"
        except asyncio.CancelledError:
            if not self._drained:
                raise
            observed.error_kind = "timeout_total"
        self._record(call_row(call, observed, t0_s=self._t0_s, started_s=started_s, end_s=loop.time()))
