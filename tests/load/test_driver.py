"""The asyncio driver: open loop, every call accounted for."""

import asyncio
import sys
from contextlib import suppress
from typing import Any

import pytest

from harness.load.arrivals import ConstantArrivals
from harness.load.client_errors import ClientErrors
from harness.load.driver import Driver
from harness.load.plan import PlannedCall, make_plan
from harness.load.reading import ObservedReply
from harness.load.workload.options import WorkloadOptions, load_workload
from harness.virtual import run_virtual

PLAN = make_plan(ConstantArrivals(rate_per_s=10), load_workload(WorkloadOptions()), 7, 2)


def played(ask: Any, errors: ClientErrors | None = None, **options: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    async def main() -> None:
        limits = {"call_timeout_s": 60.0, "drain_s": 60.0} | options
        driver = Driver(
            ask,
            1.0,
            call_timeout_s=limits["call_timeout_s"],
            drain_s=limits["drain_s"],
            record=rows.append,
            errors=errors,
        )
        await driver.play(PLAN)

    run_virtual(main())
    return rows


async def answers_after(seconds: float, observed: ObservedReply) -> None:
    await asyncio.sleep(seconds)
    observed.status, observed.finish_reason = 200, "stop"
    observed.chunk_s.append(asyncio.get_running_loop().time())
    observed.pieces.append("x")


@pytest.mark.parametrize("reply_s", [0.0, 1.0, 30.0])
def test_calls_start_as_planned_however_slow_the_replies_are(reply_s: float) -> None:
    async def ask(call: PlannedCall, observed: ObservedReply) -> None:
        await answers_after(reply_s, observed)

    rows = sorted(played(ask), key=lambda row: row["n"])
    assert [row["started_s"] for row in rows] == pytest.approx([call.at_s for call in PLAN])
    assert [row["first_s"] - row["planned_s"] for row in rows] == pytest.approx([reply_s] * len(PLAN))
    assert {row["outcome"] for row in rows} == {"success"}


def test_a_call_without_an_end_is_ended_and_recorded() -> None:
    async def ask(call: PlannedCall, observed: ObservedReply) -> None:
        await asyncio.sleep(1e6)

    rows = played(ask, call_timeout_s=5.0)
    assert [(row["outcome"], row["error_kind"]) for row in rows] == [("failed", "timeout_total")] * len(PLAN)
    assert [row["end_s"] - row["started_s"] for row in rows] == pytest.approx([5.0] * len(PLAN))


def test_the_harness_cuts_what_still_runs_when_the_drain_is_over() -> None:
    """It was booked as the subject's timeout.

    A client that answered everything in 40 s had 26 % of timeouts.
    """

    async def ask(call: PlannedCall, observed: ObservedReply) -> None:
        await answers_after(0.1 if call.n else 50.0, observed)

    rows = played(ask, drain_s=3.0)
    assert len(rows) == len(PLAN)
    assert [row["n"] for row in rows if row["outcome"] == "cut"] == [0]
    assert {row["error_kind"] for row in rows} == {None}


def test_a_cancelled_driver_leaves_no_task_and_a_row_for_every_planned_call() -> None:
    rows: list[dict[str, Any]] = []

    async def ask(call: PlannedCall, observed: ObservedReply) -> None:
        await answers_after(0.05 if call.n < 3 else 50.0, observed)

    async def main() -> int:
        driver = Driver(ask, 0.0, call_timeout_s=60, drain_s=60, record=rows.append)
        playing = asyncio.create_task(driver.play(PLAN))
        await asyncio.sleep(1.05)
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        return len(asyncio.all_tasks())

    assert run_virtual(main()) == 1
    started = sum(call.at_s < 1.05 for call in PLAN)
    expected = ["success"] * 3 + ["unfinished"] * (started - 3) + ["unstarted"] * (len(PLAN) - started)
    assert [row["outcome"] for row in sorted(rows, key=lambda row: row["n"])] == expected


async def raises_name_error(call: PlannedCall, observed: ObservedReply) -> None:
    raise NameError("oops")


async def exits(call: PlannedCall, observed: ObservedReply) -> None:
    sys.exit(3)


async def cancels_itself(call: PlannedCall, observed: ObservedReply) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1.0)


async def awaits_a_cancelled_task(call: PlannedCall, observed: ObservedReply) -> None:
    inner = asyncio.ensure_future(asyncio.sleep(9.0))
    asyncio.get_running_loop().call_later(0.1, inner.cancel)
    await inner


@pytest.mark.parametrize(
    ("ask", "exception"),
    [
        (raises_name_error, "NameError"),
        (exits, "SystemExit"),
        (cancels_itself, "asyncio.CancelledError"),
        (awaits_a_cancelled_task, "asyncio.CancelledError"),
    ],
)
def test_every_fourth_call_that_raises_is_a_client_error(ask: Any, exception: str) -> None:
    errors = ClientErrors()

    async def sometimes(call: PlannedCall, observed: ObservedReply) -> None:
        await (ask if call.n % 4 == 0 else answers_after_a_second)(call, observed)

    rows = played(sometimes, errors=errors)
    own = [row for row in rows if row["outcome"] == "client_error"]
    assert len(rows) == len(PLAN)
    assert sorted(row["n"] for row in own) == list(range(0, len(PLAN), 4))
    assert {(row["exception"], row["error_kind"]) for row in own} == {(exception, "client_error")}
    [kept] = errors.as_rows()
    assert (kept["exception"], kept["count"], kept["first_call"]) == (exception, len(own), PLAN[0].call_id)
    assert "test_driver.py" in kept["traceback"]


async def answers_after_a_second(call: PlannedCall, observed: ObservedReply) -> None:
    await answers_after(1.0, observed)


async def swallows_cancellation(call: PlannedCall, observed: ObservedReply) -> None:
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(1.0)


async def swallows_everything(call: PlannedCall, observed: ObservedReply) -> None:
    while True:
        with suppress(BaseException):  # the worst that a client can do
            await asyncio.sleep(1.0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("ask", [swallows_cancellation, swallows_everything])
def test_a_call_that_cannot_be_cancelled_is_recorded_and_left(ask: Any) -> None:
    rows = played(ask, drain_s=3.0)
    assert [row["outcome"] for row in rows] == ["cut"] * len(PLAN)


def test_a_reason_to_give_up_leaves_the_other_calls_unstarted() -> None:
    rows: list[dict[str, Any]] = []

    async def main() -> str | None:
        def reason() -> str | None:
            return "stopped" if len(rows) >= 5 else None

        driver = Driver(
            raises_name_error, 0.0, call_timeout_s=60, drain_s=60, record=rows.append, give_up=reason
        )
        return await driver.play(PLAN)

    assert run_virtual(main()) == "stopped"
    assert [row["outcome"] for row in rows] == ["client_error"] * 5 + ["unstarted"] * (len(PLAN) - 5)
