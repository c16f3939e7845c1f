"""The stack's account of every attempt equals the provider's bill: by length, tier and fine prices."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.stack.config.toml_file import format_toml
from mock_providers.exchange.tokens import count_prompt
from tests.lab.lab import Lab, Scene, play, prompt, target
from tests.lab.providers import MODELS

NAMES = {
    "input_usd": "input",
    "output_usd": "output",
    "cached_input_usd": "cached_input",
    "cache_write_usd": "cache_write",
    "cache_write_1h_usd": "cache_write_1h",
}
"""The stack's names of prices and the mock's."""
CACHES: dict[str, Any] = {
    "openai": {"kind": "automatic", "min_tokens": 32, "step_tokens": 8},
    "anthropic": {"kind": "breakpoints", "min_tokens": 32},
}


def usd() -> st.SearchStrategy[str]:
    """Dollars per million tokens of up to 15 decimals."""
    return st.integers(0, 10**17).map(lambda units: f"{units // 10**15}.{units % 10**15:015d}")


def rates() -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({name: usd() for name in NAMES})


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A model's row in the stack's table: two thresholds, and prices of the tiers `flex` and `priority`."""
    row: dict[str, Any] = draw(rates())
    row["above"] = [{"input_tokens": tokens} | draw(rates()) for tokens in (40, 80)]
    flex, priority = draw(rates()), draw(rates())
    flex["above"] = [{"input_tokens": 60} | draw(rates())]  # type: ignore[assignment]
    return row | {"service_tiers": {"flex": flex, "priority": priority}}


def of_the_mock(row: Any) -> Any:
    """The same prices in a profile."""
    if isinstance(row, dict):
        return {NAMES.get(key, key): of_the_mock(value) for key, value in row.items()}
    return [of_the_mock(each) for each in row] if isinstance(row, list) else row


def scene_of(words: list[int], *, break_streams: bool) -> Scene:
    async def scene(lab: Lab) -> None:
        for n, length in enumerate(words):
            lab.system = "Be brief. " * length
            await lab.ask(f"c{n}", 3 + n, stream=n % 2 == 0)
            if break_streams:
                reply = await lab.begin(f"d{n}", 40)
                await reply.aclose()
        await lab.drain()
        ours = {attempt.attempt_id: attempt.cost_nusd for attempt in lab.attempts}
        assert ours == {row.attempt_id: row.cost_nusd for row in lab.rows}
        assert sum(facts.cost_nusd for facts in lab.facts) == sum(row.cost_nusd for row in lab.rows)
        assert all(attempt.price_known for attempt in lab.attempts)

    return scene


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    row=rows(),
    provider=st.sampled_from(["openai", "anthropic"]),
    tier=st.sampled_from(["", "flex", "priority"]),
    cached=st.booleans(),
    downgraded=st.sampled_from([0.0, 0.5, 1.0]),
    words=st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_the_sum_of_all_accounts_is_the_sum_of_all_bills(
    folder: Path,
    row: dict[str, Any],
    provider: str,
    tier: str,
    cached: bool,
    downgraded: float,
    words: list[int],
) -> None:
    """opik#6982 (long prompts), litellm#31837 (the tier served); fine prices, caches, broken streams."""
    table = folder / "prices.toml"
    table.write_text(format_toml({MODELS[provider]: row}))
    asked = {"openai": tier, "anthropic": "auto" if tier else "standard_only"}[provider]
    model = {"price": of_the_mock(row), "tier_downgrade_share": downgraded}
    model |= {"prompt_cache": CACHES[provider]} if cached else {}
    # OpenAI tells what was read from its cache at the end of a stream: unknown of one that breaks.
    play(
        scene_of(words, break_streams=provider == "anthropic" or not cached),
        models={provider: model},
        cost={"prices": str(table)},
        prompt_cache={},
        target=[target(provider, service_tier=asked)],
    )


SONNET = {
    "input": "3",
    "output": "15",
    "cached_input": "0.30",
    "cache_write": "3.75",
    "cache_write_1h": "6",
    "above": [
        {
            "input_tokens": 200_000,
            "input": "6",
            "output": "22.50",
            "cached_input": "0.60",
            "cache_write": "7.50",
            "cache_write_1h": "12",
        }
    ],
}


LENGTHS = [(200_000, 3_000, 15_000), (200_001, 6_000, 22_500)]


@pytest.mark.parametrize(("input_tokens", "input_nusd", "output_nusd"), LENGTHS)
def test_above_200_000_input_tokens_the_whole_request_costs_more(
    input_tokens: int, input_nusd: int, output_nusd: int
) -> None:
    """opik#6982; the shipped price of Claude Sonnet 4.5 with a context of a million tokens."""

    async def scene(lab: Lab) -> None:
        rest = count_prompt(["", prompt("c1", 10)])
        lab.system = "word" * (input_tokens - rest)
        await lab.ask("c1", 10)
        await lab.drain()
        [attempt] = lab.attempts
        assert attempt.input_tokens == input_tokens
        assert attempt.cost_nusd == lab.row(attempt).cost_nusd == input_tokens * input_nusd + 10 * output_nusd

    long = {"price": SONNET, "context_window": 1_000_000}
    play(scene, models={"anthropic": long}, target=[target("anthropic", context_tokens=1_000_000)])


FLEX = {"input": "1.25", "output": "5", "cached_input": "0.625"}
PRIORITY = {"input": "4.25", "output": "17", "cached_input": "2.125"}
OFFERED: dict[str, Any] = {
    "input": "2.50",
    "output": "10",
    "cached_input": "1.25",
    "service_tiers": {"flex": FLEX, "priority": PRIORITY},
}
SERVED = [
    ("", 0.0, (2_500, 10_000)),
    ("default", 0.0, (2_500, 10_000)),
    ("flex", 0.0, (1_250, 5_000)),
    ("priority", 0.0, (4_250, 17_000)),
    ("priority", 1.0, (2_500, 10_000)),
]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("asked", "downgraded", "nusd"), SERVED)
def test_the_tier_that_the_reply_names_is_billed_not_the_one_asked_for(
    asked: str, downgraded: float, nusd: tuple[int, int], stream: bool
) -> None:
    """litellm#31837: asked for priority, served and named default, billed as priority."""

    async def scene(lab: Lab) -> None:
        await lab.ask("c1", 10, stream=stream)
        await lab.drain()
        [attempt] = lab.attempts
        expected = attempt.input_tokens * nusd[0] + 10 * nusd[1]
        assert attempt.cost_nusd == lab.row(attempt).cost_nusd == expected
        assert attempt.price_known

    model = {"price": OFFERED, "tier_downgrade_share": downgraded}
    play(scene, models={"openai": model}, target=[target("openai", service_tier=asked)])


def test_a_tier_without_a_price_costs_the_standard_price_and_is_marked() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask("c1", 10)
        [attempt] = lab.attempts
        assert (attempt.price_known, attempt.usage_known) == (False, True)
        assert attempt.cost_nusd == attempt.input_tokens * 2_500 + 10 * 10_000

    model = {"price": OFFERED | {"service_tiers": {"scale": PRIORITY}}}
    play(scene, models={"openai": model}, target=[target("openai", service_tier="scale")])
