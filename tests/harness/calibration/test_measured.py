"""The errors of a step are those of the client's times against the provider's schedule, on both sides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.calibration.ladders import GAP_S, TOKEN_S, TTFT_S, Step, ladders, plan_of
from harness.calibration.measured import measured_step
from harness.load.workload.catalogue import Question
from reports.record.machine import CalibrationStep

STEP = Step("rate", 10.0, 1.0, 5)
QUESTION = Question(
    id="q1", question="What?", answer="This", wrong=("That",), difficulty="easy", topic="none"
)


def call(n: int, **late: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the client's row, the provider's) of call `n`, with delays by place in seconds.

    `sent`: it left so late. `received`: on the wire. `answered`: by the provider. `read`: by the client.
    """
    planned_s = n / 10
    received_s = planned_s + late.get("sent", 0.0) + late.get("received", 0.0)
    due_s = [received_s + TTFT_S + TOKEN_S * nth for nth in range(5)]
    sent_s = [at_s + late.get("answered", 0.0) for at_s in due_s]
    seen_s = [at_s + late.get("read", 0.0) for at_s in sent_s]
    row = {
        "call_id": f"c{n}",
        "planned_s": planned_s,
        "started_s": planned_s + late.get("sent", 0.0),
        "first_s": seen_s[0],
        "end_s": seen_s[-1],
        "chunk_s": seen_s,
        "outcome": "success",
    }
    paid = {
        "received_s": received_s,
        "first_scheduled_s": due_s[0],
        "last_scheduled_s": due_s[-1],
        "first_sent_s": sent_s[0],
        "last_sent_s": sent_s[-1],
        "chunks_planned": 5,
        "chunks_sent": 5,
    }
    return row, paid


def measured(calls: list[tuple[dict[str, Any], dict[str, Any]]]) -> CalibrationStep:
    rows = [row for row, _ in calls]
    return measured_step(STEP, rows, {row["call_id"]: paid for row, paid in calls})


def test_a_perfect_step_has_no_error() -> None:
    found = measured([call(n) for n in range(10)])
    assert (found.calls, found.unanswered, found.busiest_per_s, found.in_flight) == (10, 0, 10.0, 4)
    for spread in (found.ttft, found.itl, found.total):
        assert (spread.p01_s, spread.p50_s, spread.p99_s) == (0.0, 0.0, 0.0)
    assert (found.ttft.n, found.itl.n) == (10, 40)
    assert found.doubt is None


@pytest.mark.parametrize("place", ["sent", "received", "answered", "read"])
def test_a_delay_anywhere_on_the_way_is_an_error_of_the_measurement(place: str) -> None:
    found = measured([call(n, **{place: 0.03}) for n in range(10)])
    assert found.ttft.p50_s == found.total.p50_s == pytest.approx(0.03)
    assert found.itl.p99_s == pytest.approx(0.0)
    assert found.send_lag_s_p99 == pytest.approx(0.03 if place == "sent" else 0.0)
    assert found.provider_late_s_p99 == pytest.approx(0.03 if place == "answered" else 0.0)
    assert "TTFT was wrong by 30 ms" in str(found.doubt)


def test_a_clock_that_runs_ahead_is_a_negative_error() -> None:
    found = measured([call(n, read=-0.03) for n in range(10)])
    assert found.ttft.p01_s == pytest.approx(-0.03)
    assert "TTFT was wrong by -30 ms (p1)" in str(found.doubt)


def test_contents_that_are_read_in_one_block_are_an_error_of_itl_alone() -> None:
    row, paid = call(0)
    row["chunk_s"] = [row["chunk_s"][0], *[row["chunk_s"][-1]] * 4]
    found = measured([(row, paid)])
    assert found.ttft.p50_s == found.total.p50_s == 0.0
    assert found.itl.p01_s == pytest.approx(-TOKEN_S)
    assert found.itl.p99_s == pytest.approx(3 * TOKEN_S)


@pytest.mark.parametrize(
    ("of_row", "of_paid"),
    [
        ({"outcome": "failed"}, {}),
        ({"chunk_s": [0.2]}, {}),
        ({}, {"chunks_sent": 4}),
        ({}, {"first_sent_s": None}),
        ({"outcome": "lost", "started_s": None, "end_s": None, "first_s": None}, {}),
    ],
)
def test_a_call_without_a_whole_answer_makes_its_step_doubtful(
    of_row: dict[str, Any], of_paid: dict[str, Any]
) -> None:
    row, paid = call(1)
    found = measured([call(0), (row | of_row, paid | of_paid)])
    assert found.unanswered == 1
    assert found.doubt == "1 of 2 calls had no whole answer"


def test_a_call_that_the_provider_never_saw_is_unanswered() -> None:
    row, _ = call(0)
    found = measured_step(STEP, [row], {})
    assert (found.calls, found.unanswered, found.ttft.p50_s) == (1, 1, None)


@given(st.floats(1, 5_000), st.booleans())
def test_steps_of_a_ladder_rise_and_do_not_overlap(max_rate: float, quick: bool) -> None:
    found = ladders(max_rate, quick=quick)
    assert list(found.rates_per_s) == sorted(set(found.rates_per_s))
    assert list(found.in_flight) == sorted(set(found.in_flight))
    assert found.rates_per_s[-1] <= max(1.0, max_rate + 0.5)
    steps = [*found.steps("rate"), *found.steps("in_flight")]
    assert sum(step.takes_s for step in steps) <= (12 if quick else 75)
    assert max(step.rate_per_s for step in steps) <= max(2.0, max_rate) + 1.0


def test_a_plan_keeps_the_gaps_between_its_steps() -> None:
    steps = ladders(20.0, quick=True).steps("rate")
    plan, step_of = plan_of(steps, QUESTION)
    assert len(plan) == len(step_of) == sum(step.calls for step in steps)
    assert [call.n for call in plan] == list(range(len(plan)))
    for before, after, a, b in zip(plan, plan[1:], step_of, step_of[1:], strict=False):
        if a != b:
            assert after.at_s - before.at_s >= steps[a].reply_s + GAP_S
