"""Profiles: `typical` has the given figures; a wrong profile is refused in one line."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import Profile, ProfileError, load_profile, make_profile, shipped_profiles
from mock_providers.latency.distributions import Lognormal
from mock_providers.plan import Plan
from mock_providers.prices import Prices
from tests.paths import ROOT

NUSD = 10**12  # of the unit of prices, zepto-dollars

GOOD: dict[str, Any] = {
    "name": "p",
    "title": "t",
    "providers": {
        "openai": {
            "protocol": "openai",
            "models": {
                "m": {
                    "tier": "fast",
                    "price": {"input": 1, "output": "0.6"},
                    "ttft": {"kind": "constant", "value_s": 1},
                    "pace": {"tokens_per_s": 50},
                    "accuracy": {"easy": 1, "medium": 1, "hard": 1},
                    "context_window": 100,
                    "max_output_tokens": 10,
                }
            },
        }
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with the value at a dotted path replaced; None removes it."""
    first, _, rest = path.partition(".")

    def change(data: dict[str, Any], key: str, rest: str) -> dict[str, Any]:
        if rest:
            head, _, tail = rest.partition(".")
            return {**data, key: change(data.get(key, {}), head, tail)}
        return {k: v for k, v in {**data, key: value}.items() if v is not None}

    return change(GOOD, first, rest)


def test_the_profile_typical_has_the_given_tiers_and_prices() -> None:
    typical = load_profile("typical")
    told = {
        ("openai", "gpt-4o-mini"): ("fast", 0.2, 150, 600),
        ("openai", "gpt-4o"): ("balanced", 0.4, 2500, 10_000),
        ("openai", "gpt-4.5"): ("powerful", 0.8, 75_000, 150_000),
        ("anthropic", "claude-haiku-4-5"): ("fast", 0.2, 1000, 5000),
        ("anthropic", "claude-sonnet-4-5"): ("balanced", 0.4, 3000, 15_000),
        ("anthropic", "claude-opus-4-5"): ("powerful", 0.8, 15_000, 75_000),
        ("together", "llama-3-70b"): ("balanced", 0.4, 900, 900),
    }
    found = {
        (name, id_): (model.tier, model.ttft.median_s, model.price.input // NUSD, model.price.output // NUSD)
        for name, provider in typical.providers.items()
        for id_, model in provider.models.items()
        if isinstance(model.ttft, Lognormal)
    }
    assert found == told


def test_a_mean_reply_of_the_balanced_tier_takes_three_to_five_seconds() -> None:
    for provider in load_profile("typical").providers.values():
        for model in provider.models.values():
            if model.tier == "balanced":
                assert 3.0 <= 0.4 + 210 / model.pace.tokens_per_s <= 5.0


def test_models_are_found_by_alias() -> None:
    typical = load_profile("typical")
    assert typical.providers["openai"].canonical("gpt-4.5-preview") == "gpt-4.5"
    assert typical.providers["anthropic"].canonical("claude-sonnet") == "claude-sonnet-4-5"
    assert typical.providers["together"].canonical("meta-llama/Llama-3-70b-chat-hf") == "llama-3-70b"
    assert typical.providers["openai"].canonical("gpt-2") is None


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**6))
def test_costs_are_exact(input_nusd: int, output_nusd: int, input_tokens: int, output_tokens: int) -> None:
    dollars = {"input": f"{input_nusd // 1000}.{input_nusd % 1000:03}", "output": output_nusd}
    prices = Prices.model_validate(dollars)
    plan = Plan(200, "complete", 1.0, 1.0, input_tokens=input_tokens)
    cost_nusd = input_nusd * input_tokens + output_nusd * 1000 * output_tokens
    assert prices.cost_nusd(plan, output_tokens) == cost_nusd


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("titel", "t", "titel: unknown key"),
        ("title", None, "title: required"),
        (
            "providers.openai.protocol",
            "grpc",
            "providers.openai.protocol: input should be 'openai', 'anthropic'",
        ),
        (
            "providers.openai.models.m.price.input",
            "0.0000000000000005",
            'price.input: expected dollars per million tokens, such as "2.50", of at most 15 decimals',
        ),
        (
            "providers.openai.models.m.price.input",
            "-1",
            'price.input: expected dollars per million tokens, such as "2.50", not negative',
        ),
        (
            "providers.openai.models.m.price.above",
            [{"input_tokens": 9, "input": 1}, {"input_tokens": 9, "input": 1}],
            "models.m.price: above: expected input_tokens that rise",
        ),
        ("providers.openai.models.m.price.service_tiers", {"flex": {}}, "service_tiers.flex.input: required"),
        ("providers.openai.models.m.tier_downgrade_share", 2, "models.m.tier_downgrade_share: "),
        ("providers.openai.models.m.price.input", "cheap", "price.input: expected dollars"),
        ("providers.openai.models.m.price.output", [1], "price.output: expected dollars"),
        ("providers.openai.models.m.ttft", {"kind": "constant", "value_s": -1}, "models.m.ttft.value_s: "),
        ("providers.openai.models.m.ttft", {"kind": "gauss"}, "models.m.ttft: "),
        ("providers.openai.models.m.accuracy.easy", 1.5, "models.m.accuracy.easy: "),
        ("providers.openai.models.m.context_window", "100", "models.m.context_window: "),
        ("providers.openai.models.m.limits", {"requests_per_min": 0}, "limits.requests_per_min: "),
        ("providers.openai.models.m.aliases", ["m"], "every id and alias once, got 'm' twice"),
        ("providers.openai.models", {}, "providers.openai.models: "),
        ("providers.admin", GOOD["providers"]["openai"], "providers.admin: expected another name"),
    ],
)
def test_a_wrong_profile_is_refused_in_one_line_that_names_file_and_key(
    path: str, value: Any, expected: str
) -> None:
    with pytest.raises(ProfileError, match=re.escape(expected)) as refused:
        make_profile(changed(path, value), "mine.toml")
    assert str(refused.value).startswith("mine.toml: ")
    assert "\n" not in str(refused.value)


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ProfileError, match=r"expected one of .*\btypical\b"):
        load_profile("pgae")
    assert "typical" in shipped_profiles()


