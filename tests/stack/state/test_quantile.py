"""The running quantile is the nearest rank over the latest samples, and nothing older."""

from hypothesis import given
from hypothesis import strategies as st

from harness.stack.state.quantile import Samples, quantile, with_sample

VALUES = st.lists(st.floats(0, 100), min_size=1, max_size=60)


def kept(values: list[float], most: int) -> Samples:
    samples: Samples | None = None
    for value in values:
        samples = with_sample(samples, value, most)
    assert samples is not None
    return samples


@given(VALUES, st.integers(1, 40))
def test_the_latest_samples_are_kept_in_their_order(values: list[float], most: int) -> None:
    assert kept(values, most) == tuple(values[-most:])


@given(VALUES, st.floats(0.01, 1))
def test_so_large_a_share_is_at_or_below_the_quantile_and_no_smaller_sample_would_do(
    values: list[float], q: float
) -> None:
    told = quantile(tuple(values), q)
    assert told in values
    assert sum(value <= told for value in values) >= q * len(values) - 1e-9
    assert sum(value < told for value in values) < q * len(values)
