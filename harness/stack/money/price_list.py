"""Price lists: the shipped table, a table of your own, or `genai-prices`.

A table is TOML: a model id with its dollars per million tokens, as strings so that they stay exact:

    "my-model" = { input_usd = "2.50", output_usd = "10", cached_input_usd = "1.25",
                   cache_write_usd = "3.125", cache_write_1h_usd = "5", reasoning_usd = "10" }

All but the first two are optional; an embedding model has `output_usd = "0"`. Batches cost half.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from ..config.options import Options
from ..config.toml_file import parse_toml
from ..core.errors import ConfigError
from .price import Price

PAGE = "page"
GENAI_PRICES = "genai-prices"
NEWEST = datetime(9999, 1, 1, tzinfo=UTC)
"""For models whose price changed: use the newest price of the release, whatever the date."""
SPECIAL = {
    "cached_input_usd": "cache_read_mtok",
    "cache_write_usd": "cache_write_mtok",
    "cache_write_1h_usd": "cache_write_1h_mtok",
}

Model = tuple[str, str]
"""Provider name and model id."""


class CostOptions(Options):
    """`prices` "page": the shipped table (`prices.toml`); "genai-prices": the installed package's
    (`pip install 'brownout[prices]'`), the first tier's price where long prompts cost more; or a path to a
    table, relative to the stack's file, which replaces the shipped one.

    `unknown` "error": a model without a price is an error; "estimate": it costs what the listed model costs
    whose id is the longest prefix of its id, else the most expensive, and its attempts are marked
    (`price_known` false). `tokens` "chars": four characters per token, the same on every machine; "bpe":
    GPT-4o's tokenizer (`pip install 'brownout[bpe]'`).
    """

    prices: str = PAGE
    unknown: Literal["error", "estimate"] = "error"
    tokens: Literal["chars", "bpe"] = "chars"


def default_prices() -> dict[str, Price]:
    """The price list that ships with the stack (`prices.toml`), by model id."""
    return dict(_shipped_prices())


@cache
def _shipped_prices() -> dict[str, Price]:
    """The shipped list, read once."""
    return read_prices((files(__package__) / "prices.toml").read_text("utf-8"), "prices.toml")


def read_prices(text: str, where: str) -> dict[str, Price]:
    """A table's prices by model id. Raises `ConfigError`, one line, with `where` as the source."""
    return {model: _row(model, row, where) for model, row in parse_toml(text, where).items()}


def _row(model: str, row: Any, where: str) -> Price:
    if not isinstance(row, dict) or not all(isinstance(usd, str) for usd in row.values()):
        raise ConfigError(
            f'{where}: {model}: expected a table such as {{ input_usd = "2.50", output_usd = "10" }}'
        )
    try:
        return Price.per_million(**row)
    except TypeError as error:
        keys = str(error).split("()")[-1].strip()
        raise ConfigError(f"{where}: {model}: expected input_usd, output_usd and the like; {keys}") from error
    except ValueError as error:
        raise ConfigError(f"{where}: {model}: {error}") from error


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
        return default_prices, _genai_prices()
    table = default_prices() if options.prices == PAGE else _own(Path(options.prices))
    return lambda: table, lambda _, model: table.get(model)


def _own(path: Path) -> dict[str, Price]:
    try:
        return read_prices(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        expected = f'expected "{PAGE}", "{GENAI_PRICES}" or a path to a table of prices'
        raise ConfigError(f"cost.prices: {path} cannot be read ({reason}), {expected}") from error


def _listed(options: CostOptions) -> str:
    return {PAGE: "the page's table"}.get(options.prices, options.prices)


def _genai_prices() -> Callable[[str, str], Price | None]:
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
        input_usd, output_usd = _usd(found.input_mtok), _usd(found.output_mtok)
        if input_usd is None:
            return None
        special = {ours: _usd(getattr(found, theirs)) for ours, theirs in SPECIAL.items()}
        try:
            return Price.per_million(input_usd, output_usd or "0", **special)
        except ValueError as error:
            raise ConfigError(f"genai-prices: {model}: {error}") from error

    return known


def _usd(price: Any) -> str | None:
    """Dollars per million tokens; of a price in tiers, the first."""
    return None if price is None else str(getattr(price, "base", price))
