"""asyncio.run in virtual time."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from .anyio_threads import anyio_threads_hold_time
from .clock import DEFAULT_EPOCH_S, virtual_clock
from .leak_report import LeakReport
from .loop import VirtualLoop

_T = TypeVar("_T")

_YOUNG_OBJECTS = 50_000
"""Allocations before a collection; Python's default of 700 costs a virtual run about 5 % of its time."""


def run_virtual(
    main: Coroutine[Any, Any, _T],
    *,
    epoch_s: float = DEFAULT_EPOCH_S,
    debug: bool = False,
    on_leak_report: Callable[[LeakReport], object] | None = None,
) -> _T:
    """Run a program to its end on a new `VirtualLoop`, with the process's clocks following it.

    epoch_s         time.time() at the start (2026-01-01T00:00:00Z)
    debug           asyncio's debug mode
    on_leak_report  called with the tasks, connections and timers that `main` left behind, once nothing more
                    can run at that instant and before they are cancelled

    As asyncio.run: remaining tasks are cancelled (oldest first, so that a run repeats), async generators and
    the default executor are shut down, Ctrl-C raises KeyboardInterrupt. The garbage collector runs less often
    meanwhile. Raises `Deadlock` when the program can never continue, RuntimeError inside a running event loop
    or another virtual run.
    """
    loop = VirtualLoop()
    try:
        _refuse_running_loop()
        with (
            virtual_clock(loop, epoch_s=epoch_s),
            anyio_threads_hold_time(),
            _rare_garbage_collection(),
            asyncio.Runner(debug=debug, loop_factory=lambda: loop) as runner,
        ):
            try:
                return runner.run(main)
            finally:
                loop.run_until_complete(_end(loop, on_leak_report))
    finally:
        main.close()
        loop.close()


def _refuse_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("run_virtual() cannot be called from a running event loop")


async def _end(loop: VirtualLoop, on_leak_report: Callable[[LeakReport], object] | None) -> None:
    """Finish the current instant, report what is left, cancel remaining tasks and report their errors."""
    await loop.idle()
    if on_leak_report is not None:
        on_leak_report(loop.leak_report())
    tasks = [task for task in loop.pending_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    for task in tasks:
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            loop.call_exception_handler(
                {
                    "message": "unhandled exception during the end of run_virtual()",
                    "exception": error,
                    "task": task,
                }
            )


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Collect less often: streams make many objects, nearly all freed by reference counting."""
    before = gc.get_threshold()
    if 0 < before[0] < _YOUNG_OBJECTS:
        gc.set_threshold(_YOUNG_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
