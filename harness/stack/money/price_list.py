"""Price lists: the shipped table, a table of your own (`price_table.py`), or `genai-prices`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from ..config.options import Options
from ..core.errors import ConfigError
from .genai_prices import genai_prices
from .price import Price
from .price_table import read_prices

TYPICAL = "typical"
GENAI_PRICES = "genai-prices"
FORMER_NAMES = {"page": TYPICAL}
NAMES = (TYPICAL, GENAI_PRICES, *FORMER_NAMES)
"""The names that `prices` may have; anything else is a path."""

Model = tuple[str, str]
"""Provider name and model id."""


class CostOptions(Options):
    """`prices` "typical" (formerly "page"): the shipped table (`prices.toml`); "genai-prices": the installed
    package's (`pip install 'brownout[prices]'`), long prompts included; or a path to a table, relative to the
    stack's file, which replaces the shipped one.

    `unknown` "error": a model without a price is an error; "estimate": it costs what the listed model costs
    whose id is the longest prefix of its id, else the most expensive, and its attempts are marked
    (`price_known` false). `tokens` "chars": four characters per token, the same on every machine; "bpe":
    GPT-4o's tokenizer (`pip install 'brownout[bpe]'`).

    An attempt is billed at the service tier that its reply names: flex and batches at half of the standard
    price unless the table has their own; a tier without a price at the standard price, marked as above.
    """

    prices: str = TYPICAL
    unknown: Literal["error", "estimate"] = "error"
    tokens: Literal["chars", "bpe"] = "chars"

    @field_validator("prices")
    @classmethod
    def _present_name(cls, name: str) -> str:
        return FORMER_NAMES.get(name, name)


def default_prices() -> dict[str, Price]:
    """The price list that ships with the stack (`prices.toml`), by model id."""
    return dict(_shipped_prices())


@cache
def _shipped_prices() -> dict[str, Price]:
    """The shipped list, read once."""
    return read_prices((files(__package__) / "prices.toml").read_text("utf-8"), "prices.toml")


def price_of(model: str, prices: Mapping[str, Price]) -> Price:
    """The price of `model`. Raises `ConfigError` if the list has none."""
    try:
        return prices[model]
    except KeyError:
        raise ConfigError(f"no price for model {model!r}; the list has {', '.join(prices)}") from None


def prices_of(options: CostOptions, models: Iterable[Model]) -> dict[str, Price]:
    """The price of each of `models`, by model id. Raises `ConfigError`, one line, for one without a price."""
    table, known = _sources(options)
    found: dict[str, Price] = {}
    for provider, model in models:
        price = known(provider, model)
        if price is None and options.unknown == "estimate":
            price = estimate(model, table())
        if price is None:
            raise ConfigError(
                f"no price for model {model!r} in {_listed(options)}; "
                'give one in a table of your own ([cost] prices = "mine.toml"), or unknown = "estimate"'
            )
        found[model] = price
    return found


def estimate(model: str, table: Mapping[str, Price]) -> Price:
    """An estimate, marked as such: the listed model with the longest matching id, else the most expensive."""
    if not table:
        raise ConfigError(f"no price for model {model!r} can be estimated from an empty list")
    relatives = [name for name in table if model.startswith(name)]
    like = max(relatives, key=len) if relatives else max(table, key=lambda name: table[name].most(1, 1))
    return replace(table[like], known=False)


def _sources(
    options: CostOptions,
) -> tuple[Callable[[], Mapping[str, Price]], Callable[[str, str], Price | None]]:
    """The table for estimates, and the lookup of a price."""
    if options.prices == GENAI_PRICES:
        return default_prices, genai_prices()
    table = default_prices() if options.prices == TYPICAL else _own(Path(options.prices))
    return lambda: table, lambda _, model: table.get(model)


def _own(path: Path) -> dict[str, Price]:
    try:
        return read_prices(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        expected = f'expected "{TYPICAL}", "{GENAI_PRICES}" or a path to a table of prices'
        raise ConfigError(f"cost.prices: {path} cannot be read ({reason}), {expected}") from error


def _listed(options: CostOptions) -> str:
    return {TYPICAL: "the shipped table"}.get(options.prices, options.prices)
