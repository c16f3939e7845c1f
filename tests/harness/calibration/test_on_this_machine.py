"""A small calibration on real sockets: the load generator of a run against a provider of its own."""

from datetime import UTC, datetime

from harness.calibration.calibrate import calibrate
from harness.calibration.ladders import Ladders

TINY = Ladders(rates_per_s=(8.0,), in_flight=(6,), step_s=0.5, long_tokens=16)


def test_a_known_schedule_is_played_and_its_errors_are_measured() -> None:
    found = calibrate(TINY, datetime(2026, 1, 2, tzinfo=UTC), quick=True)
    rate, in_flight = found.steps
    assert [(step.ladder, step.calls, step.unanswered) for step in found.steps] == [
        ("rate", 4, 0),
        ("in_flight", 6, 0),
    ]
    assert in_flight.in_flight == 6
    for step in found.steps:
        assert step.ttft.p01_s is not None
        assert step.total.p01_s is not None
        assert -0.001 < step.ttft.p01_s < 0.5  # a sign or a unit that is wrong would show, a slow machine not
        assert -0.001 < step.total.p01_s < 0.5
        assert step.itl.p50_s is not None
        assert abs(step.itl.p50_s) < 0.02
    assert rate.itl.n == 4 * 4
    assert found.highest_rate_per_s == (0.0 if rate.doubt else 4.0)
    assert found.measured_at == "2026-01-02T00:00:00+00:00"
