"""The schedule of a reply's chunks."""

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mock_providers.latency import Constant, Lognormal, Pace, schedule

PACES = st.builds(
    Pace,
    tokens_per_s=st.floats(1, 1e6) | st.just(math.inf),
    reply_sigma=st.floats(0, 1),
    chunk_sigma=st.floats(0, 1),
    chunk_tokens=st.tuples(st.integers(1, 4), st.integers(4, 9)),
)


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
