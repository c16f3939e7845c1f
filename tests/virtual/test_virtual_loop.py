"""The virtual loop: time, order, deadlock, unsupported methods."""

import asyncio
import gc
import itertools
import math
import os
import signal
import socket
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.virtual import Deadlock, LeakReport, VirtualLoop, run_virtual

LONG_S = 6 * 3600.0


def now() -> float:
    return asyncio.get_running_loop().time()


def virtual_loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def test_time_starts_at_zero_and_jumps_exactly_to_the_next_timer() -> None:
    async def main() -> list[float]:
        seen = [now()]
        for delay_s in (0.1, LONG_S, 1e-9):
            await asyncio.sleep(delay_s)
            seen.append(now())
        return seen

    assert run_virtual(main()) == [0.0, 0.1, 0.1 + LONG_S, 0.1 + LONG_S + 1e-9]


def test_time_stands_while_anything_is_ready() -> None:
    async def main() -> float:
        for _ in range(10_000):
            await asyncio.sleep(0)
        return now()

    assert run_virtual(main()) == 0.0


@given(st.lists(st.integers(0, 3), max_size=40))
def test_timers_fire_by_time_and_those_of_one_instant_in_the_order_of_setting(times: list[int]) -> None:
    async def main() -> list[int]:
        fired: list[int] = []
        for n, when in enumerate(times):
            asyncio.get_running_loop().call_at(float(when), fired.append, n)
        await asyncio.sleep(4)
        return fired

    assert run_virtual(main()) == sorted(range(len(times)), key=lambda n: times[n])


def test_ready_callbacks_run_first_in_first_out_with_due_timers_among_them() -> None:
    async def main() -> list[str]:
        ran: list[str] = []
        loop = asyncio.get_running_loop()
        loop.call_soon(ran.append, "soon 1")
        loop.call_later(0, ran.append, "due")
        loop.call_soon(ran.append, "soon 2")
        await asyncio.sleep(0.1)
        return ran

    assert run_virtual(main()) == ["soon 1", "due", "soon 2"]


@given(st.lists(st.booleans(), min_size=300, max_size=400))
def test_cancelled_timers_never_fire_and_leave_nothing_behind(cancelled: list[bool]) -> None:
    async def main() -> list[int]:
        fired: list[int] = []
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(1 + n % 7, fired.append, n) for n in range(len(cancelled))]
        for timer, cancel in zip(timers, cancelled, strict=True):
            if cancel:
                timer.cancel()
                timer.cancel()
        loop.call_later(0.5, fired.append, -1)
        await asyncio.sleep(10)
        return fired

    left: list[LeakReport] = []
    kept = [n for n, cancel in enumerate(cancelled) if not cancel]
    assert run_virtual(main(), on_leak_report=left.append) == [-1, *sorted(kept, key=lambda n: n % 7)]
    assert left == [LeakReport()]


def test_a_timer_at_infinity_never_fires_and_does_not_stop_the_others() -> None:
    async def main() -> float:
        asyncio.get_running_loop().call_later(math.inf, pytest.fail, "fired")
        await asyncio.sleep(5)
        return now()

    assert run_virtual(main()) == 5.0


def test_a_timer_at_no_number_is_an_error() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_later(math.nan, print)

    with pytest.raises(ValueError, match="got nan"):
        run_virtual(main())


def test_wait_for_times_out_in_virtual_time() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.get_running_loop().create_future(), LONG_S)
        return now()

    assert run_virtual(main()) == LONG_S


def test_a_deadlock_names_every_waiting_task_and_where_it_waits() -> None:
    async def inner(event: asyncio.Event) -> None:
        await event.wait()

    async def outer(event: asyncio.Event) -> None:
        await inner(event)

    async def main() -> None:
        await asyncio.sleep(2)
        task = asyncio.create_task(outer(asyncio.Event()), name="the waiter")
        await task

    with pytest.raises(Deadlock) as caught:
        run_virtual(main())
    first, second = caught.value.waiting
    assert "main() suspended at" in first
    assert second.startswith("the waiter: ")
    assert "outer() suspended at" in second
    assert f"{__file__}:{inner.__code__.co_firstlineno + 1}" in second
    assert str(caught.value).startswith("deadlock at 2.0 s: ")


def test_sleeping_for_ever_alone_is_a_deadlock() -> None:
    with pytest.raises(Deadlock):
        run_virtual(asyncio.sleep(math.inf))


def test_after_a_deadlock_the_waiting_tasks_are_cancelled_oldest_first() -> None:
    cancelled: list[int] = []

    async def wait(n: int) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.append(n)

    async def main() -> None:
        await asyncio.gather(*(wait(n) for n in range(50)))

    with pytest.raises(Deadlock):
        run_virtual(main())
    assert cancelled == list(range(50))


