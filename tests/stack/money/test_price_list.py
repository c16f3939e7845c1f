"""Every model of a stack has a price when the stack is built, or building fails with one line."""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
import respx

from harness.stack.assembly.options import load_stack_options
from harness.stack.assembly.stack import Stack
from harness.stack.core.errors import ConfigError
from harness.stack.core.facts import CallFacts
from harness.stack.money.price import Price
from harness.stack.money.price_list import CostOptions, default_prices, prices_of
from tests.lab.command import run_here
from tests.stack.assembly.test_built_stack import asks, openai_reply

GPT_9 = {"provider": "openai", "model": "gpt-9"}
TABLE = '"gpt-9" = { input_usd = "7", output_usd = "70", cached_input_usd = "0.7", cache_write_usd = "8" }\n'


def stack_file(folder: Path, cost: str, model: str = "gpt-9") -> Path:
    path = folder / "mine.toml"
    path.write_text(f"[cost]\n{cost}\n[[target]]\nprovider = 'openai'\nmodel = '{model}'\n")
    return path


def test_the_pages_prices_are_the_default() -> None:
    prices = default_prices()
    assert prices["gpt-4o"] == Price(2_500, 10_000, 1_250)
    assert prices["gpt-4o-mini"] == Price(150, 600, 75)
    assert prices["claude-sonnet-4-5"] == Price(3_000, 15_000, 300, 3_750, 6_000)
    assert prices["claude-opus-4-5"] == Price(15_000, 75_000, 1_500, 18_750, 30_000)
    assert prices["text-embedding-3-small"] == Price(20, 0, 20)


def test_a_table_of_your_own_beside_the_stack_replaces_the_pages(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(TABLE)
    options = load_stack_options(stack_file(tmp_path, "prices = 'own.toml'"))
    assert prices_of(options.cost, [("openai", "gpt-9")]) == {"gpt-9": Price(7_000, 70_000, 700, 8_000)}
    with pytest.raises(ConfigError, match=r"no price for model 'gpt-4o' in .*own\.toml"):
        prices_of(options.cost, [("openai", "gpt-4o")])


BAD_COSTS = [
    ("unknown = 'error'", "no price for model 'gpt-9' in the page's table"),
    ("prices = 'absent.toml'", "cost.prices: .*absent.toml cannot be read"),
    ("prices = 'no-toml.toml'", "no-toml.toml: not valid TOML"),
    ("prices = 'floats.toml'", "floats.toml: gpt-9: expected a table such as"),
    ("prices = 'odd.toml'", "odd.toml: gpt-9: .*input_cents"),
    ("prices = 'fine.toml'", "fine.toml: gpt-9: 0.0001 .* whole number of nano-dollars"),
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
    (tmp_path / "odd.toml").write_text('"gpt-9" = { input_cents = "7", output_usd = "70" }')
    (tmp_path / "fine.toml").write_text('"gpt-9" = { input_usd = "0.0001", output_usd = "70" }')
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
    assert (price.input_nusd, price.output_nusd) == (same.input_nusd, same.output_nusd)
    assert price.input_nusd > 0
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
    assert prices["gpt-4o"] == Price(2_500, 10_000, 1_250)
    assert prices["claude-sonnet-4-5"] == Price(3_000, 15_000, 300, 3_750, 6_000)
    assert prices["text-embedding-3-small"] == Price(20, 0, 20)
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
