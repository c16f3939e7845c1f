"""Executor jobs: results are delivered in the order of submission, however the threads are scheduled.

Results are delivered only when nothing else is ready, so a job takes no virtual time and its result always
arrives at the same point of the program. One exception prevents a deadlock: a job that depends on the result
of a later job would block the queue, so after `PATIENCE_S` finished later jobs overtake it.
"""

import asyncio
import concurrent.futures
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

PATIENCE_S = 1.0
"""Real seconds that a finished job waits for an earlier, unfinished one."""

_Job = tuple["concurrent.futures.Future[Any]", "asyncio.Future[Any]"]


class ExecutorJobs:
    """The jobs that the loop waits for. `wake` is called, from any thread, when one has finished."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self.queue: deque[_Job] = deque()  # jobs not delivered yet, oldest first

    def watch(self, job: "concurrent.futures.Future[Any]", future: "asyncio.Future[Any]") -> None:
        """Set the job's outcome on the future when its turn comes; a cancelled future cancels the job."""
        self.queue.append((job, future))
        future.add_done_callback(partial(_pass_on_cancellation, job))
        job.add_done_callback(lambda _: self._wake())

    def deliver(self) -> bool:
        """Deliver the results of finished jobs up to the first unfinished one; whether there were any."""
        queue = self.queue
        before = len(queue)
        while queue and queue[0][0].done():
            _deliver(*queue.popleft())
        return len(queue) < before

    def deliver_any(self) -> None:
        """Deliver the results of all finished jobs, also those behind an unfinished one."""
        finished = [job for job in self.queue if job[0].done()]
        self.queue = deque(job for job in self.queue if job not in finished)
        for job in finished:
            _deliver(*job)

    def blocked(self) -> bool:
        """Whether a finished job waits behind an unfinished one."""
        return any(job.done() for job, _ in self.queue)


def _pass_on_cancellation(job: "concurrent.futures.Future[Any]", future: "asyncio.Future[Any]") -> None:
    if future.cancelled():
        job.cancel()


def _deliver(job: "concurrent.futures.Future[Any]", future: "asyncio.Future[Any]") -> None:
    if future.done():
        return
    if job.cancelled():
        future.cancel()
    elif (error := job.exception()) is not None:
        future.set_exception(_settable(error))
    else:
        future.set_result(job.result())


def _settable(error: BaseException) -> BaseException:
    if not isinstance(error, StopIteration):
        return error
    # asyncio.Future.set_exception refuses StopIteration.
    wrapped = RuntimeError("executor job raised StopIteration")
    wrapped.__cause__ = error
    return wrapped