def test_a_callback_that_raises_is_reported_and_the_loop_goes_on() -> None:
    async def main() -> list[str]:
        reported: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reported.append(repr(context["exception"])))
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)
        return reported

    assert run_virtual(main()) == ["ZeroDivisionError('division by zero')"]


def test_keyboard_interrupt_ends_an_endless_run() -> None:
    async def main() -> None:
        for n in itertools.count():
            if n == 1000:
                os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        run_virtual(main())


def test_signal_handlers_of_the_loop_are_called() -> None:
    async def main() -> list[float]:
        heard: list[float] = []
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lambda: heard.append(now()))
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.sleep(1)
        loop.remove_signal_handler(signal.SIGUSR1)
        return heard

    assert run_virtual(main()) == [0.0]


def test_readers_and_writers_of_real_file_descriptors_work() -> None:
    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            got: asyncio.Queue[bytes] = asyncio.Queue()
            loop.add_reader(ours, lambda: got.put_nowait(ours.recv(100)))
            loop.add_writer(theirs, lambda: (theirs.send(b"hello"), loop.remove_writer(theirs)))
            data = await got.get()
            loop.remove_reader(ours)
        await asyncio.sleep(1)
        return data

    assert run_virtual(main()) == b"hello"


@pytest.mark.parametrize(
    "name",
    ["create_unix_server", "create_datagram_endpoint", "subprocess_exec", "connect_read_pipe", "start_tls",
     "sendfile", "sock_recv", "sock_accept"],
)  # fmt: skip
def test_unsupported_methods_raise_and_name_the_alternative(name: str) -> None:
    async def main() -> None:
        await getattr(asyncio.get_running_loop(), name)()

    with pytest.raises(NotImplementedError, match=rf"{name}\(\) does not exist in virtual time: .{{20,}}"):
        run_virtual(main())


def test_the_leak_report_names_what_was_not_cleaned_up() -> None:
    async def forgotten() -> None:
        await asyncio.sleep(100)

    keep: list[object] = []

    async def main() -> None:
        keep.append(asyncio.create_task(forgotten(), name="forgotten"))
        keep.append(await virtual_loop().create_server(asyncio.Protocol, "127.0.0.1", 80))
        keep.append(await virtual_loop().create_connection(asyncio.Protocol, "127.0.0.1", 80))
        assert virtual_loop().leak_report().servers == ("127.0.0.1:80",)

    left: list[LeakReport] = []
    run_virtual(main(), on_leak_report=left.append)
    assert left[0].tasks[0].startswith("forgotten: ")
    assert left[0].connections == ("127.0.0.1:32768 -> 127.0.0.1:80",)
    assert left[0].servers == ("127.0.0.1:80",)
    assert left[0].timers == 1
    assert not LeakReport()


def test_idle_returns_when_nothing_else_can_run_now_and_no_time_has_passed() -> None:
    async def busy(log: list[int]) -> None:
        for n in range(100):
            await asyncio.sleep(0)
            log.append(n)
        await asyncio.to_thread(log.append, 100)
        await asyncio.sleep(1)
        log.append(-1)

    async def main() -> tuple[int, float]:
        log: list[int] = []
        task = asyncio.create_task(busy(log))
        await virtual_loop().idle()
        seen = len(log), now()
        await task
        return seen

    assert run_virtual(main()) == (101, 0.0)


def test_async_generators_are_shut_down() -> None:
    closed: list[bool] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            closed.append(True)

    kept = []

    async def main() -> None:
        generator = numbers()
        kept.append(generator)
        await anext(generator)

    run_virtual(main())
    assert closed == [True]


def test_debug_mode_runs_the_same_program() -> None:
    async def main() -> float:
        timer = asyncio.get_running_loop().call_later(1, print)
        timer.cancel()
        await asyncio.gather(asyncio.sleep(3), asyncio.to_thread(int))
        return now()

    assert run_virtual(main(), debug=True) == 3.0


def test_a_closed_loop_refuses_callbacks() -> None:
    loop = VirtualLoop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon(print)
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_later(1, print)


def test_the_garbage_collector_is_as_before_after_a_run() -> None:
    before = gc.get_threshold()

    async def main() -> int:
        return gc.get_threshold()[0]

    assert run_virtual(main()) > before[0]
    assert gc.get_threshold() == before


def test_a_task_that_spins_for_ever_does_not_keep_the_run_from_ending() -> None:
    async def spin() -> None:
        while True:  # noqa: ASYNC110  # the point
            await asyncio.sleep(0)

    keep = []

    async def main() -> str:
        keep.append(asyncio.create_task(spin()))
        return "ended"

    assert run_virtual(main()) == "ended"
    assert keep[0].cancelled()


async def test_inside_a_running_loop_it_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="from a running event loop"):
        run_virtual(asyncio.sleep(0))
