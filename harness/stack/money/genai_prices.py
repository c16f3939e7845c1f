"""Prices from the installed package `genai-prices`: pydantic's list of the providers' prices."""

import importlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..core.errors import ConfigError
from .price import LongPrompts, Price, rates_per_million

NEWEST = datetime(9999, 1, 1, tzinfo=UTC)
"""For models whose price changed: use the newest price of the release, whatever the date."""
NAMES = (
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
)
"""The package's names of our rates, in the order of `Rates`."""


def genai_prices() -> Callable[[str, str], Price | None]:
    """The lookup of a price by provider and model. Raises `ConfigError` if the package is not installed."""
    try:
        package: Any = importlib.import_module("genai_prices")
    except ImportError:
        raise ConfigError(
            "cost.prices: genai-prices is not installed, expected pip install 'brownout[prices]'"
        ) from None

    def known(provider: str, model: str) -> Price | None:
        nothing = package.Usage(input_tokens=0)
        try:
            found = package.calc_price(
                nothing, model, provider_id=provider, genai_request_timestamp=NEWEST
            ).model_price
        except LookupError:
            return None
        if found.input_mtok is None:
            return None
        try:
            return _price([getattr(found, name, None) for name in NAMES])
        except ValueError as error:
            raise ConfigError(f"genai-prices: {model}: {error}") from error

    return known


def _price(listed: list[Any]) -> Price:
    """From the package's prices: numbers, or a base with tiers that begin above a number of input tokens."""
    thresholds = sorted({tier.start for each in listed for tier in getattr(each, "tiers", ())})
    above = tuple(LongPrompts(start, _rates(listed, start)) for start in thresholds)
    return Price(_rates(listed, 0), above)


def _rates(listed: list[Any], input_tokens: int) -> Any:
    usd = [_usd(each, input_tokens) for each in listed]
    usd[1] = usd[1] or "0"
    return rates_per_million(*usd)


def _usd(price: Any, input_tokens: int) -> str | None:
    """Dollars per million tokens of a request of more than `input_tokens` tokens."""
    if price is None:
        return None
    usd = getattr(price, "base", price)
    for tier in getattr(price, "tiers", ()):
        if input_tokens >= tier.start:
            usd = tier.price
    return str(usd)
