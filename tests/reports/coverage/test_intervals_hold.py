"""Intervals and differences hold what they promise, over 200 generated runs whose calls are not independent.

The long-run value is that of the runs together. Shares of 200 runs vary by 3 points themselves. `measured.py`
beside this file does the same with real runs in virtual time, which takes minutes.
"""

from collections.abc import Sequence
from functools import cache
from statistics import NormalDist, fmean, median

import pytest

from reports.metrics import METRICS, bounds, plain
from reports.metrics.basis.differences import difference
from reports.metrics.basis.measures import Ends, Measure
from reports.metrics.basis.registry import one_metric
from tests.reports.coverage.generator import World, facts

SEEDS = range(200)
OUTAGE = World("outage", outage=True)
CACHE = World("cache", cache=True, fresh=0.3)
SESSIONS = World("sessions", sessions=True)
SLOWER = World("slower", outage=True, slower=1.05)
CASES = [
    *((OUTAGE, metric) for metric in ("success_rate", "goodput_rate", "ttft_s_p50", "ttft_s_p95")),
    *((OUTAGE, metric) for metric in ("usd_per_1k_calls", "quality_rate")),
    *((CACHE, metric) for metric in ("cache_hit_rate", "ttft_s_p95", "quality_rate")),
    *((SESSIONS, metric) for metric in ("success_rate", "goodput_rate", "ttft_s_p95", "quality_rate")),
]


@cache
def measures(world: World, metric: str, subject: int = 0) -> list[Measure]:
    return [one_metric(metric, facts(world, seed, subject)) for seed in SEEDS]


def held(intervals: Sequence[Ends | None], truth: float) -> float:
    """The share of intervals that hold the truth."""
    known = [ends for ends in intervals if ends is not None]
    assert len(known) == len(SEEDS)
    return fmean((low is None or low <= truth) and (high is None or truth <= high) for low, high in known)


@pytest.mark.parametrize(
    ("world", "metric"), CASES, ids=[f"{world.name}-{metric}" for world, metric in CASES]
)
def test_the_interval_of_one_run_holds_the_long_run_value(world: World, metric: str) -> None:
    found = measures(world, metric)
    values = [float(plain(measure)) for measure in found]  # type: ignore[arg-type]
    truth = median(values) if METRICS[metric].unit == "s" else fmean(values)
    assert 0.92 <= held([bounds(measure) for measure in found], truth) <= 0.98


def test_a_subject_beside_itself_differs_in_at_most_one_run_of_twenty() -> None:
    """Under one plan with other luck, 200 times: the intervals of the differences hold 0."""
    flagged = {}
    for metric in ("success_rate", "goodput_rate", "ttft_s_p50", "usd_per_1k_calls", "quality_rate"):
        pairs = zip(measures(OUTAGE, metric, 1), measures(OUTAGE, metric), strict=True)
        flagged[metric] = 1 - held([of.interval for pair in pairs if (of := difference(*pair))], 0.0)
    assert fmean(flagged.values()) <= 0.05, flagged
    assert max(flagged.values()) <= 0.08, flagged


def test_a_shift_of_ttft_is_found_with_the_stated_power() -> None:
    """5 % slower: the true difference is known, and the power follows from each interval's width."""
    pairs = zip(measures(SLOWER, "ttft_s_p50", 1), measures(OUTAGE, "ttft_s_p50"), strict=True)
    found = [of for pair in pairs if (of := difference(*pair)) is not None]
    shift_s = 0.05 * median(float(plain(each)) for each in measures(OUTAGE, "ttft_s_p50"))  # type: ignore[arg-type]
    flagged = fmean(of.interval is not None and not of.interval[0] <= 0 <= of.interval[1] for of in found)
    normal = NormalDist()
    stated = fmean(normal.cdf(1.96 * (shift_s / of.least - 1)) for of in found if of.least)
    assert 0.2 < stated < 0.95
    assert flagged == pytest.approx(stated, abs=0.1)
    assert 0.92 <= held([of.interval for of in found], shift_s) <= 0.98


def test_the_difference_that_is_found_with_a_power_follows_from_the_least_one() -> None:
    found = difference(measures(SLOWER, "ttft_s_p50", 1)[0], measures(OUTAGE, "ttft_s_p50")[0])
    assert found is not None
    assert found.least is not None
    assert found.found_with(0.5) == pytest.approx(found.least)
    assert found.found_with(0.8) == pytest.approx(found.least * (1 + 0.8416 / 1.96), rel=1e-3)
