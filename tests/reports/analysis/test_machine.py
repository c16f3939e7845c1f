"""A calibration judges its own steps, and the runs that cite it."""

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.machine import StepLimits, beyond, doubt_of, highest, machine_changes
from reports.analysis.offered_load import OfferedLoad, offered_load
from reports.analysis.validity import judge_validity
from reports.page.machine import calibration_lines, calibration_sentence
from reports.record.machine import ErrorSpread
from reports.record.manifest import Manifest
from tests.reports.machines import GOOD, calibration, machine, step

WITHIN = OfferedLoad(busiest_per_s=40.0, in_flight=100)


def manifest(**changed: Any) -> Manifest:
    """A run on real sockets, on the calibrated machine."""
    facts = {
        "scenario": "s",
        "engine": "locust",
        "subjects": ({"name": "full"},),
        "machine": machine(),
        "machine_calibration": calibration(),
    }
    return Manifest.model_validate(facts | changed)


def test_a_step_within_all_limits_is_not_doubted() -> None:
    assert doubt_of(step()) is None


@pytest.mark.parametrize("name", ["ttft", "itl", "total"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_an_error_is_doubted_on_both_sides_of_zero(name: str, sign: int) -> None:
    ends = sorted((0.0, sign * 0.030))
    wrong = ErrorSpread(p01_s=ends[0], p50_s=0.0, p99_s=ends[1], n=100)
    doubt = doubt_of(step(**{name: wrong}))
    assert doubt is not None
    assert f"{sign * 30} ms ({'p99' if sign > 0 else 'p1'})" in doubt
    assert doubt_of(step(**{name: wrong}), StepLimits(error_s=0.030)) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"calls": 0}, "no call"),
        ({"unanswered": 1}, "1 of 20 calls had no whole answer"),
        ({"send_lag_s_p99": 0.051}, "sent 51 ms late"),
        ({"send_lag_s_p99": None}, "sent an unknown time late"),
        ({"ttft": ErrorSpread()}, "TTFT was wrong by an unknown time"),
    ],
)
def test_what_was_not_measured_or_is_late_is_doubted(changed: dict[str, Any], words: str) -> None:
    assert words in str(doubt_of(step(**changed)))


def test_the_highest_load_is_that_below_the_first_doubtful_step_of_its_ladder() -> None:
    rates = [step(busiest_per_s=rate, in_flight=int(rate)) for rate in (10.0, 20.0, 40.0, 80.0)]
    rates[2] = rates[2].model_copy(update={"doubt": "late"})
    streams = [step(ladder="in_flight", busiest_per_s=200.0, in_flight=n) for n in (50, 90)]
    found = highest([*rates, *streams])
    assert (found.rate_per_s, found.in_flight) == (20.0, 90)
    assert (found.rate_open_ended, found.in_flight_open_ended) == (False, True)


def test_no_trustworthy_step_and_no_step_are_a_highest_load_of_zero() -> None:
    doubtful = step(doubt="late")
    for steps in ([], [doubtful]):
        found = highest(steps)
        assert (found.rate_per_s, found.in_flight, found.rate_open_ended) == (0.0, 0, False)


def test_a_run_within_the_calibrated_load_has_no_reason() -> None:
    assert list(beyond(manifest(), {"full": WITHIN})) == []


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (replace(WITHIN, busiest_per_s=41.0), "41 calls/s in the busiest second"),
        (replace(WITHIN, in_flight=101), "101 streams in flight"),
    ],
)
def test_a_run_above_the_highest_trustworthy_load_is_degraded_with_the_reason(
    load: OfferedLoad, words: str
) -> None:
    validity = judge_validity(manifest(), {}, loads={"full": load})
    assert validity.verdict == "DEGRADED"
    [reason] = validity.reasons
    assert (reason.subject, reason.level) == ("full", "DEGRADED")
    assert words in reason.text
    assert "can be trusted up to" in reason.text


def test_a_load_that_was_never_tried_is_degraded_and_says_so() -> None:
    untried = manifest(machine_calibration=calibration(rate_open_ended=True))
    [(_, text)] = beyond(untried, {"full": replace(WITHIN, busiest_per_s=50.0)})
    assert "calibrated only up to 40" in text


