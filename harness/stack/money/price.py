"""Prices of tokens, and the exact cost of usage as it is billed.

A price depends on the length of the prompt and on the service tier **that the reply names**. Above a
threshold of input tokens (cache reads and writes included) the whole request is billed at the higher rates,
as Anthropic, Google and OpenAI document for long contexts. Units and rounding: `dollars.py`. A model's price
is chosen when the stack is built (`price_list.py`): a model without a price is an error then, never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from ..core.reply import Usage
from .dollars import per_token_zusd, rounded_nusd

BATCH = "batch"
"""The service tier of batches."""
HALVED = (BATCH, "flex")
"""Service tiers that cost half of the standard one unless the price list says otherwise: Anthropic and OpenAI
bill batches so, and OpenAI bills flex processing at the rates of its batches."""


class Rates(NamedTuple):
    """Zepto-dollars per token.

    Tokens read from the provider's prompt cache or written to it are part of the input tokens, and reasoning
    tokens part of the output tokens: each counts once, at its own rate; None means the rate of the others.
    """

    input: int
    output: int
    cached_input: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None

    def cost_zusd(self, usage: Usage) -> int:
        """The cost of `usage`, not rounded."""
        special = (
            (usage.cached_input_tokens, self.cached_input, self.input),
            (usage.cache_write_tokens, self.cache_write, self.input),
            (usage.cache_write_1h_tokens, self.cache_write_1h, self.input),
            (usage.reasoning_tokens, self.reasoning, self.output),
        )
        cost = usage.input_tokens * self.input + usage.output_tokens * self.output
        for tokens, rate, usual in special:
            if tokens and rate is not None:
                cost += tokens * (rate - usual)
        return cost

    def most_zusd(self, input_tokens: int, output_tokens: int) -> int:
        """The maximum cost of these tokens, whichever of them are cache reads, writes or reasoning."""
        dearest_in = max(self.input, self.cached_input or 0, self.cache_write or 0, self.cache_write_1h or 0)
        return input_tokens * dearest_in + output_tokens * max(self.output, self.reasoning or 0)


class LongPrompts(NamedTuple):
    """The rates of a request with more than `input_tokens` input tokens."""

    input_tokens: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a model.

    `above` are the rates of long prompts, by rising threshold. `service_tiers` are the prices of other tiers
    than the standard one, by the name that replies give. `known` is False for an estimated price.
    """

    rates: Rates
    above: tuple[LongPrompts, ...] = ()
    service_tiers: Mapping[str, "Price"] = field(default_factory=dict)
    known: bool = True

    @classmethod
    def per_million(
        cls,
        input_usd: str,
        output_usd: str,
        cached_input_usd: str | None = None,
        cache_write_usd: str | None = None,
        cache_write_1h_usd: str | None = None,
        reasoning_usd: str | None = None,
    ) -> Self:
        """From dollars per million tokens, the same for every prompt and tier. Raises `ValueError`."""
        usd = (input_usd, output_usd, cached_input_usd, cache_write_usd, cache_write_1h_usd, reasoning_usd)
        return cls(rates_per_million(*usd))

    def of(self, usage: Usage, *, batch: bool = False) -> int:
        """The cost of `usage` in nano-dollars, rounded up: at the tier it names, or of a batch."""
        price, parts = self._billed(BATCH if batch else usage.service_tier)
        return rounded_nusd(price._rates_of(usage.input_tokens).cost_zusd(usage), parts)

    def is_known(self, usage: Usage | None, *, batch: bool = False) -> bool:
        """Whether the cost of `usage` is no estimate: the list has the model and the service tier."""
        tier = "" if usage is None or batch else usage.service_tier
        return self.known and (not tier or tier in self.service_tiers or tier in HALVED)

    def most(
        self, input_tokens: int, output_tokens: int, *, service_tier: str = "", batch: bool = False
    ) -> int:
        """The maximum cost of these tokens in nano-dollars: at the standard tier or at the one asked for."""
        tiers = (BATCH,) if batch else ("", service_tier)
        return max(self._most(tier, input_tokens, output_tokens) for tier in tiers)

    def _most(self, tier: str, input_tokens: int, output_tokens: int) -> int:
        price, parts = self._billed(tier)
        possible = [price.rates, *(long.rates for long in price.above if input_tokens > long.input_tokens)]
        return rounded_nusd(max(rates.most_zusd(input_tokens, output_tokens) for rates in possible), parts)

    def _billed(self, tier: str) -> tuple["Price", int]:
        """The price of a service tier, and by how much to divide its cost; the standard one if unknown."""
        if tier in self.service_tiers:
            return self.service_tiers[tier], 1
        return self, 2 if tier in HALVED else 1

    def _rates_of(self, input_tokens: int) -> Rates:
        rates = self.rates
        for long in self.above:
            if input_tokens > long.input_tokens:
                rates = long.rates
        return rates


def rates_per_million(*usd: str | None) -> Rates:
    """Rates from dollars per million tokens, in the order of the fields of `Rates`. Raises `ValueError`."""
    return Rates(*(None if each is None else per_token_zusd(each) for each in usd))  # type: ignore[arg-type]
