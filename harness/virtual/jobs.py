"""Executor jobs: their results come back in the order of submission, however the threads are scheduled.

Results are handed over only when nothing else is ready, so a job takes no virtual time and its result always
lands at the same point of the program. The one exception keeps the world alive: a job that itself waits for
what follows from a later job's result would block the queue; after `PATIENCE_S` the later one passes it.
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
    """The jobs whose results the loop waits for. `wake` is called from any thread when one has finished."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self.queue: deque[_Job] = deque()  # what is not handed over yet, by age

    def watch(self, job: "concurrent.futures.Future[Any]", future: "asyncio.Future[Any]") -> None:
        """Give the job's outcome to the future when its turn comes; a cancelled future cancels the job."""
        self.queue.append((job, future))
        future.add_done_callback(partial(_pass_on_cancellation, job))
        job.add_done_callback(lambda _: self._wake())

    def hand_over(self) -> bool:
        """Give out the results of finished jobs up to the first unfinished one; whether there were any."""
        queue = self.queue
        before = len(queue)
        while queue and queue[0][0].done():
            _hand_over(*queue.popleft())
        return len(queue) < before

    def hand_over_any(self) -> None:
        """Give out the results of all finished jobs, unfinished earlier ones or not."""
        finished = [job for job in self.queue if job[0].done()]
        self.queue = deque(job for job in self.queue if job not in finished)
        for job in finished:
            _hand_over(*job)

    def overtaken(self) -> bool:
        """Whether a finished job waits behind an unfinished one."""
        return any(job.done() for job, _ in self.queue)


def _pass_on_cancellation(job: "concurrent.futures.Future[Any]", future: "asyncio.Future[Any]") -> None:
    if future.cancelled():
        job.cancel()


def _hand_over(job: "concurrent.futures.Future[Any]", future: "asyncio.Future[Any]") -> None:
    if future.done():
        return
    if job.cancelled():
        future.cancel()
    elif (error := job.exception()) is not None:
        future.set_exception(_presentable(error))
    else:
        future.set_result(job.result())


def _presentable(error: BaseException) -> BaseException:
    if not isinstance(error, StopIteration):
        return error
    # A future refuses it, for a coroutine cannot raise it.
    wrapped = RuntimeError("executor job raised StopIteration")
    wrapped.__cause__ = error
    return wrapped
