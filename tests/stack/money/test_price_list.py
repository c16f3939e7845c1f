"""Every model of a stack has a price when the stack is built, or building fails with one line."""

import importlib
from collections.abc import Callable
from math import ceil
from pathlib import Path

import pytest
import respx

from harness.stack.assembly.options import load_stack_options
from harness.stack.assembly.stack import Stack
from harness.stack.core.errors import ConfigError
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Usage
from harness.stack.money.price import LongPrompts, Price, rates_per_million
from harness.stack.money.price_list import CostOptions, default_prices, prices_of
from harness.stack.money.price_table import read_prices
from tests.lab.command import run_here
from tests.stack.assembly.test_built_stack import asks, openai_reply

GPT_9 = {"provider": "openai", "model": "gpt-9"}
TABLE = '"gpt-9" = { input_usd = "7", output_usd = "70", cached_input_usd = "0.7", cache_write_usd = "8" }\n'


def stack_file(folder: Path, cost: str, model: str = "gpt-9") -> Path:
    path = folder / "mine.toml"
    path.write_text(f"[cost]\n{cost}\n[[target]]\nprovider = 'openai'\nmodel = '{model}'\n")
    return path


def test_the_typical_prices_are_the_default() -> None:
    prices = default_prices()
    standard = {model: price.rates for model, price in prices.items()}
    assert standard["gpt-4o"] == rates_per_million("2.50", "10", "1.25")
    assert standard["gpt-4o-mini"] == rates_per_million("0.15", "0.60", "0.075")
    assert standard["claude-sonnet-4-5"] == rates_per_million("3", "15", "0.3", "3.75", "6")
    assert standard["claude-opus-4-5"] == rates_per_million("15", "75", "1.5", "18.75", "30")
    assert standard["text-embedding-3-small"] == rates_per_million("0.02", "0")
    long = LongPrompts(200_000, rates_per_million("6", "22.5", "0.6", "7.5", "12"))
    assert prices["claude-sonnet-4-5"].above == (long,)
    assert prices["gpt-4o"].service_tiers["priority"] == Price.per_million("4.25", "17", "2.125")


def test_a_table_of_your_own_beside_the_stack_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(TABLE)
    options = load_stack_options(stack_file(tmp_path, "prices = 'own.toml'"))
    assert prices_of(options.cost, [("openai", "gpt-9")]) == {
        "gpt-9": Price.per_million("7", "70", "0.7", "8")
    }
    with pytest.raises(ConfigError, match=r"no price for model 'gpt-4o' in .*own\.toml"):
        prices_of(options.cost, [("openai", "gpt-4o")])


BAD_COSTS = [
    ("unknown = 'error'", "no price for model 'gpt-9' in the shipped table"),
    ("prices = 'absent.toml'", "cost.prices: .*absent.toml cannot be read"),
    ("prices = 'no-toml.toml'", "no-toml.toml: not valid TOML"),
    ("prices = 'floats.toml'", r"floats.toml: gpt-9: input_usd: .*string, got 7\.0; a table such as"),
    ("prices = 'odd.toml'", "odd.toml: gpt-9: cache_usd: unknown key"),
    ("prices = 'fine.toml'", "fine.toml: gpt-9: .*at most 15 decimals"),
    ("prices = 'falling.toml'", "falling.toml: gpt-9: above: expected input_tokens that rise"),
    ("prices = 'half.toml'", "half.toml: gpt-9: above: expected .*, cached_input_usd is on one side"),
    ("prices = 'tier.toml'", "tier.toml: gpt-9: service_tiers.flex.input_usd: expected a value"),
    ("prices = 'default.toml'", "default.toml: gpt-9: service_tiers: expected other tiers .* 'default'"),
    ("prices = 'empty.toml'\nunknown = 'estimate'", "can be estimated from an empty list"),
    ("unknown = 'free'", "cost.unknown: .*'error' or 'estimate'"),
    ("token = 'bpe'", "cost.token: unknown key"),
]


