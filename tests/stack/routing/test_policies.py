"""Policies that know something: how fast, how dear, how hard."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.plan import PlannedCall
from harness.load.reading import ObservedReply
from harness.load.request import request_headers
from harness.load.workload.prompt import Prompt
from harness.stack.assembly.options import StackOptions
from harness.stack.core.call import Call
from harness.stack.core.facts import AttemptFacts
from harness.stack.core.reply import Usage
from harness.stack.core.target import Target
from harness.stack.core.tokens import call_tokens
from harness.stack.money.price import Price
from harness.stack.routing.latency import LatencyOptions, Sample, latency, sample_of
from harness.stack.routing.oracle import OracleOptions, oracle
from harness.stack.routing.price import CostOptions, cost, predicted
from harness.stack.routing.tiers import Tiers
from harness.stack.state.quantile import with_sample
from harness.subjects.in_process import ask_stack
from tests.lab.lab import Lab, play, target
from tests.stack.calls import changed
from tests.stack.conftest import a_call

MINI = Target("mini", "openai", "gpt-4o-mini", timeout_s=10, tier="small", context_tokens=100)
HAIKU = Target("haiku", "anthropic", "claude-haiku-4-5", timeout_s=10, tier="small")
LARGE = Target("large", "openai", "gpt-4o", timeout_s=10, tier="large")
TIERS = Tiers(("small", "large"), (MINI, HAIKU, LARGE))
PRICES = {
    "gpt-4o-mini": Price.per_million("0.15", "0.60", "0.075"),
    "claude-haiku-4-5": Price.per_million("0.1", "0.9", "0.01"),
    "gpt-4o": Price.per_million("0.002", "0.003", "0.001"),
}
SMALL, BIG, SPARE = (
    target("together", tier="small"),
    target("openai", tier="large"),
    target("anthropic", tier="large"),
)
CHAIN = (BIG, SPARE, SMALL)


def names(decision: Any) -> list[str]:
    return [target.name for target in decision.order]


def took(*seconds: float, at_s: float = 0.0) -> tuple[Sample, ...]:
    return tuple(Sample(at_s, s) for s in seconds)


def test_the_fastest_median_goes_first() -> None:
    known = {"mini": took(0.2, 0.3, 9.0), "haiku": took(0.25), "large": took(0.1, 0.4, 0.4)}
    decision = latency(LatencyOptions(), TIERS, a_call(), known, 0.0)
    assert (names(decision), decision.score) == (["haiku", "mini", "large"], 0.25)
    assert decision.why == "haiku: 0.250 s"


def test_a_target_without_recent_samples_is_asked_first() -> None:
    known = {"mini": took(0.2), "haiku": took(5.0, at_s=0.0), "large": took(0.1, at_s=50.0)}
    assert names(latency(LatencyOptions(forget_s=60), TIERS, a_call(), known, 10.0))[0] == "large"
    assert names(latency(LatencyOptions(forget_s=60), TIERS, a_call(), known, 70.0))[0] == "mini"


def test_a_tier_below_the_least_or_too_small_for_the_prompt_does_not_qualify() -> None:
    known = {"mini": took(0.1), "haiku": took(0.2), "large": took(0.3)}
    assert names(latency(LatencyOptions(at_least="large"), TIERS, a_call(), known, 0.0))[0] == "large"
    assert names(latency(LatencyOptions(), TIERS, a_call(text="x" * 900), known, 0.0))[0] == "haiku"


def attempt(**facts: Any) -> AttemptFacts:
    base = {"call_id": "c", "n": 1, "kind": "primary", "provider": "openai", "model": "gpt-4o-mini"}
    return AttemptFacts(**{**base, "started_s": 1.0, **facts})


def test_a_failure_counts_as_a_whole_timeout_and_an_abandoned_attempt_as_nothing() -> None:
    assert sample_of(attempt(first_s=1.25, outcome="failed"), MINI, 5.0) == Sample(5.0, 0.25)
    assert sample_of(attempt(end_s=1.02, outcome="failed"), MINI, 5.0) == Sample(5.0, 10.0)
    assert sample_of(attempt(end_s=9.0, outcome="abandoned"), MINI, 9.0) is None
    assert sample_of(attempt(end_s=1.0, outcome="rejected"), MINI, 9.0) is None


@given(st.lists(st.floats(0, 100), max_size=50), st.integers(1, 10))
def test_only_the_latest_are_remembered(seconds: list[float], window: int) -> None:
    samples: tuple[Sample, ...] | None = None
    for s in seconds:
        samples = with_sample(samples, Sample(0.0, s), window)
    assert [sample.ttft_s for sample in samples or ()] == seconds[-window:]


def test_traffic_moves_away_from_a_provider_that_gets_slow_and_back_when_it_is_forgotten() -> None:
    async def scene(lab: Lab) -> None:
        for n in range(12):
            await lab.ask(f"c{n}", tokens=4)
        asked = [provider for _, provider in lab.attempt_path]
        assert asked[:3] == ["openai", "anthropic", "together"]  # each is tried once
        assert asked[3] == "openai"
        slow_at = asked.index("anthropic", 3)
        assert set(asked[slow_at + 1 :]) <= {"anthropic", "together"}
        await asyncio.sleep(100)
        await lab.ask("later", tokens=4)
        assert lab.attempt_path[-1] == ("primary", "openai")

    slow = {"kind": "slow_first_token", "provider": "openai", "extra_s": 3.0, "from_s": 3.0, "to_s": 60.0}
    route = {"policy": "latency", "latency": {"window": 1}}
    play(scene, faults=[slow], target=CHAIN, route=route)


@given(st.integers(0, 390), st.integers(1, 2_000), st.lists(st.integers(1, 2_000), max_size=5))
def test_the_cheapest_for_the_predicted_tokens_goes_first(
    chars: int, max_tokens: int, lengths: list[int]
) -> None:
    call = changed(a_call(text="x" * chars), max_tokens=max_tokens)
    usage = predicted(CostOptions(), call, tuple(lengths))
    assert usage.output_tokens <= max_tokens
    fit = [t for t in TIERS.targets if call_tokens(call) <= t.context_tokens]
    decision = cost(CostOptions(), TIERS, PRICES, call, tuple(lengths))
    assert decision.score == min(PRICES[target.model].of(usage) for target in fit)
    assert decision.score == PRICES[decision.order[0].model].of(usage)


def test_which_is_cheapest_depends_on_how_long_replies_are() -> None:
    call = changed(a_call(text="x" * 200), max_tokens=4_000)
    tiers = Tiers(("small",), (HAIKU, replace(MINI, context_tokens=9_000)))
    assert names(cost(CostOptions(), tiers, PRICES, call, (2,)))[0] == "haiku"
    assert names(cost(CostOptions(), tiers, PRICES, call, (900,)))[0] == "mini"


def test_a_prediction_is_the_mean_of_the_latest_replies() -> None:
    assert predicted(CostOptions(), a_call(), ()) == Usage(call_tokens(a_call()), 200)
    assert predicted(CostOptions(), a_call(), (10, 30)).output_tokens == 20


def test_the_cheapest_target_is_asked_and_the_next_cheapest_when_it_fails() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask()
        await lab.drain()
        assert lab.attempt_path == [("primary", "together"), ("fallback", "openai")]
        assert lab.facts[0].route_policy == "cost"
        lab.assert_paid_exactly()

    faults = [{"kind": "http_error", "status": 503, "provider": "together"}]
    play(scene, faults=faults, target=CHAIN, route={"policy": "cost"})


@pytest.mark.parametrize(
    ("hint", "score", "tier"),
    [
        ("easy", 0.0, "small"),
        ("medium", 0.5, "large"),
        ("hard", 1.0, "large"),
        ("", 1.0, "large"),
        ("odd", 1.0, "large"),
    ],
)
def test_the_oracle_follows_the_callers_hint(
    hint: str, score: float, tier: str, call: Callable[..., Call]
) -> None:
    decision = oracle(OracleOptions(), TIERS, changed(call(), hint=hint))
    assert (decision.score, decision.tier) == (score, tier)
    assert oracle(OracleOptions(threshold=0.6), TIERS, changed(call(), hint="medium")).tier == "small"


def test_both_ways_into_the_stack_hand_the_oracle_the_difficulty() -> None:
    def planned(difficulty: Any) -> PlannedCall:
        prompt = Prompt("", "What is it?", 5)
        return PlannedCall(0, f"c-{difficulty}", 0.0, "t", "q", difficulty, prompt, "it", 99, stream=True)

    async def scene(lab: Lab) -> None:
        for difficulty in ("easy", "hard"):
            await ask_stack(lab.stack)(planned(difficulty), ObservedReply())
            hint = request_headers(planned(difficulty))["x-brownout-hint"]
            body = {"model": "any", "messages": [{"role": "user", "content": "What is it?"}]}
            got = await lab.client.post(
                f"{lab.gateway}/v1/chat/completions", json=body, headers={"x-brownout-hint": hint}
            )
            assert got.status_code == 200
        assert [facts.route_tier for facts in lab.facts] == ["small", "small", "large", "large"]

    play(scene, target=CHAIN, route={"policy": "oracle"})


@pytest.mark.parametrize("table", ["latency", "cost"])
def test_a_least_tier_that_does_not_exist_is_refused(table: str) -> None:
    route = {"policy": table, table: {"at_least": "huge"}}
    with pytest.raises(ValueError, match=f"{table}.at_least: expected one of small, large, found 'huge'"):
        StackOptions.model_validate({"target": CHAIN, "route": route})
