"""Token lengths: the fitted distributions, capped, one draw per question."""

from statistics import correlation, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.workload.lengths import LENGTHS, LengthsName, Lognormal

# Medians of the traces themselves.
MEDIANS: dict[LengthsName, tuple[int, int]] = {
    "azure-conversation": (1_020, 129),
    "azure-code": (1_469, 13),
    "mooncake-conversation": (6_909, 350),
    "servegen-m-large": (601, 53),
}


@given(st.floats(1, 10), st.floats(0, 2.5), st.integers(1, 10_000), st.data())
def test_a_length_is_between_one_and_the_cap_and_grows_with_the_quantile(
    mu: float, sigma: float, cap: int, data: st.DataObject
) -> None:
    quantiles = st.floats(0, 1, exclude_min=True, exclude_max=True)
    low, high = sorted((data.draw(quantiles), data.draw(quantiles)))
    length = Lognormal(mu, sigma, cap)
    assert 1 <= length.at(low) <= length.at(high) <= cap


@pytest.mark.parametrize("name", LENGTHS)
def test_drawn_lengths_have_the_median_of_the_fit_and_near_that_of_the_trace(name: LengthsName) -> None:
    lengths = LENGTHS[name]
    drawn = [lengths.of(7, f"q{n}") for n in range(4_000)]
    inputs, outputs = [pair[0] for pair in drawn], [pair[1] for pair in drawn]
    assert median(inputs) == pytest.approx(lengths.input.at(0.5), rel=0.1)
    assert median(outputs) == pytest.approx(lengths.output.at(0.5), rel=0.15)
    trace_input, trace_output = MEDIANS[name]
    assert 0.5 < median(inputs) / trace_input < 2
    assert 0.5 < median(outputs) / trace_output < 2


def test_the_mean_of_the_azure_conversation_is_near_the_traces() -> None:
    drawn = [LENGTHS["azure-conversation"].of(3, f"q{n}") for n in range(8_000)]
    assert sum(pair[0] for pair in drawn) / len(drawn) == pytest.approx(1_155, rel=0.1)
    assert sum(pair[1] for pair in drawn) / len(drawn) == pytest.approx(211, rel=0.1)


def test_input_and_output_are_uncorrelated() -> None:
    drawn = [LENGTHS["azure-conversation"].of(1, f"q{n}") for n in range(4_000)]
    assert abs(correlation([pair[0] for pair in drawn], [pair[1] for pair in drawn])) < 0.05


def test_a_question_has_one_length_per_seed() -> None:
    lengths = LENGTHS["azure-conversation"]
    assert lengths.of(1, "q001") == lengths.of(1, "q001")
    assert lengths.of(1, "q001") != lengths.of(2, "q001")
    assert lengths.of(1, "q001") != lengths.of(1, "q002")
