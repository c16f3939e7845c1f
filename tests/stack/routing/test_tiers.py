"""Tiers: the first target, the fallbacks, and the validation of a stack file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.assembly.options import load_stack_options
from harness.stack.core.call import Call
from harness.stack.core.errors import ConfigError
from harness.stack.core.target import Target
from harness.stack.routing.always import always
from harness.stack.routing.tiers import Tiers
from tests.stack.conftest import a_call

NAMES = ("fast", "balanced", "powerful")
CHAIN = (
    Target("opus", "anthropic", "claude-opus-4-5", tier="powerful"),
    Target("mini", "openai", "gpt-4o-mini", tier="fast", context_tokens=100),
    Target("sonnet", "anthropic", "claude-sonnet-4-5", tier="balanced", context_tokens=1_000),
    Target("haiku", "anthropic", "claude-haiku-4-5", tier="fast", context_tokens=100),
)
TIERS = Tiers(NAMES, CHAIN)


def test_the_routed_tier_is_tried_first_and_the_others_are_its_fallback() -> None:
    decision = TIERS.to("fast")
    assert [target.name for target in decision.order] == ["mini", "haiku", "opus", "sonnet"]
    assert (decision.tier, decision.rank) == ("fast", 0)


@given(st.sampled_from(NAMES), st.permutations(CHAIN))
def test_every_target_is_in_the_order_exactly_once(tier: str, chain: list[Target]) -> None:
    order = Tiers(NAMES, tuple(chain)).to(tier).order
    assert sorted(target.name for target in order) == ["haiku", "mini", "opus", "sonnet"]
    of_tier = [target.tier == tier for target in order]
    assert of_tier == sorted(of_tier, reverse=True)


def test_small_and_large_are_the_ends() -> None:
    assert (always("small", TIERS, a_call()).tier, always("large", TIERS, a_call()).tier) == (
        "fast",
        "powerful",
    )


@pytest.mark.parametrize(("chars", "tier"), [(40, "fast"), (800, "balanced"), (8_000, "powerful")])
def test_a_call_that_is_too_long_for_a_tier_goes_to_the_next_larger(
    chars: int, tier: str, call: Callable[..., Call]
) -> None:
    assert always("small", TIERS, call(text="x" * chars)).tier == tier


def test_a_call_that_no_larger_tier_can_take_goes_to_a_smaller(call: Callable[..., Call]) -> None:
    backwards = Tiers(("powerful", "balanced", "fast"), CHAIN)
    assert always("large", backwards, call(text="x" * 800)).tier == "balanced"


BAD = [
    ("[route]\npolicy='small'", "target 'openai': tier: expected one of small, large, found ''"),
    ("tier='small'\n[route]\npolicy='small'", "route.tiers: expected a target of each, .* 'large'"),
    ("[route]\npolicy='smal'", "route.policy: .*'small'.*got 'smal'"),
    ("[route]\npolicy='small'\ntiers=['small']", "route.tiers: tuple should have at least 2 items"),
    ("[route]\npolicy='small'\ntiers=['a', 'a']", "route.tiers: expected names that differ, got a, a"),
]


@pytest.mark.parametrize(("text", "complaint"), BAD)
def test_a_wrong_route_is_one_line_with_file_and_key(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"[[target]]\nprovider='openai'\nmodel='gpt-4o'\n{text}\n")
    with pytest.raises(ConfigError, match=complaint) as error:
        load_stack_options(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)