def test_page_is_the_former_name_of_typical() -> None:
    assert load_profile("page") == load_profile("typical")
    assert "page" not in shipped_profiles()


def test_a_users_own_profile_is_one_file(tmp_path: Path) -> None:
    shipped = ROOT / "mock_providers" / "profiles" / "typical.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text(shipped.read_text("utf-8").replace('name = "typical"', 'name = "mine"'), encoding="utf-8")
    assert load_profile(mine).name == "mine"


@pytest.mark.parametrize("content", [None, "not toml", b"\xff"])
def test_an_unreadable_profile_is_refused_by_name(tmp_path: Path, content: str | bytes | None) -> None:
    mine = tmp_path / "mine.toml"
    if content is not None:
        mine.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ProfileError, match=re.escape(str(mine))):
        load_profile(mine)


def test_a_dumped_profile_shows_the_prices_of_its_file(fast_profile: Callable[..., Profile]) -> None:
    dumped = fast_profile().model_dump(mode="json")
    price = dumped["providers"]["openai"]["models"]["gpt-4o"]["price"]
    assert (price["input"], price["output"]) == ("2.5", "10")
    assert make_profile(dumped) == fast_profile()


def test_models_that_are_alike_are_described_once_as_a_kind() -> None:
    common = GOOD["providers"]["openai"]["models"]["m"]
    own = {"kind": "usual", "context_window": 50}
    data = {
        **changed("providers.openai.models", {"m": {"kind": "usual"}, "n": own}),
        "kinds": {"usual": common},
    }
    models = make_profile(data).providers["openai"].models
    assert models["m"] == make_profile(GOOD).providers["openai"].models["m"]
    assert (models["n"].context_window, models["n"].tier) == (50, "fast")


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (
            {},
            "providers.openai.models.m.kind: expected one of the tables under kinds (there are none)",
        ),
        ({"y": {}}, "providers.openai.models.m.kind: expected one of y, got 'x'"),
        ([], "kinds: expected tables"),
    ],
)
def test_an_unknown_kind_of_model_is_refused_in_one_line(kinds: Any, expected: str) -> None:
    with pytest.raises(ProfileError, match=re.escape(f"mine.toml: {expected}")):
        make_profile({**changed("providers.openai.models.m", {"kind": "x"}), "kinds": kinds}, "mine.toml")
