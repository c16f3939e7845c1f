"""Prices of tokens in integer nano-dollars, exact.

$2.50 per million tokens are 2,500 nano-dollars per token: every price in whole thousandths of a dollar per
million tokens is exact, and costs add up to the same sum in any order. A model's price is chosen when the
stack is built (`price_list.py`): a model without a price is an error then, never zero.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Self

from ..core.reply import Usage

NUSD_PER_USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars per token.

    Tokens read from the provider's prompt cache or written to it are part of the input tokens, and reasoning
    tokens part of the output tokens: each counts once, at its own price; None means the price of the others.
    `known` is False for an estimated price.
    """

    input_nusd: int
    output_nusd: int
    cached_input_nusd: int
    cache_write_nusd: int | None = None
    cache_write_1h_nusd: int | None = None
    reasoning_nusd: int | None = None
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
        """From a price list's dollars per million tokens. Raises `ValueError` if not whole nano-dollars."""
        return cls(
            input_nusd=per_token_nusd(input_usd),
            output_nusd=per_token_nusd(output_usd),
            cached_input_nusd=per_token_nusd(input_usd if cached_input_usd is None else cached_input_usd),
            cache_write_nusd=None if cache_write_usd is None else per_token_nusd(cache_write_usd),
            cache_write_1h_nusd=None if cache_write_1h_usd is None else per_token_nusd(cache_write_1h_usd),
            reasoning_nusd=None if reasoning_usd is None else per_token_nusd(reasoning_usd),
        )

    def of(self, usage: Usage, *, batch: bool = False) -> int:
        """The cost of `usage` in nano-dollars; in a batch half of it, rounded up."""
        special = (
            (usage.cached_input_tokens, self.cached_input_nusd, self.input_nusd),
            (usage.cache_write_tokens, self.cache_write_nusd, self.input_nusd),
            (usage.cache_write_1h_tokens, self.cache_write_1h_nusd, self.input_nusd),
            (usage.reasoning_tokens, self.reasoning_nusd, self.output_nusd),
        )
        cost = usage.input_tokens * self.input_nusd + usage.output_tokens * self.output_nusd
        for tokens, price, usual in special:
            if tokens and price is not None:
                cost += tokens * (price - usual)
        return half(cost) if batch else cost

    def most(self, input_tokens: int, output_tokens: int) -> int:
        """The maximum cost of these tokens, whichever of them are cache reads, writes or reasoning."""
        dearest_in = max(
            self.input_nusd,
            self.cached_input_nusd,
            self.cache_write_nusd or 0,
            self.cache_write_1h_nusd or 0,
        )
        return input_tokens * dearest_in + output_tokens * max(self.output_nusd, self.reasoning_nusd or 0)


def half(cost_nusd: int) -> int:
    """The price of a batch: half, rounded up to a whole nano-dollar."""
    return (cost_nusd + 1) // 2


def per_token_nusd(usd_per_million: str) -> int:
    """Dollars per million tokens as nano-dollars per token."""
    return _whole(usd_per_million, Decimal(NUSD_PER_USD) / 1_000_000, "dollars per million tokens")


def dollars_nusd(usd: str) -> int:
    """Dollars as nano-dollars."""
    return _whole(usd, Decimal(NUSD_PER_USD), "dollars")


def _whole(amount: str, scale: Decimal, unit: str) -> int:
    try:
        nusd = Decimal(amount) * scale
    except (InvalidOperation, TypeError):
        raise ValueError(f"expected {unit}, got {amount!r}") from None
    if not nusd.is_finite() or nusd != nusd.to_integral_value() or nusd < 0:
        raise ValueError(f"{amount} {unit} is not a whole number of nano-dollars")
    return int(nusd)
