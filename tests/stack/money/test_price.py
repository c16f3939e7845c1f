"""Money is exact."""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.reply import Usage
from harness.stack.money.price import Price, dollars_nusd

TOKENS = st.integers(0, 10**9)
CENTS = st.integers(0, 10**6)
COUNTS = [name for name in Usage.__slots__ if name.endswith("_tokens")]
PRICES = st.builds(Price, *[CENTS] * 3, *[st.none() | CENTS] * 3)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Tokens of a prompt: fresh, read, written for five minutes or an hour; and of an answer."""
    fresh, read, written, hour, said, thought = (draw(TOKENS) for _ in range(6))
    return Usage(fresh + read + written + hour, said + thought, read, written, hour, thought)


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


@given(usages())
def test_every_token_is_paid_once_at_its_own_price(usage: Usage) -> None:
    price = Price.per_million("3", "15", "0.30", "3.75", "6", "20")
    fresh = usage.input_tokens - (
        usage.cached_input_tokens + usage.cache_write_tokens + usage.cache_write_1h_tokens
    )
    assert price.of(usage) == (
        fresh * 3_000
        + usage.cached_input_tokens * 300
        + usage.cache_write_tokens * 3_750
        + usage.cache_write_1h_tokens * 6_000
        + (usage.output_tokens - usage.reasoning_tokens) * 15_000
        + usage.reasoning_tokens * 20_000
    )


@given(usages())
def test_tokens_without_a_price_of_their_own_cost_what_the_others_cost(usage: Usage) -> None:
    price = Price.per_million("3", "15")
    assert price.of(usage) == usage.input_tokens * 3_000 + usage.output_tokens * 15_000


@given(st.lists(st.tuples(PRICES, usages(), st.booleans()), max_size=12), st.randoms(use_true_random=False))
def test_cost_sums_associate_exactly(attempts: list[tuple[Price, Usage, bool]], random: object) -> None:
    """In any order, in any groups, batches among them: the same nano-dollars."""
    costs = [price.of(usage, batch=batch) for price, usage, batch in attempts]
    shuffled = list(costs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    halves = len(costs) // 2
    assert all(type(cost) is int for cost in costs)
    assert sum(shuffled) == sum(costs) == sum(costs[:halves]) + sum(costs[halves:])
    assert [*accumulate(costs)][-1:] == [sum(shuffled)][: len(costs)]


@given(PRICES, st.lists(usages(), max_size=12))
def test_the_cost_of_a_sum_is_the_sum_of_the_costs(price: Price, parts: list[Usage]) -> None:
    total = Usage(*(sum(getattr(part, name) for part in parts) for name in COUNTS))
    assert price.of(total) == sum(map(price.of, parts))


@given(PRICES, usages())
def test_a_batch_costs_half_rounded_up_and_never_more_than_a_nano_dollar_above(
    price: Price, usage: Usage
) -> None:
    live, batch = price.of(usage), price.of(usage, batch=True)
    assert batch == -(-live // 2)


@given(PRICES, usages())
def test_nothing_costs_more_than_the_most_it_can_cost(price: Price, usage: Usage) -> None:
    assert price.of(usage) <= price.most(usage.input_tokens, usage.output_tokens)


@pytest.mark.parametrize("usd", ["0.0001", "-1", "NaN", "ten"])
def test_a_price_that_is_no_whole_number_of_nano_dollars_a_token_is_refused(usd: str) -> None:
    with pytest.raises(ValueError, match="dollars per million tokens"):
        Price.per_million(usd, "1")


def test_dollars_are_exact_to_the_nano_dollar() -> None:
    assert dollars_nusd("0.000000001") == 1
    assert dollars_nusd("19.99") == 19_990_000_000
    with pytest.raises(ValueError, match="nano-dollars"):
        dollars_nusd("0.0000000001")
