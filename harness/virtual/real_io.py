"""Other threads and real file descriptors of a loop in virtual time.

Polled no more often than needed: executor jobs when nothing else is ready; file descriptors then too, if any
is registered, and once in a while on a busy loop.
"""

import asyncio
import concurrent.futures
import selectors
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from .jobs import PATIENCE_S, ExecutorJobs

_T = TypeVar("_T")


class RealIO(asyncio.SelectorEventLoop):
    """The part of the loop that waits in real time."""

    # asyncio's own state, which typeshed does not know.
    _default_executor: concurrent.futures.Executor | None
    _internal_fds: int
    _ready: deque[asyncio.Handle]
    _selector: selectors.BaseSelector
    _signal_handlers: dict[int, asyncio.Handle]

    def __init__(self) -> None:
        super().__init__()
        self._has_real_fds = False
        self._holds = 0
        self._jobs = ExecutorJobs(self._wake)

    # -- threads ---------------------------------------------------------------------------------------------

    @contextmanager
    def hold_time(self) -> Iterator[None]:
        """Inside, virtual time stands still: for waiting on a thread that the loop did not start."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    def run_in_executor(  # type: ignore[override]  # as call_soon
        self, executor: concurrent.futures.Executor | None, func: Callable[..., _T], *args: Any
    ) -> asyncio.Future[_T]:
        """asyncio's; virtual time stands still until the job is done, even if its future is cancelled."""
        self._check_closed()  # type: ignore[attr-defined]  # not in typeshed
        job = (executor or self._pool()).submit(func, *args)
        future = self.create_future()
        self._jobs.watch(job, future)
        return future

    def _pool(self) -> concurrent.futures.Executor:
        self._check_default_executor()  # type: ignore[attr-defined]  # not in typeshed
        if self._default_executor is None:
            self._default_executor = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="asyncio")
        return self._default_executor

    async def shutdown_default_executor(self, *args: Any, **options: Any) -> None:
        """asyncio's; virtual time stands still until its threads have ended."""
        with self.hold_time():
            await super().shutdown_default_executor(*args, **options)

    def _wait_for_threads(self) -> None:
        if self._jobs.deliver():
            return
        patience = PATIENCE_S if self._jobs.blocked() else None
        self._poll(patience)
        if not self._ready and not self._jobs.deliver() and patience is not None:
            self._jobs.deliver_any()

    def _wake(self) -> None:
        self._write_to_self()  # type: ignore[attr-defined]  # not in typeshed

    # -- file descriptors ------------------------------------------------------------------------------------

    def add_reader(  # type: ignore[override]  # as call_soon
        self, fd: Any, callback: Callable[..., object], *args: Any
    ) -> None:
        """asyncio's. Real file descriptors are polled before every jump; they do not hold time still."""
        super().add_reader(fd, callback, *args)
        self._count_fds()

    def remove_reader(self, fd: Any) -> bool:
        """asyncio's."""
        removed = super().remove_reader(fd)
        self._count_fds()
        return removed

    def add_writer(  # type: ignore[override]  # as call_soon
        self, fd: Any, callback: Callable[..., object], *args: Any
    ) -> None:
        """As add_reader."""
        super().add_writer(fd, callback, *args)
        self._count_fds()

    def remove_writer(self, fd: Any) -> bool:
        """asyncio's."""
        removed = super().remove_writer(fd)
        self._count_fds()
        return removed

    def add_signal_handler(  # type: ignore[override]  # as call_soon
        self, sig: int, callback: Callable[..., object], *args: Any
    ) -> None:
        """asyncio's; a loop with one never deadlocks, because a signal may arrive."""
        super().add_signal_handler(sig, callback, *args)
        self._count_fds()

    def remove_signal_handler(self, sig: int) -> bool:
        """asyncio's."""
        removed = super().remove_signal_handler(sig)
        self._count_fds()
        return removed

    def _count_fds(self) -> None:
        registered = len(self._selector.get_map()) > self._internal_fds
        self._has_real_fds = registered or bool(self._signal_handlers)

    def _poll(self, timeout: float | None) -> None:
        self._process_events(self._selector.select(timeout))  # type: ignore[attr-defined]  # not in typeshed
