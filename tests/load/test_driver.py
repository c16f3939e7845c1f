"""The asyncio driver: open loop, every call accounted for."""

import asyncio
from typing import Any

import pytest

from harness.load.arrivals import ConstantArrivals
from harness.load.driver import Driver
from harness.load.plan import PlannedCall, make_plan
from harness.load.reading import ObservedReply
from harness.load.workload.options import WorkloadOptions, load_workload
from harness.virtual import run_virtual

PLAN = make_plan(ConstantArrivals(rate_per_s=10), load_workload(WorkloadOptions()), 7, 2)


def played(ask: Any, **options: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    async def main() -> None:
        limits = {"call_timeout_s": 60.0, "drain_s": 60.0} | options
        driver = Driver(ask, 1.0, record=rows.append, **limits)
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


def test_what_still_runs_when_the_drain_is_over_is_recorded_as_timed_out() -> None:
    async def ask(call: PlannedCall, observed: ObservedReply) -> None:
        await answers_after(0.1 if call.n else 50.0, observed)

    rows = played(ask, drain_s=3.0)
    assert len(rows) == len(PLAN)
    assert [row["n"] for row in rows if row["error_kind"] == "timeout_total"] == [0]


def test_a_cancelled_driver_leaves_no_task_and_records_none_of_the_cut_calls() -> None:
    rows: list[dict[str, Any]] = []

    async def ask(call: PlannedCall, observed: ObservedReply) -> None:
        await answers_after(0.05 if call.n < 3 else 50.0, observed)

    async def main() -> int:
        driver = Driver(ask, 0.0, call_timeout_s=60, drain_s=60, record=rows.append)
        playing = asyncio.create_task(driver.play(PLAN))
        await asyncio.sleep(1.0)
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        return len(asyncio.all_tasks())

    assert run_virtual(main()) == 1
    assert [row["n"] for row in rows] == [0, 1, 2]
