"""Many seeds: means with honest intervals, differences taken day by day."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.seeds import Spread, seed_rows, seeds_json
from reports.analysis.subject import SubjectSummary
from reports.analysis.summary import Summary
from reports.analysis.validity import Validity
from reports.stats.student_t import mean_interval, t_quantile

# Two-sided 95 % points of Student's t, from any printed table.
PRINTED = {1: 12.706, 2: 4.303, 3: 3.182, 5: 2.571, 10: 2.228, 19: 2.093, 30: 2.042, 120: 1.980}


@pytest.mark.parametrize(("freedom", "printed"), PRINTED.items())
def test_students_t_is_the_printed_one(freedom: int, printed: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(printed, abs=6e-4)


@given(st.integers(1, 60), st.floats(0.5, 0.9999))
def test_more_freedom_never_widens_the_interval(freedom: int, p: float) -> None:
    assert t_quantile(p, freedom + 1) <= t_quantile(p, freedom) + 1e-9


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = random.Random(7)
    intervals = [mean_interval([rng.gauss(3.0, 2.0) for _ in range(5)]) for _ in range(2000)]
    held = sum(low <= 3.0 <= high for low, high in filter(None, intervals))
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_one_run_tells_nothing_of_a_spread() -> None:
    assert mean_interval([1.0]) is None
    assert Spread.of([1.0]) == Spread(1.0, None, 1)


def test_unmeasured_seeds_are_left_out_and_unbounded_ones_are_not() -> None:
    assert Spread.of([None, None]) is None
    left = Spread.of([1.0, None, 1.0])
    assert left is not None
    assert (left.mean, left.n) == (1.0, 2)
    unbounded = Spread.of([1.0, math.inf])
    assert unbounded is not None
    assert unbounded.mean == math.inf


def summary(seed: int, naive: float | None, full: float | None) -> Summary:
    subjects = {"naive": naive, "full": full}
    return Summary(
        scenario="outage",
        engine="virtual",
        seed=seed,
        status="complete",
        validity=Validity("VALID"),
        record_sha256=f"{seed:064x}",
        subjects={name: SubjectSummary(name, {"success_rate": rate}) for name, rate in subjects.items()},
    )


def test_what_days_have_in_common_leaves_no_trace_in_the_difference() -> None:
    days = [summary(seed, base, base + 0.125) for seed, base in enumerate([0.25, 0.5, 0.75])]
    [row] = seed_rows(days)
    naive, paired = row.spreads["naive"], row.differences["full"]
    assert naive is not None
    assert naive.interval is not None
    assert paired is not None
    assert naive.interval[1] - naive.interval[0] > 1
    assert (paired.mean, paired.interval) == (0.125, (0.125, 0.125))


def test_the_file_names_each_seed_by_its_fingerprint() -> None:
    found = seeds_json([summary(3, 0.5, None), summary(4, 0.5, 1.0)])
    assert found["seeds"] == {"3": f"{3:064x}", "4": f"{4:064x}"}
    assert found["metrics"]["success_rate"]["subjects"]["full"]["n"] == 1
