"""The process's clocks under a virtual loop, and after it."""

import asyncio
import datetime as dt
import logging
import sys
import textwrap
import threading
import time

import aiohttp.connector as known_library
import pytest

from harness.virtual import DEFAULT_EPOCH_S, VirtualLoop, run_virtual, virtual_clock

CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep")


def clocks() -> list[object]:
    return [getattr(time, name) for name in CLOCKS] + [vars(known_library)["monotonic"]]


@pytest.fixture(autouse=True)
def clocks_are_themselves_again():  # type: ignore[no-untyped-def]  # a generator
    before = clocks()
    yield
    assert clocks() == before


def test_all_clocks_follow_the_loop() -> None:
    async def main() -> dict[str, float]:
        await asyncio.sleep(1.25)
        return {name: getattr(time, name)() for name in CLOCKS if name != "sleep"}

    assert run_virtual(main(), epoch_s=1000.0) == {
        "time": 1001.25,
        "time_ns": 1_001_250_000_000,
        "monotonic": 1.25,
        "monotonic_ns": 1_250_000_000,
        "perf_counter": 1.25,
        "perf_counter_ns": 1_250_000_000,
    }


def test_the_default_epoch_is_the_first_of_january_2026() -> None:
    expected = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert dt.datetime.fromtimestamp(DEFAULT_EPOCH_S, dt.UTC) == expected


def test_log_records_carry_virtual_time(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        await asyncio.sleep(60)
        logging.getLogger("virtual").warning("now")

    run_virtual(main(), epoch_s=0.0)
    assert caplog.records[0].created == 60.0


def test_a_clock_bound_at_import_by_a_known_library_follows_too() -> None:
    async def main() -> float:
        await asyncio.sleep(9)
        return float(vars(known_library)["monotonic"]())

    assert run_virtual(main()) == 9.0


def test_a_module_imported_during_a_run_keeps_no_virtual_clock(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]  # pytest's
    (tmp_path / "binds_a_clock.py").write_text(
        textwrap.dedent("""
            from time import monotonic as ticks, sleep
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)

    async def main() -> float:
        await asyncio.sleep(3)
        import binds_a_clock  # type: ignore[import-not-found]  # written above

        return float(binds_a_clock.ticks())

    assert run_virtual(main()) == 3.0
    module = sys.modules.pop("binds_a_clock")
    assert (module.ticks, module.sleep) == (time.monotonic, time.sleep)


def test_threads_see_virtual_time() -> None:
    async def main() -> float:
        await asyncio.sleep(5)
        return await asyncio.to_thread(time.monotonic)

    assert run_virtual(main()) == 5.0


def test_blocking_sleep_in_the_loops_thread_blocks_the_loop_and_timers_fire_late() -> None:
    async def main() -> list[float]:
        fired: list[float] = []
        loop = asyncio.get_running_loop()
        loop.call_later(1, lambda: fired.append(loop.time()))
        time.sleep(10)  # noqa: ASYNC251  # the point
        fired.append(loop.time())
        await asyncio.sleep(1)
        return fired

    assert run_virtual(main()) == [10.0, 10.0]


def test_clocks_are_restored_after_an_error() -> None:
    async def main() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run_virtual(main())


def test_a_run_inside_a_run_is_an_error() -> None:
    def inner() -> None:
        run_virtual(asyncio.sleep(0))

    async def main() -> None:
        await asyncio.to_thread(inner)

    with pytest.raises(RuntimeError, match="follow a virtual loop already"):
        run_virtual(main())


def test_the_clock_can_be_used_without_the_runner() -> None:
    loop = VirtualLoop()
    try:
        with virtual_clock(loop, epoch_s=5.0):
            loop.run_until_complete(asyncio.sleep(2))
            assert time.time() == 7.0
            assert threading.current_thread() is threading.main_thread()
    finally:
        loop.close()
