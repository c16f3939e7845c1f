"""Money is exact."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.cost import Price, default_prices, price_of
from harness.stack.errors import ConfigError
from harness.stack.reply import Usage

TOKENS = st.integers(0, 10**9)
CENTS = st.integers(0, 10**6)


@given(CENTS, CENTS, CENTS, TOKENS, TOKENS, st.data())
def test_cost_equals_rational_arithmetic(
    input_cents: int,
    output_cents: int,
    cached_cents: int,
    tokens_in: int,
    tokens_out: int,
    data: st.DataObject,
) -> None:
    cached = data.draw(st.integers(0, tokens_in))
    usd = [f"{cents / 100:.2f}" for cents in (input_cents, output_cents, cached_cents)]
    price = Price.per_million(*usd)
    exact = (
        Fraction(usd[0]) * (tokens_in - cached) + Fraction(usd[2]) * cached + Fraction(usd[1]) * tokens_out
    ) / 1_000_000
    assert price.of(Usage(tokens_in, tokens_out, cached)) == exact * 10**9


@given(st.lists(st.tuples(TOKENS, TOKENS), max_size=20))
def test_the_cost_of_a_sum_is_the_sum_of_the_costs(usages: list[tuple[int, int]]) -> None:
    price = Price.per_million("2.50", "10", "1.25")
    total = Usage(sum(i for i, _ in usages), sum(o for _, o in usages))
    assert price.of(total) == sum(price.of(Usage(i, o)) for i, o in usages)


def test_the_pages_prices_are_the_default() -> None:
    prices = default_prices()
    assert prices["gpt-4o"] == Price(2_500, 10_000, 1_250)
    assert prices["gpt-4o-mini"] == Price(150, 600, 75)
    assert prices["claude-sonnet-4-5"] == Price(3_000, 15_000, 300)
    assert prices["claude-opus-4-5"] == Price(15_000, 75_000, 1_500)


def test_a_model_without_a_price_is_an_error_never_zero() -> None:
    with pytest.raises(ConfigError, match="no price for model 'gpt-9'"):
        price_of("gpt-9", default_prices())


def test_a_price_below_a_nano_dollar_a_token_is_refused() -> None:
    with pytest.raises(ValueError, match="nano-dollars"):
        Price.per_million("0.0001", "1")
