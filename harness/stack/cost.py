"""What tokens cost, in integer nano-dollars, exactly.

A price of $2.50 per million tokens is 2,500 nano-dollars a token, so every price list in whole thousandths of
a dollar per million tokens is exact. A model without a price is an error when the stack is built, never zero.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Self

from .errors import ConfigError
from .reply import Usage

NUSD_PER_USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars per token. Cached input tokens are part of the input tokens, at their own price."""

    input_nusd: int
    output_nusd: int
    cached_input_nusd: int

    @classmethod
    def per_million(cls, input_usd: str, output_usd: str, cached_input_usd: str | None = None) -> Self:
        """From a price list's dollars per million tokens. Raises `ValueError` if not whole nano-dollars."""
        cached_usd = input_usd if cached_input_usd is None else cached_input_usd
        return cls(_nusd(input_usd), _nusd(output_usd), _nusd(cached_usd))

    def of(self, usage: Usage) -> int:
        """The cost of that usage in nano-dollars."""
        fresh = usage.input_tokens - usage.cached_input_tokens
        return (
            fresh * self.input_nusd
            + usage.cached_input_tokens * self.cached_input_nusd
            + usage.output_tokens * self.output_nusd
        )


def _nusd(usd_per_million: str) -> int:
    nusd = Decimal(usd_per_million) * NUSD_PER_USD / 1_000_000
    if nusd != nusd.to_integral_value() or nusd < 0:
        raise ValueError(
            f"{usd_per_million} dollars per million tokens is not a whole number of nano-dollars"
        )
    return int(nusd)


def default_prices() -> dict[str, Price]:
    """The price list that ships with the stack (`prices.toml`), by model id."""
    listed = tomllib.loads((files(__package__) / "prices.toml").read_text())
    return {model: Price.per_million(**row) for model, row in listed.items()}


def price_of(model: str, prices: Mapping[str, Price]) -> Price:
    """The price of `model`. Raises `ConfigError` if the list has none."""
    try:
        return prices[model]
    except KeyError:
        raise ConfigError(f"no price for model {model!r}; the list has {', '.join(prices)}") from None
