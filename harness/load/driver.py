"""The asyncio load engine: plays an arrival plan in open loop, on the clock of its event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from .client_errors import ClientErrors
from .plan import PlannedCall
from .reading import ObservedReply
from .recorder import call_row, unsent_row

Ask = Callable[[PlannedCall, ObservedReply], Awaitable[None]]
"""Makes one call and records the reply. Failures of providers and refusals are recorded, too; an exception
that it raises is the client's own error."""

CANCELS = 3
"""Times that a call which ignores its cancellation is cancelled, before its coroutine is closed."""
CANCELLED_WITHIN_S = 5.0


def _nothing() -> None:
    """No reason to give up."""


class Driver:
    """Open loop: starts every call at its planned time, independent of earlier replies.

    `record` gets one row for each planned call, whatever happens to it. A call that takes longer than
    `call_timeout_s` ends as `timeout_total`. Calls still open `drain_s` after the last one started are "cut";
    when `play` is cancelled they are "unfinished", and those whose time had not come "unstarted". What the
    client itself raises is a "client_error", noted in `errors`. `give_up` is asked before each call: a reason
    ends the plan there.
    """

    def __init__(
        self,
        ask: Ask,
        t0_s: float,
        *,
        call_timeout_s: float,
        drain_s: float,
        record: Callable[[Any], None],
        errors: ClientErrors | None = None,
        give_up: Callable[[], str | None] = _nothing,
    ) -> None:
        self._ask = ask
        self._t0_s = t0_s
        self._call_timeout_s = call_timeout_s
        self._drain_s = drain_s
        self._record = record
        self._errors = errors or ClientErrors()
        self._give_up = give_up
        self._running: dict[asyncio.Task[None], _OpenCall] = {}
        self._ending: str | None = None

    async def play(self, plan: Sequence[PlannedCall]) -> str | None:
        """Play the plan to its last reply; returns why it gave up, if it did. Cancellation ends the open
        calls."""
        loop = asyncio.get_running_loop()
        started, reason = 0, None
        try:
            for call in plan:
                delay_s = self._t0_s + call.at_s - loop.time()
                if delay_s > 0:
                    await asyncio.sleep(delay_s)
                if (reason := self._give_up()) is not None:
                    break
                self._start(call)
                started += 1
            if self._running:
                await asyncio.wait(list(self._running), timeout=self._drain_s)
            self._ending = "cut"
        finally:
            self._ending = self._ending or "unfinished"
            await self._end_all()
            for call in plan[started:]:
                self._record(unsent_row(call, "unstarted"))
        return reason

    def _start(self, call: PlannedCall) -> None:
        loop = asyncio.get_running_loop()
        opened = _OpenCall(call, loop.time())
        task = loop.create_task(self._make(opened))
        self._running[task] = opened
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        opened = self._running.pop(task, None)
        if not task.cancelled():
            task.exception()  # read, so that asyncio does not report it
        if opened is not None:
            self._write(opened)

    async def _end_all(self) -> None:
        """Cancel the open calls; those that ignore it are recorded and abandoned."""
        for _ in range(CANCELS):
            for task in self._running:
                task.cancel()
            if not self._running:
                return
            await asyncio.wait(list(self._running), timeout=CANCELLED_WITHIN_S)
        for task, opened in list(self._running.items()):
            self._end_as(opened, self._ending or "cut")
            del self._running[task]
            self._write(opened)
            _abandon(task)

    async def _make(self, opened: "_OpenCall") -> None:
        observed = opened.observed
        try:
            async with asyncio.timeout(self._call_timeout_s):
                await self._ask(opened.call, observed)
        except TimeoutError as error:
            if isinstance(error.__cause__, asyncio.CancelledError):
                observed.error_kind = "timeout_total"
            else:
                self._client_error(opened, error)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # a client may raise anything, SystemExit too
            late = asyncio.get_running_loop().time() - opened.started_s >= self._call_timeout_s
            if self._ending is None and not late:
                self._client_error(opened, error)
            else:
                self._end_as(opened, self._ending or "cut")
        opened.end_s = asyncio.get_running_loop().time()

    def _client_error(self, opened: "_OpenCall", error: BaseException) -> None:
        opened.observed.error_kind = opened.observed.ended_as = "client_error"
        opened.observed.exception = self._errors.note(opened.call.call_id, error)

    def _end_as(self, opened: "_OpenCall", outcome: str) -> None:
        """End an open call: past its own timeout it failed, before that the harness ended it."""
        opened.end_s = asyncio.get_running_loop().time()
        if opened.end_s - opened.started_s >= self._call_timeout_s:
            opened.observed.error_kind = "timeout_total"
        else:
            opened.observed.ended_as = outcome

    def _write(self, opened: "_OpenCall") -> None:
        started_s, end_s = opened.started_s, opened.end_s
        if end_s is None:  # its coroutine was closed before its first step
            opened.observed.ended_as = self._ending or "generator_error"
            end_s = asyncio.get_running_loop().time()
        try:
            row = call_row(opened.call, opened.observed, t0_s=self._t0_s, started_s=started_s, end_s=end_s)
        except Exception:  # noqa: BLE001  # a row that cannot be made is a row, too
            row = unsent_row(opened.call, "generator_error")
        self._record(row)


class _OpenCall:
    """A call under way."""

    __slots__ = ("call", "end_s", "observed", "started_s")

    def __init__(self, call: PlannedCall, started_s: float) -> None:
        self.call = call
        self.started_s = started_s
        self.end_s: float | None = None
        self.observed = ObservedReply()


def _abandon(task: asyncio.Task[None]) -> None:
    """Stop a task that swallows its cancellation: close its coroutine, and let the loop forget it."""
    try:
        task.get_coro().close()
    except RuntimeError:  # it swallows GeneratorExit, too
        asyncio._unregister_task(task)
    else:
        task.cancel()
