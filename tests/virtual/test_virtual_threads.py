"""Threads beside the virtual loop take real time, and no virtual time."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import anyio.to_thread
import pytest

from harness.virtual import VirtualLoop, run_virtual

T = TypeVar("T")


def now() -> float:
    return asyncio.get_running_loop().time()


def after(really_s: float, result: Callable[[], T]) -> Callable[[], T]:
    """A job that takes real time."""

    def job() -> T:
        time.sleep(really_s)
        return result()

    return job


def test_time_stands_while_an_executor_job_runs() -> None:
    async def main() -> tuple[str, float, bool]:
        ticked: list[float] = []
        asyncio.get_running_loop().call_later(0.001, ticked.append, 1.0)
        result = await asyncio.to_thread(after(0.05, lambda: "done"))
        return result, now(), bool(ticked)

    assert run_virtual(main()) == ("done", 0.0, False)


def test_a_job_without_any_timer_is_no_deadlock() -> None:
    async def main() -> int:
        with ThreadPoolExecutor() as pool:
            return await asyncio.get_running_loop().run_in_executor(pool, after(0.02, lambda: 7))

    assert run_virtual(main()) == 7


def test_results_arrive_in_the_order_of_submission_not_of_completion() -> None:
    async def main() -> list[int]:
        finished: list[int] = []

        async def job(n: int) -> None:
            await asyncio.to_thread(time.sleep, 0.03 / (n + 1))
            finished.append(n)

        await asyncio.gather(*(job(n) for n in range(4)))
        return finished

    assert run_virtual(main()) == [0, 1, 2, 3]


def test_results_arrive_when_nothing_else_is_ready() -> None:
    async def main() -> tuple[int, int]:
        turns = 0
        done = asyncio.ensure_future(asyncio.to_thread(int))
        for _ in range(1000):
            await asyncio.sleep(0)
            turns += not done.done()
        return turns, await done

    assert run_virtual(main()) == (1000, 0)


def test_a_program_that_is_never_idle_gets_its_results_too() -> None:
    async def main() -> int:
        done = asyncio.ensure_future(asyncio.to_thread(lambda: 5))
        while not done.done():  # noqa: ASYNC110  # the point
            await asyncio.sleep(0)
        return await done

    assert run_virtual(main()) == 5


def test_a_job_that_depends_on_a_later_job_does_not_deadlock() -> None:
    async def main() -> str:
        handed: queue.Queue[str] = queue.Queue()
        first = asyncio.ensure_future(asyncio.to_thread(handed.get))
        await asyncio.to_thread(int)
        handed.put("after the second")
        return await first

    assert run_virtual(main()) == "after the second"


def test_a_jobs_error_is_raised_where_its_future_is_awaited() -> None:
    async def main() -> None:
        await asyncio.to_thread(int, "seven")

    with pytest.raises(ValueError, match="seven"):
        run_virtual(main())


def test_a_job_that_raises_stop_iteration_does_not_end_the_loop() -> None:
    async def main() -> None:
        await asyncio.to_thread(next, iter(()))

    with pytest.raises(RuntimeError, match="raised StopIteration"):
        run_virtual(main())


def test_time_stands_until_a_job_with_a_cancelled_future_is_done() -> None:
    ended = threading.Event()

    async def main() -> bool:
        task = asyncio.create_task(asyncio.to_thread(after(0.05, ended.set)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(1)
        return ended.is_set()

    assert run_virtual(main())


def test_a_thread_of_the_program_is_waited_for_inside_hold_time() -> None:
    async def main() -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        answer = loop.create_future()

        def work() -> None:
            time.sleep(0.03)
            loop.call_soon_threadsafe(answer.set_result, 42)

        thread = threading.Thread(target=work)
        with loop.hold_time():
            thread.start()
            got: int = await answer
        thread.join()
        return got, now()

    assert run_virtual(main()) == (42, 0.0)


def test_coroutines_run_from_a_job_take_virtual_time_only_after_it() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()

        async def answer() -> float:
            return loop.time()

        return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(answer(), loop).result(5))

    assert run_virtual(main()) == 0.0


def test_anyio_worker_threads_hold_time_still() -> None:
    async def main() -> tuple[int, float]:
        asyncio.get_running_loop().call_later(1, print)
        return await anyio.to_thread.run_sync(after(0.03, lambda: 3)), now()

    assert run_virtual(main()) == (3, 0.0)
