"""Latencies follow their distributions; chunks follow the pace."""

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mock_providers.exchange.validation import one_line
from mock_providers.latency import gamma
from mock_providers.latency.distributions import (
    Constant,
    Distribution,
    Empirical,
    Gamma,
    Latency,
    Lognormal,
    SlowMode,
)
from mock_providers.latency.pacing import Pace, schedule

PACES = st.builds(
    Pace,
    tokens_per_s=st.floats(1, 1e6) | st.just(math.inf),
    reply_sigma=st.floats(0, 1),
    chunk_sigma=st.floats(0, 1),
    chunk_tokens=st.tuples(st.integers(1, 4), st.integers(4, 9)),
)

SLOW_MODES = st.none() | st.builds(
    SlowMode, share=st.floats(0.001, 0.5), median_s=st.floats(0.01, 10), sigma=st.floats(0, 1)
)
MEASURED = Empirical(quantiles=((0.05, 0.3), (0.5, 0.64), (0.95, 1.14), (0.99, 4.5)))
DISTRIBUTIONS: st.SearchStrategy[Distribution] = st.one_of(
    st.builds(Lognormal, median_s=st.floats(0.01, 10), sigma=st.floats(0, 2), slow=SLOW_MODES),
    st.builds(Constant, value_s=st.floats(0, 10), slow=SLOW_MODES),
    st.builds(Gamma, mean_s=st.floats(0.01, 10), cv=st.floats(0.05, 4), slow=SLOW_MODES),
    st.builds(Empirical, quantiles=st.just(MEASURED.quantiles), slow=SLOW_MODES),
)
LATENCY: TypeAdapter[Distribution] = TypeAdapter(Latency)


@given(st.integers(0, 500), st.floats(0, 10), PACES, st.integers())
def test_a_schedule_sends_every_token_once_in_order_from_the_ttft_on(
    tokens: int, ttft_s: float, pace: Pace, seed: int
) -> None:
    chunks = schedule(tokens, ttft_s, pace, random.Random(seed))
    due = [chunk.due_s for chunk in chunks]
    fewest, most = pace.chunk_tokens
    assert sum(chunk.tokens for chunk in chunks) == tokens
    assert due == sorted(due)
    assert due[:1] == [ttft_s][: len(chunks)]
    assert all(fewest <= chunk.tokens <= most for chunk in chunks[:-1])


def test_lognormal_latencies_have_the_median_and_spread_of_the_profile() -> None:
    rng = random.Random(1)
    draws = sorted(Lognormal(median_s=0.4, sigma=0.25).draw(rng) for _ in range(40_000))
    assert statistics.median(draws) == pytest.approx(0.4, rel=0.02)
    assert draws[int(0.95 * len(draws))] == pytest.approx(0.4 * math.exp(1.645 * 0.25), rel=0.02)


def test_a_constant_latency_is_constant() -> None:
    assert Constant(value_s=0.3).draw(random.Random(1)) == 0.3


def test_jitter_keeps_the_mean_speed() -> None:
    pace = Pace(tokens_per_s=100.0, reply_sigma=0.0, chunk_sigma=0.5)
    total_s = schedule(40_000, 0.0, pace, random.Random(1))[-1].due_s
    assert total_s == pytest.approx(400.0, rel=0.03)


def test_infinite_speed_sends_everything_with_the_first_token() -> None:
    chunks = schedule(100, 0.2, Pace(tokens_per_s=math.inf), random.Random(1))
    assert {chunk.due_s for chunk in chunks} == {0.2}


@pytest.mark.parametrize("chunk_tokens", [(0, 4), (4, 1), (-1, 1)])
def test_impossible_chunk_sizes_are_refused(chunk_tokens: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="fewest, most"):
        Pace(tokens_per_s=1.0, chunk_tokens=chunk_tokens)


def test_an_empty_reply_has_no_chunks_and_a_long_one_ends_with_its_last_token() -> None:
    pace = Pace(tokens_per_s=100.0)
    assert schedule(0, 0.2, pace, random.Random(1)) == []
    chunks = schedule(8_000, 0.2, pace, random.Random(1))
    assert sum(chunk.tokens for chunk in chunks) == 8_000
    assert 40.0 < chunks[-1].due_s < 160.0


@given(st.integers(1, 200), st.floats(1, 10), PACES, st.integers())
def test_a_slowdown_stretches_the_gaps_and_nothing_else(
    tokens: int, slowdown: float, pace: Pace, seed: int
) -> None:
    usual = schedule(tokens, 0.5, pace, random.Random(seed))
    slowed = schedule(tokens, 0.5, pace, random.Random(seed), slowdown)
    assert [chunk.tokens for chunk in slowed] == [chunk.tokens for chunk in usual]
    for slow, fast in zip(slowed, usual, strict=True):
        assert slow.due_s - 0.5 == pytest.approx((fast.due_s - 0.5) * slowdown, rel=1e-9, abs=1e-9)


def test_a_lognormal_without_slow_mode_draws_one_normal_number_and_no_more() -> None:
    mine, theirs = random.Random(7), random.Random(7)
    drawn = [Lognormal(median_s=0.4, sigma=0.25).draw(mine) for _ in range(10)]
    assert drawn == [0.4 * math.exp(theirs.gauss(0.0, 0.25)) for _ in range(10)]


