"""Arrival times: sorted, inside the run, at the rate asked for, and the same for the same seed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from harness.errors import InputError
from harness.load.arrivals import (
    Arrivals,
    ConstantArrivals,
    DiurnalArrivals,
    PoissonArrivals,
    RampArrivals,
    TraceArrivals,
    arrival_times,
    describe_arrivals,
)
from harness.load.trace import Trace, TraceRow

OPTIONS: TypeAdapter[Arrivals] = TypeAdapter(Arrivals)
TRACE = Trace("hour.csv", tuple(TraceRow(at_s, 10, 5) for at_s in (0.0, 0.5, 0.5, 2.0)))

rates = st.floats(0.01, 200, allow_nan=False)
seeds = st.integers(-(2**63), 2**63)
durations = st.floats(0, 20, allow_nan=False)
generated = st.one_of(
    st.builds(ConstantArrivals, rate_per_s=rates), st.builds(PoissonArrivals, rate_per_s=rates)
)


ramps = st.builds(RampArrivals, from_rate_per_s=rates, to_rate_per_s=rates)


@given(generated | ramps, seeds, durations)
def test_times_are_sorted_and_inside_the_run(arrivals: Arrivals, seed: int, duration_s: float) -> None:
    times = arrival_times(arrivals, seed, duration_s)
    assert times == sorted(times)
    assert all(0 <= at_s < duration_s for at_s in times)


@given(generated, seeds, durations, durations)
def test_a_longer_run_starts_with_the_shorter_one(arrivals: Arrivals, seed: int, a: float, b: float) -> None:
    shorter, longer = (arrival_times(arrivals, seed, duration_s) for duration_s in sorted((a, b)))
    assert longer[: len(shorter)] == shorter


@given(rates, durations)
def test_constant_arrivals_have_one_distance_and_start_at_zero(rate_per_s: float, duration_s: float) -> None:
    times = arrival_times(ConstantArrivals(rate_per_s=rate_per_s), 1, duration_s)
    assert abs(len(times) - rate_per_s * duration_s) <= 1
    assert times[:1] == [0.0][: len(times)]
    assert all(b - a == pytest.approx(1 / rate_per_s) for a, b in pairwise(times))


@pytest.mark.parametrize("seed", range(5))
def test_poisson_arrivals_keep_their_rate_and_their_spread(seed: int) -> None:
    times = arrival_times(PoissonArrivals(rate_per_s=20), seed, 500)
    assert len(times) == pytest.approx(10_000, rel=0.05)
    gaps = [b - a for a, b in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation / mean == pytest.approx(1, abs=0.05)


def test_poisson_arrivals_differ_by_seed() -> None:
    arrivals = PoissonArrivals(rate_per_s=20)
    assert arrival_times(arrivals, 1, 10) == arrival_times(arrivals, 1, 10)
    assert arrival_times(arrivals, 1, 10) != arrival_times(arrivals, 2, 10)


def test_a_trace_gives_its_own_times_up_to_the_end_of_the_run() -> None:
    assert arrival_times(TraceArrivals(), 1, 2.0, TRACE) == [0.0, 0.5, 0.5]
    assert arrival_times(TraceArrivals(), 1, 99.0, TRACE) == [0.0, 0.5, 0.5, 2.0]


def test_trace_arrivals_without_a_trace_are_bad_input() -> None:
    with pytest.raises(
        InputError, match=r'^arrivals\.kind: "trace" plays a trace file, expected --trace FILE$'
    ):
        arrival_times(TraceArrivals(), 1, 10)


def test_a_trace_that_the_arrivals_would_ignore_is_bad_input() -> None:
    with pytest.raises(InputError, match=r'^arrivals\.kind: expected "trace" .*, got "poisson"$'):
        arrival_times(PoissonArrivals(rate_per_s=1), 1, 10, TRACE)


def test_options_read_as_they_stand_in_a_scenario() -> None:
    assert OPTIONS.validate_python({"kind": "constant", "rate_per_s": 20}) == ConstantArrivals(rate_per_s=20)
    assert OPTIONS.validate_python({"kind": "poisson", "rate_per_s": 0.5}) == PoissonArrivals(rate_per_s=0.5)
    assert OPTIONS.validate_python(
        {"kind": "ramp", "from_rate_per_s": 8, "to_rate_per_s": 15}
    ) == RampArrivals(from_rate_per_s=8, to_rate_per_s=15)
    assert OPTIONS.validate_python({"kind": "trace"}) == TraceArrivals()


@pytest.mark.parametrize(
    "options",
    [
        {"rate_per_s": 20},
        {"kind": "spike", "rate_per_s": 20},
        {"kind": "ramp", "rate_per_s": 20},
        {"kind": "ramp", "from_rate_per_s": 20},
        {"kind": "ramp", "from_rate_per_s": 0, "to_rate_per_s": 20},
        {"kind": "poisson"},
        {"kind": "poisson", "rate_per_s": 0},
        {"kind": "poisson", "rate_per_s": float("inf")},
        {"kind": "poisson", "rate_per_s": "20"},
        {"kind": "poisson", "rate_per_s": True},
        {"kind": "poisson", "rate_per_s": 20, "rate": 20},
        {"kind": "trace", "rate_per_s": 20},
    ],
)
def test_options_that_say_too_little_or_too_much_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OPTIONS.validate_python(options)


def test_arrivals_are_described_for_people() -> None:
    assert describe_arrivals(ConstantArrivals(rate_per_s=20)) == "constant, 20 calls/s"
    assert describe_arrivals(PoissonArrivals(rate_per_s=2.5)) == "Poisson, 2.5 calls/s on average"
    ramp = RampArrivals(from_rate_per_s=0.5, to_rate_per_s=20)
    assert describe_arrivals(ramp) == "Poisson, from 0.5 to 20 calls/s in a straight line"
    assert describe_arrivals(TraceArrivals(), TRACE) == "the recorded times of hour.csv"


def test_a_diurnal_day_has_its_mean_its_night_and_its_noon() -> None:
    day = DiurnalArrivals(rate_per_s=1, swing=0.7)
    times = arrival_times(day, 7, 86_400)
    assert len(times) == pytest.approx(86_400, rel=0.01)
    hour = 3600
    night = sum(at < hour for at in times) / hour
    noon = sum(11.5 * hour <= at < 12.5 * hour for at in times) / hour
    assert night == pytest.approx(0.3, abs=0.05)
    assert noon == pytest.approx(1.7, abs=0.1)


def test_a_diurnal_day_without_swing_is_poisson() -> None:
    gaps = np.diff(arrival_times(DiurnalArrivals(rate_per_s=5, swing=0), 7, 4000))
    assert gaps.std() / gaps.mean() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize(("start", "end"), [(8, 24), (24, 8), (16, 16)])
def test_a_ramp_goes_from_one_rate_to_the_other_over_the_run(start: float, end: float) -> None:
    times = arrival_times(RampArrivals(from_rate_per_s=start, to_rate_per_s=end), 7, 1000)
    assert len(times) == pytest.approx(16_000, rel=0.03)
    tenths = [sum(100 * k <= at_s < 100 * (k + 1) for at_s in times) / 100 for k in range(10)]
    expected = [start + (end - start) * (k + 0.5) / 10 for k in range(10)]
    assert tenths == pytest.approx(expected, rel=0.12)


def test_a_ramp_is_as_steep_as_the_run_is_short() -> None:
    ramp = RampArrivals(from_rate_per_s=1, to_rate_per_s=39)
    for duration_s in (50, 500):
        times = arrival_times(ramp, 7, duration_s)
        first_half = sum(at_s < duration_s / 2 for at_s in times)
        assert first_half / len(times) == pytest.approx((1 + 20) / (1 + 20 + 20 + 39), abs=0.03)


def test_a_ramp_between_equal_rates_is_a_poisson_process() -> None:
    ramp = RampArrivals(from_rate_per_s=20, to_rate_per_s=20)
    assert arrival_times(ramp, 7, 60) == arrival_times(PoissonArrivals(rate_per_s=20), 7, 60)
