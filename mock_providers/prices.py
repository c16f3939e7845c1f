"""Prices of a model and the exact cost of a reply.

Dollars per million tokens in a file, integers in memory: zepto-dollars (10^-21 $) a token, so that a price
of at most 15 decimals is exact. The cost of a reply is summed over all its tokens and rounded once, up to a
whole nano-dollar.
"""

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from .exchange.options import Options
from .plan import Plan

BATCH = "batch"
"""The service tier of batch items: half of the standard price, unless `service_tiers` has a price for it."""
_EXPECTED = 'expected dollars per million tokens, such as "2.50"'
_DECIMALS, _DIGITS = 15, 12
_ZUSD_PER_NUSD = 10**12


def _zusd_per_token(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(_EXPECTED)  # noqa: TRY004 - pydantic's protocol
    try:
        usd = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(_EXPECTED) from None
    if not usd.is_finite() or usd < 0 or usd.adjusted() > _DIGITS:
        raise ValueError(f"{_EXPECTED}, not negative")
    zusd = Fraction(usd) * 10**_DECIMALS
    if zusd.denominator != 1:
        raise ValueError(f"{_EXPECTED}, of at most {_DECIMALS} decimals")
    return int(zusd)


def _usd_per_million(zusd: int) -> str:
    return f"{Decimal(zusd).scaleb(-_DECIMALS).normalize():f}"


Price = Annotated[int, BeforeValidator(_zusd_per_token), PlainSerializer(_usd_per_million)]


class Rates(Options):
    """$ per 1M tokens in the file and in a dump (`input = "2.50"`), zepto-dollars per token in the model.

    - `input`: required; `output`: default 0, for models without output
    - `cached_input`: read from the prompt cache; `cache_write`, `cache_write_1h`: written to it for five
      minutes or an hour (default for each: as `input`)
    """

    input: Price
    output: Price = 0
    cached_input: Price | None = None
    cache_write: Price | None = None
    cache_write_1h: Price | None = None

    def cost_zusd(self, plan: Plan, output_tokens: int) -> int:
        """The cost of `plan`, `output_tokens` of it sent; not rounded."""
        special = (
            (plan.cached_input_tokens, self.cached_input),
            (plan.cache_write_tokens, self.cache_write),
            (plan.cache_write_1h_tokens, self.cache_write_1h),
        )
        extra = sum(count * (price - self.input) for count, price in special if price is not None)
        return plan.input_tokens * self.input + extra + output_tokens * self.output


class LongPromptRates(Rates):
    """Rates of a whole request with more than `input_tokens` input tokens, cached ones included."""

    input_tokens: Annotated[int, Field(gt=0)]


class TierPrices(Rates):
    """Rates of one service tier; `above`: of long prompts, by rising threshold (default: none)."""

    above: Annotated[tuple[LongPromptRates, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _thresholds_rise(self) -> Self:
        if any(low.input_tokens >= high.input_tokens for low, high in pairwise(self.above)):
            raise ValueError("above: expected input_tokens that rise")
        return self

    def rates_of(self, input_tokens: int) -> Rates:
        """The rates of a request with so many input tokens."""
        reached = [long for long in self.above if input_tokens > long.input_tokens]
        return reached[-1] if reached else self


class Prices(TierPrices):
    """All prices of a model: those of the standard service tier, and of the others that it offers.

    - `service_tiers`: by the name in requests and replies, such as `flex` or `priority` (default: none)
    """

    service_tiers: dict[str, TierPrices] = Field(default_factory=dict)

    def cost_nusd(self, plan: Plan, output_tokens: int) -> int:
        """The exact cost of `plan`, `output_tokens` of it sent, at the service tier that its reply names."""
        tier = self.service_tiers.get(plan.service_tier, self)
        parts = 2 if plan.service_tier == BATCH and tier is self else 1
        zusd = tier.rates_of(plan.input_tokens).cost_zusd(plan, output_tokens)
        return -(-zusd // (parts * _ZUSD_PER_NUSD))
