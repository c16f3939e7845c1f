"""Money is exact."""

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.reply import Usage
from harness.stack.money.dollars import dollars_nusd
from harness.stack.money.price import LongPrompts, Price, Rates

TOKENS = st.integers(0, 10**9)
CENTS = st.integers(0, 10**6)
COUNTS = [name for name in Usage.__slots__ if name.endswith("_tokens")]
WHOLE = st.integers(0, 10**6).map(lambda nusd: nusd * 10**12)
FINE = st.integers(0, 10**18)
TIERS = ["", "default", "flex", "priority", "batch", "scale"]


def rates(zusd: st.SearchStrategy[int]) -> st.SearchStrategy[Rates]:
    return st.builds(Rates, zusd, zusd, *[st.none() | zusd] * 4)


def flat(zusd: st.SearchStrategy[int]) -> st.SearchStrategy[Price]:
    return st.builds(Price, rates(zusd))


@st.composite
def tiered(draw: st.DrawFn) -> Price:
    """A price with thresholds and tiers, of up to 15 decimals in dollars per million tokens."""
    thresholds = sorted(draw(st.sets(st.integers(1, 10**9), max_size=3)))
    above = tuple(LongPrompts(tokens, draw(rates(FINE))) for tokens in thresholds)
    tiers = draw(st.dictionaries(st.sampled_from(TIERS[2:]), flat(FINE), max_size=3))
    return Price(draw(rates(FINE)), above, tiers)


PRICES = flat(WHOLE) | flat(FINE) | tiered()


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Tokens of a prompt: fresh, read, written for five minutes or an hour; and of an answer."""
    fresh, read, written, hour, said, thought = (draw(TOKENS) for _ in range(6))
    tier = draw(st.sampled_from(TIERS))
    return Usage(fresh + read + written + hour, said + thought, read, written, hour, thought, tier)


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
    usage = replace(usage, service_tier="")
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
    usage = replace(usage, service_tier="")
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


@given(flat(WHOLE), st.lists(usages(), max_size=12))
def test_at_whole_nano_dollars_a_token_the_cost_of_a_sum_is_the_sum_of_the_costs(
    price: Price, parts: list[Usage]
) -> None:
    total = Usage(*(sum(getattr(part, name) for part in parts) for name in COUNTS))
    assert price.of(total) == sum(price.of(replace(part, service_tier="")) for part in parts)


@given(flat(FINE) | flat(WHOLE), usages())
def test_a_batch_and_flex_cost_half_of_the_exact_cost_rounded_up_once(price: Price, usage: Usage) -> None:
    exact = Fraction(price.rates.cost_zusd(usage), 10**12)
    assert price.of(replace(usage, service_tier="")) == ceil(exact)
    assert price.of(usage, batch=True) == ceil(exact / 2)
    assert price.of(replace(usage, service_tier="flex")) == ceil(exact / 2)


@given(tiered(), usages())
def test_the_whole_request_is_billed_at_the_rates_of_its_length_and_of_the_tier_that_the_reply_names(
    price: Price, usage: Usage
) -> None:
    """opik#6982, litellm#31837."""
    named = price.service_tiers.get(usage.service_tier)
    rates, parts = price.rates, 2 if usage.service_tier in ("flex", "batch") else 1
    if named is not None:
        rates, parts = named.rates, 1
    for tokens, dearer in price.above if named is None else ():
        rates = dearer if usage.input_tokens > tokens else rates
    assert price.of(usage) == ceil(Fraction(rates.cost_zusd(usage), parts * 10**12))
    known = usage.service_tier in ("", "flex", "batch") or named is not None
    assert price.is_known(usage) == known


@given(PRICES, usages())
def test_nothing_costs_more_than_the_most_it_can_cost_at_the_tier_asked_for(
    price: Price, usage: Usage
) -> None:
    tokens = usage.input_tokens, usage.output_tokens
    for served in ("", usage.service_tier):
        cost = price.of(replace(usage, service_tier=served))
        assert cost <= price.most(*tokens, service_tier=usage.service_tier)
    assert price.of(usage, batch=True) <= price.most(*tokens, batch=True)


@pytest.mark.parametrize(
    ("usd", "tokens", "nusd"), [("0.0375", 1, 38), ("0.0375", 2, 75), ("0.00005", 20, 1)]
)
def test_a_price_finer_than_a_nano_dollar_is_summed_exactly_and_rounded_once(
    usd: str, tokens: int, nusd: int
) -> None:
    """$0.0375 per million cached tokens (Gemini) are 37.5 nano-dollars a token."""
    assert Price.per_million(usd, "1").of(Usage(tokens, 0)) == nusd


@pytest.mark.parametrize("usd", ["0.0000000000000001", "-1", "NaN", "1e999", "ten"])
def test_a_price_that_is_no_exact_amount_is_refused(usd: str) -> None:
    with pytest.raises(ValueError, match="dollars per million tokens"):
        Price.per_million(usd, "1")


@given(st.integers(0, 10**40), st.integers(0, 9))
def test_dollars_are_exact_to_the_nano_dollar(units: int, decimals: int) -> None:
    usd = f"{units // 10**decimals}.{units % 10**decimals:0{decimals}d}" if decimals else str(units)
    assert dollars_nusd(usd) == units * 10 ** (9 - decimals)


def test_a_tenth_of_a_nano_dollar_is_refused() -> None:
    with pytest.raises(ValueError, match="dollars of at most 9 decimals"):
        dollars_nusd("0.0000000001")