@pytest.mark.parametrize(("cost", "complaint"), BAD_COSTS)
def test_a_wrong_price_list_is_one_line_when_the_stack_is_loaded(
    tmp_path: Path, cost: str, complaint: str
) -> None:
    (tmp_path / "no-toml.toml").write_text("[")
    (tmp_path / "floats.toml").write_text('"gpt-9" = { input_usd = 7.0, output_usd = 70.0 }')
    (tmp_path / "odd.toml").write_text('"gpt-9" = { input_usd = "7", output_usd = "70", cache_usd = "1" }')
    (tmp_path / "fine.toml").write_text('"gpt-9" = { input_usd = "0.0000000000000001", output_usd = "70" }')
    base, long = (
        'input_usd = "7", output_usd = "9"',
        '{ input_tokens = 9, input_usd = "8", output_usd = "9" }',
    )
    (tmp_path / "falling.toml").write_text(f'"gpt-9" = {{ {base}, above = [{long}, {long}] }}')
    (tmp_path / "half.toml").write_text(f'"gpt-9" = {{ {base}, cached_input_usd = "1", above = [{long}] }}')
    (tmp_path / "tier.toml").write_text(f'"gpt-9" = {{ {base}, service_tiers.flex = {{}} }}')
    (tmp_path / "default.toml").write_text(f'"gpt-9" = {{ {base}, service_tiers.default = {{ {base} }} }}')
    (tmp_path / "empty.toml").write_text("")
    path = stack_file(tmp_path, cost)
    with pytest.raises(ConfigError, match=complaint) as error:
        load_stack_options(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_model_without_a_price_ends_the_command_in_one_line_with_exit_code_2(tmp_path: Path) -> None:
    stack_file(tmp_path, "")
    ran = run_here(tmp_path, "run", "outage", "--engine", "virtual", "--stack", "mine.toml")
    assert ran.returncode == 2
    assert ran.stderr.startswith("brownout: ")
    assert "mine.toml: no price for model 'gpt-9'" in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("model", "like"), [("gpt-4o-2099-01-01", "gpt-4o"), ("gpt-4o-mini-x", "gpt-4o-mini"), ("o9", "gpt-4.5")]
)
def test_an_estimate_is_the_model_it_is_a_version_of_or_the_dearest_and_never_zero(
    model: str, like: str
) -> None:
    price = prices_of(CostOptions(unknown="estimate"), [("openai", model)])[model]
    same = default_prices()[like]
    assert price.rates == same.rates
    assert price.rates.input > 0
    assert (price.known, same.known) == (False, True)


@pytest.mark.parametrize(("model", "known"), [("gpt-4o", True), ("gpt-4o-2099-01-01", False)])
async def test_attempts_at_an_estimated_price_are_marked(
    web: respx.Router, make_stack: Callable[..., Stack], model: str, known: bool
) -> None:
    emitted: list[CallFacts] = []
    target = {"provider": "openai", "model": model}
    stack = make_stack(emitted, cost={"unknown": "estimate"}, target=[target])
    web.post("http://openai.test/v1/chat/completions").mock(return_value=openai_reply("Hi."))
    await (await stack.ask(asks(stack))).text()
    [attempt] = emitted[0].attempts
    assert (attempt.price_known, attempt.usage_known) == (known, True)
    assert attempt.cost_nusd == 100 * 2_500 + 10 * 10_000


def test_genai_prices_on_request() -> None:
    pytest.importorskip("genai_prices", reason="needs brownout[prices]")
    models = [("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5"), ("openai", "text-embedding-3-small")]
    prices = prices_of(CostOptions(prices="genai-prices"), models)
    for model in ("gpt-4o", "claude-sonnet-4-5", "text-embedding-3-small"):
        ours = default_prices()[model]
        assert (prices[model].rates, prices[model].above) == (ours.rates, ours.above)
    with pytest.raises(ConfigError, match="no price for model 'gpt-none' in genai-prices"):
        prices_of(CostOptions(prices="genai-prices"), [("openai", "gpt-none")])
    guess = prices_of(CostOptions(prices="genai-prices", unknown="estimate"), [("openai", "gpt-none")])
    assert not guess["gpt-none"].known


@pytest.mark.parametrize(
    ("cost", "package", "extra"),
    [("prices = 'genai-prices'", "genai_prices", "prices"), ("tokens = 'bpe'", "rs_bpe.bpe", "bpe")],
)
def test_an_extra_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost: str, package: str, extra: str
) -> None:
    really = importlib.import_module

    def absent(name: str, of: str | None = None) -> object:
        if name == package:
            raise ImportError(name)
        return really(name, of)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ConfigError, match=rf"is not installed, expected pip install 'brownout\[{extra}\]'"):
        load_stack_options(stack_file(tmp_path, cost, model="gpt-4o"))


def test_the_shipped_table_has_its_former_name_too() -> None:
    assert CostOptions(prices="page") == CostOptions(prices="typical") == CostOptions()
    assert prices_of(CostOptions(prices="page"), [("openai", "gpt-4o")]) == {
        "gpt-4o": default_prices()["gpt-4o"]
    }


def test_a_table_has_prices_by_prompt_length_and_by_service_tier() -> None:
    """opik#6982: Gemini 2.5 Pro costs twice as much above 200,000 tokens; litellm#31837: the served tier."""
    table = """
    ["gemini-2.5-pro"]
    input_usd = "1.25"
    output_usd = "10"
    cached_input_usd = "0.0375"
    above = [{ input_tokens = 200_000, input_usd = "2.50", output_usd = "15", cached_input_usd = "0.00005" }]
    service_tiers.priority = { input_usd = "2", output_usd = "20", cached_input_usd = "0.06" }
    """
    price = read_prices(table, "mine.toml")["gemini-2.5-pro"]
    assert price.of(Usage(200_000, 10, 3)) == ceil(199_997 * 1_250 + 3 * 37.5 + 10 * 10_000)
    assert price.of(Usage(200_001, 10, 30)) == ceil(199_971 * 2_500 + 30 * 0.05 + 10 * 15_000)
    assert price.of(Usage(10, 10, service_tier="priority")) == 10 * 2_000 + 10 * 20_000