def test_a_machine_that_is_trusted_at_no_load_degrades_every_run() -> None:
    hopeless = manifest(machine_calibration=calibration(highest_rate_per_s=0.0, highest_in_flight=0))
    assert len(list(beyond(hopeless, {"full": OfferedLoad(1.0, 1)}))) == 2
    assert "at no load" in calibration_sentence(hopeless)


@pytest.mark.parametrize(
    "changed",
    [
        {"engine": "virtual", "machine": None, "machine_calibration": None},
        {"machine_calibration": None},
        {"machine": machine(kernel="Linux 6.8.0")},
    ],
)
def test_without_a_calibration_of_this_machine_no_load_is_held_against_a_run(changed: dict[str, Any]) -> None:
    assert list(beyond(manifest(**changed), {"full": OfferedLoad(1e6, 10**6)})) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cpu_model": "Another CPU"}, "CPU Another CPU → A CPU"),
        ({"cpus": 8}, "CPUs 8 → 2"),
        ({"kernel": "Linux 5.0"}, "kernel Linux 5.0 → Linux 6.1.0"),
        ({"python": "3.11.1"}, "Python 3.11.1 → 3.12.3"),
        (
            {"versions": {"brownout": "0.1.0", "locust": "2.43.0", "gevent": "26.5.0"}},
            "locust 2.43.0 → 2.47.0",
        ),
        ({"versions": {"brownout": "0.1.0", "locust": "2.47.0"}}, "gevent none → 26.5.0"),
    ],
)
def test_the_report_warns_when_the_machine_has_changed(changed: dict[str, Any], words: str) -> None:
    other = manifest(machine_calibration=calibration(machine=machine(**changed)))
    assert machine_changes(other) == (words,)
    assert f"changed since its calibration of 2026-01-02 ({words})" in calibration_sentence(other)


def test_the_report_says_that_there_is_none_and_that_virtual_time_needs_none() -> None:
    assert "was not calibrated" in calibration_sentence(manifest(machine_calibration=None))
    assert "no calibration is needed" in calibration_sentence(manifest(engine="virtual"))
    assert calibration_lines(manifest(machine_calibration=None)) == []


def test_the_report_shows_the_errors_at_the_highest_trustworthy_load() -> None:
    text = calibration_sentence(manifest())
    assert "Calibrated" not in text
    assert "up to 40 calls/s and 100 streams in flight." in text
    lines = dict(calibration_lines(manifest()))
    assert (
        lines["TTFT error, p1 / p50 / p99"] == "-1.0 / +2.0 / +6.0 ms at 40 calls/s and 16 streams in flight"
    )
    assert "resolution 0.1 µs" in lines["Timer"]


def test_a_run_directory_keeps_its_calibration() -> None:
    kept = Manifest.model_validate(manifest().as_json())
    assert kept.machine_calibration == calibration()
    assert kept.machine == machine()
    assert GOOD.worst_s == 0.006


TIMES = st.lists(
    st.tuples(st.floats(0, 20), st.floats(0, 0.5), st.floats(0.001, 10)), min_size=0, max_size=30
)


@given(TIMES)
def test_the_offered_load_is_what_counting_by_hand_finds(times: list[tuple[float, float, float]]) -> None:
    rows = [(at_s, at_s + lag_s, at_s + lag_s + took_s) for at_s, lag_s, took_s in times]
    frame = pd.DataFrame(rows, columns=["planned_s", "started_s", "end_s"], dtype=float)
    frame["outcome"] = "success"
    found = offered_load(frame)
    busiest = max((sum(a <= b < a + 1.0 - 1e-9 for b, _, _ in rows) for a, _, _ in rows), default=0)
    assert found.busiest_per_s == busiest
    assert found.in_flight == max((sum(a <= s < e for _, a, e in rows) for _, s, _ in rows), default=0)


def test_calls_that_were_not_sent_are_offered_but_not_in_flight() -> None:
    frame = pd.DataFrame(
        {
            "planned_s": [0.0, 0.1, 0.2],
            "started_s": [0.0, math.nan, 0.2],
            "end_s": [5.0, math.nan, math.nan],
            "outcome": ["success", "dropped", "lost"],
        }
    )
    assert offered_load(frame) == OfferedLoad(busiest_per_s=3.0, in_flight=1)