@pytest.mark.parametrize(
    "latency",
    [
        Gamma(mean_s=0.5, cv=0.3),
        Gamma(mean_s=0.5, cv=2.0),
        MEASURED,
        Lognormal(median_s=0.5, sigma=0.3, slow=SlowMode(share=0.2, median_s=4.0, sigma=0.3)),
        Gamma(mean_s=0.5, cv=0.5, slow=SlowMode(share=0.3, median_s=2.0, sigma=0.5)),
        Constant(value_s=1.0, slow=SlowMode(share=0.3, median_s=2.0, sigma=0.0)),
    ],
    ids=str,
)
def test_a_share_p_of_draws_does_not_exceed_the_quantile_of_p(latency: Distribution) -> None:
    rng, n = random.Random(1), 40_000
    draws = [latency.draw(rng) for _ in range(n)]
    for p in (0.05, 0.25, 0.5, 0.75, 0.9, 0.99):
        quantile_s = latency.quantile(p)
        four_errors = 4 * math.sqrt(p * (1 - p) / n)
        assert sum(drawn <= quantile_s for drawn in draws) / n >= p - four_errors
        assert sum(drawn < quantile_s for drawn in draws) / n <= p + four_errors


@given(DISTRIBUTIONS, st.floats(0.001, 0.999))
def test_a_quantile_is_the_least_latency_that_a_share_p_does_not_exceed(
    latency: Distribution, p: float
) -> None:
    quantile_s = latency.quantile(p)
    assert latency.cdf(quantile_s * (1 + 1e-9)) >= p - 1e-9
    assert latency.cdf(quantile_s * (1 - 1e-9) - 1e-12) <= p + 1e-9


@given(DISTRIBUTIONS, st.integers())
def test_the_slow_mode_is_drawn_as_often_as_it_says_and_leaves_the_other_draws_alone(
    latency: Distribution, seed: int
) -> None:
    rng, twin = random.Random(seed), random.Random(seed)
    drawn = latency.draw(rng)
    if latency.slow is None or twin.random() >= latency.slow.share:
        assert drawn == latency.model_copy(update={"slow": None}).draw(twin)
    else:
        assert drawn == latency.slow.median_s * math.exp(twin.gauss(0.0, latency.slow.sigma))


@pytest.mark.parametrize("p", [0.0, 1.0, -0.5, math.nan])
def test_there_is_no_quantile_outside_of_zero_and_one(p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Constant(value_s=1.0).quantile(p)


def test_an_empirical_latency_runs_through_its_points_and_invents_no_tails() -> None:
    assert [MEASURED.quantile(p) for p, _ in MEASURED.quantiles] == [s for _, s in MEASURED.quantiles]
    assert MEASURED.quantile(0.725) == pytest.approx((0.64 + 1.14) / 2)
    assert MEASURED.quantile(0.001) == 0.3
    assert MEASURED.quantile(0.999) == 4.5
    assert MEASURED.cdf(0.29) == 0.0
    assert MEASURED.cdf(4.5) == 1.0


@given(st.floats(1e-3, 50))
def test_the_gamma_cdf_is_that_of_its_closed_forms(x: float) -> None:
    def erlang(shape: int) -> float:
        return 1 - math.fsum(math.exp(k * math.log(x) - x - math.lgamma(k + 1)) for k in range(shape))

    assert gamma.cdf(0.5, x) == pytest.approx(math.erf(math.sqrt(x)), abs=1e-13)
    assert gamma.cdf(1.0, x) == pytest.approx(-math.expm1(-x), abs=1e-13)
    assert gamma.cdf(7.0, x) == pytest.approx(erlang(7), abs=1e-12)
    assert gamma.cdf(40.0, x) == pytest.approx(erlang(40), abs=1e-12)


@given(st.floats(0.01, 10), st.floats(0.01, 0.999))
def test_the_gamma_quantile_inverts_the_cdf(cv: float, p: float) -> None:
    shape = cv**-2
    assert gamma.cdf(shape, gamma.quantile(shape, p)) == pytest.approx(p, abs=1e-10)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"kind": "gauss"}, "expected tags"),
        ({"kind": "gamma", "mean_s": 0.0, "cv": 1.0}, "mean_s: input should be greater than 0"),
        ({"kind": "gamma", "mean_s": 1.0, "cv": 0.0}, "cv: input should be greater than or equal to 0.01"),
        ({"kind": "gamma", "mean_s": 1.0, "cv": 1.0, "sigma": 1.0}, "sigma: unknown key"),
        ({"kind": "empirical", "quantiles": [[0.5, 1.0]]}, "quantiles: tuple should have at least 2 items"),
        ({"kind": "empirical", "quantiles": [[0.0, 1.0], [0.5, 2.0]]}, "quantiles.0.0: input should be gr"),
        ({"kind": "empirical", "quantiles": [[0.5, 1.0], [1.0, 2.0]]}, "quantiles.1.0: input should be less"),
        ({"kind": "empirical", "quantiles": [[0.5, 1.0], [0.5, 2.0]]}, "got [0.5, 2.0] after [0.5, 1.0]"),
        ({"kind": "empirical", "quantiles": [[0.5, 1.0], [0.9, 0.5]]}, "seconds never falling"),
        ({"kind": "empirical", "quantiles": [[0.5, -1.0], [0.9, 0.5]]}, "quantiles.0.1: input should be gr"),
        (
            {"kind": "empirical", "quantiles": [[0.5, "1"], [0.9, 2.0]]},
            "quantiles.0.1: input should be a val",
        ),
        (
            {"kind": "constant", "value_s": 1.0, "slow": {"share": 0.0, "median_s": 1.0, "sigma": 0.3}},
            "slow.share: input should be greater than 0",
        ),
        ({"kind": "constant", "value_s": 1.0, "slow": {"share": 0.1}}, "slow.median_s: required"),
    ],
)
def test_an_impossible_latency_is_refused_in_one_line_that_names_the_key(
    data: dict[str, object], expected: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        LATENCY.validate_python(data)
    assert expected in one_line(refused.value)
