"""A table of prices: TOML with dollars per million tokens by model id, as strings so that they stay exact.

    ["my-model"]
    input_usd = "1.25"
    output_usd = "10"
    cached_input_usd = "0.125"          # also: cache_write_usd, cache_write_1h_usd, reasoning_usd
    above = [{ input_tokens = 200_000, input_usd = "2.50", output_usd = "15", cached_input_usd = "0.25" }]
    service_tiers.priority = { input_usd = "2.50", output_usd = "20", cached_input_usd = "0.25" }

All but the first two are optional; an embedding model has `output_usd = "0"`. `above`: the prices of the
whole request if it has more input tokens. `service_tiers`: prices by the tier that the reply names; a tier
may have its own `above`. Both name the same prices as the model does. Batches and flex cost half unless
`service_tiers` has them.
"""

from itertools import pairwise
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from ..config.options import Options, first_complaint
from ..config.toml_file import parse_toml
from ..core.errors import ConfigError
from ..core.reply import STANDARD_TIERS
from .price import LongPrompts, Price, Rates, rates_per_million

EXAMPLE = '{ input_usd = "2.50", output_usd = "10" }'


class _Rates(Options):
    """Dollars per million tokens; None: as the other input or output tokens."""

    input_usd: str
    output_usd: str
    cached_input_usd: str | None = None
    cache_write_usd: str | None = None
    cache_write_1h_usd: str | None = None
    reasoning_usd: str | None = None

    @model_validator(mode="after")
    def _is_exact(self) -> Self:
        self.rates()
        return self

    def rates(self) -> Rates:
        """As integers."""
        return rates_per_million(
            self.input_usd,
            self.output_usd,
            self.cached_input_usd,
            self.cache_write_usd,
            self.cache_write_1h_usd,
            self.reasoning_usd,
        )

    def names(self) -> frozenset[str]:
        """The prices that are given."""
        return frozenset(name for name in _Rates.model_fields if getattr(self, name) is not None)


class _LongPrompts(_Rates):
    input_tokens: int = Field(gt=0)


class _Tier(_Rates):
    above: tuple[_LongPrompts, ...] = ()

    @model_validator(mode="after")
    def _thresholds_rise(self) -> Self:
        thresholds = [long.input_tokens for long in self.above]
        if any(low >= high for low, high in pairwise(thresholds)):
            raise ValueError(f"above: expected input_tokens that rise, got {thresholds}")
        for long in self.above:
            _check_same_prices(self, long, "above")
        return self

    def price(self) -> Price:
        """As a price without other tiers."""
        return Price(self.rates(), tuple(LongPrompts(long.input_tokens, long.rates()) for long in self.above))


class _Model(_Tier):
    service_tiers: dict[str, _Tier] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _tiers_are_others(self) -> Self:
        for name, tier in self.service_tiers.items():
            if name in STANDARD_TIERS:
                raise ValueError(f"service_tiers: expected other tiers than the standard one, got {name!r}")
            _check_same_prices(self, tier, f"service_tiers.{name}")
        return self


def _check_same_prices(base: _Rates, other: _Rates, where: str) -> None:
    if missing := sorted(base.names() ^ other.names()):
        raise ValueError(f"{where}: expected the model's prices, {missing[0]} is on one side only")


def read_prices(text: str, where: str) -> dict[str, Price]:
    """A table's prices by model id. Raises `ConfigError`, one line, with `where` as the source."""
    return {model: _price(model, row, where) for model, row in parse_toml(text, where).items()}


def _price(model: str, row: Any, where: str) -> Price:
    if not isinstance(row, dict):
        raise ConfigError(f"{where}: {model}: expected a table such as {EXAMPLE}")
    try:
        read = _Model.model_validate(row)
    except ValidationError as error:
        complaint = first_complaint(error, row).removeprefix("(top level): ")
        raise ConfigError(f"{where}: {model}: {complaint}; a table such as {EXAMPLE}") from error
    price = read.price()
    tiers = {name: tier.price() for name, tier in read.service_tiers.items()}
    return Price(price.rates, price.above, tiers)
