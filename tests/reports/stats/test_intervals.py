"""Intervals are checked against published values, and against what they promise: their coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.stats.intervals import clopper_pearson, mover, nearest_rank, quantile_interval, wilson


@pytest.mark.parametrize(
    ("q", "expected"), [(0.05, 15), (0.30, 20), (0.40, 20), (0.50, 35), (0.95, 50), (1.0, 50)]
)
def test_nearest_rank_agrees_with_the_textbook_example(q: float, expected: float) -> None:
    assert nearest_rank([15.0, 20.0, 35.0, 40.0, 50.0], q) == expected


def test_float_noise_does_not_push_the_rank_up() -> None:
    assert 0.07 * 100 > 7  # the trap
    assert nearest_rank([float(i) for i in range(1, 101)], 0.07) == 7


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), st.integers(1, 100))
def test_nearest_rank_is_the_least_observed_value_that_a_share_q_does_not_exceed(
    sample: list[float], percent: int
) -> None:
    ordered = sorted(sample)
    value = nearest_rank(ordered, percent / 100)
    assert value in ordered
    assert 100 * sum(other <= value for other in ordered) >= percent * len(ordered)
    assert 100 * sum(other < value for other in ordered) < percent * len(ordered)


def test_the_percentile_of_nothing_is_none_and_of_failures_infinite() -> None:
    assert nearest_rank([], 0.5) is None
    assert nearest_rank([1.0, math.inf], 0.95) == math.inf


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_agrees_with_the_table_of_newcombe_1998(hits: int, of: int, low: float, high: float) -> None:
    interval = wilson(hits / of, of)
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5000), st.data())
def test_wilson_holds_the_rate_and_mirrors_for_the_complement(of: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, of))
    interval, mirrored = wilson(hits / of, of), wilson((of - hits) / of, of)
    assert interval is not None
    assert mirrored is not None
    assert 0 <= interval[0] <= hits / of <= interval[1] <= 1
    assert interval == pytest.approx((1 - mirrored[1], 1 - mirrored[0]), abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_difference_of_rates_agrees_with_method_10_of_newcombe_1998(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    ours, theirs = wilson(first[0] / first[1], first[1]), wilson(second[0] / second[1], second[1])
    assert ours is not None
    assert theirs is not None
    interval = mover((first[0] / first[1], *ours), (second[0] / second[1], *theirs))
    assert interval == pytest.approx((low, high), abs=5e-5)


def test_intervals_of_empty_samples_do_not_exist() -> None:
    assert wilson(0, 0) is None
    assert quantile_interval([], 0.5) == (None, None)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 10, 0.0, 0.3085), (1, 10, 0.0025, 0.4450), (5, 10, 0.1871, 0.8129), (81, 263, 0.2527, 0.3676)],
)
def test_clopper_pearson_agrees_with_published_tables(hits: int, of: int, low: float, high: float) -> None:
    assert clopper_pearson(hits / of, of) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("n", "lower", "upper"), [(6, 1, 6), (10, 2, 9), (20, 6, 15), (25, 8, 18), (50, 18, 33), (100, 40, 61)]
)
def test_median_interval_uses_the_ranks_of_the_sign_test_tables(n: int, lower: int, upper: int) -> None:
    """The tables' interval is the narrowest of whole ranks that holds 95 %; fractions make it exact."""
    low, high = quantile_interval([float(rank) for rank in range(1, n + 1)], 0.5)
    assert low is not None
    assert high is not None
    assert lower <= low < lower + 1
    assert upper - 1 < high <= upper


def test_a_sample_too_small_for_the_tail_bounds_one_side_only() -> None:
    ordered = [float(rank) for rank in range(1, 21)]
    low, high = quantile_interval(ordered, 0.99)
    assert low is not None
    assert high is None


@pytest.mark.parametrize(("n", "q"), [(40, 0.5), (200, 0.95), (600, 0.99)])
def test_quantile_interval_covers_the_true_quantile_as_often_as_it_promises(n: int, q: float) -> None:
    draws = np.random.default_rng(20260101)
    truth, covered, runs = -math.log(1 - q), 0, 2000
    for _ in range(runs):
        low, high = quantile_interval(np.sort(draws.exponential(size=n)), q)
        covered += (low is None or low <= truth) and (high is None or truth <= high)
    assert 0.935 <= covered / runs <= 0.965  # promised: 0.95; three standard errors


def test_wilson_covers_the_true_rate_about_as_often_as_it_promises() -> None:
    draws = np.random.default_rng(7)
    for rate in (0.02, 0.3, 0.97):
        covered = 0
        for hits in draws.binomial(300, rate, size=3000):
            interval = wilson(hits / 300, 300)
            assert interval is not None
            covered += interval[0] <= rate <= interval[1]
        assert 0.93 <= covered / 3000 <= 0.98


@pytest.mark.parametrize("q", [0.0, -0.1, 1.1])
def test_a_quantile_outside_its_range_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="q must be in"):
        nearest_rank([1.0], q)
