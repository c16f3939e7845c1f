"""The cascade: the small tier first, its answer held back until it is judged; the large tier if rejected."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.core.call import Call, Next
from harness.stack.core.errors import AllProvidersFailed, ProviderError
from harness.stack.core.reply import Answer
from harness.stack.core.request import Message
from harness.stack.core.target import Target
from harness.stack.routing.cascade import Cascade, CascadeOptions
from harness.stack.routing.tiers import Tiers
from tests.lab.lab import GAP_S, TTFT_S, Lab, play, target
from tests.stack.calls import changed

SMALL = target("together", tier="small")
LARGE = target("openai", tier="large")
SPARE = target("anthropic", tier="large")
CHAIN = (LARGE, SPARE, SMALL)
DOUBTS_ALL = {"check": {"min_chars": 1_000_000}}
TOKENS = 40
WHOLE_S = TTFT_S + (TOKENS - 1) * GAP_S
"""Until the last word of a reply of so many tokens."""


def cascade(**options: Any) -> dict[str, Any]:
    return {"target": CHAIN, "route": {"policy": "cascade", "cascade": options}}


def down(*providers: str) -> list[dict[str, Any]]:
    return [{"kind": "http_error", "status": 503, "provider": name} for name in providers]


def test_an_accepted_answer_is_served_whole_without_asking_the_large_tier() -> None:
    async def scene(lab: Lab) -> None:
        began_s = lab.now()
        reply = await lab.begin(tokens=TOKENS)
        assert lab.now() - began_s == pytest.approx(WHOLE_S, abs=0.01)
        async with reply:
            [event async for event in reply]
        await lab.drain()
        assert lab.attempt_path == [("primary", "together")]
        [facts] = lab.facts
        assert (facts.route_policy, facts.route_tier, facts.escalated) == ("cascade", "small", False)
        assert facts.held_s == pytest.approx(WHOLE_S - TTFT_S, abs=0.01)
        lab.assert_paid_exactly()

    play(scene, **cascade())


def test_a_doubted_answer_is_never_seen_and_large_streams_in_its_place() -> None:
    async def scene(lab: Lab) -> None:
        began_s = lab.now()
        reply = await lab.begin(tokens=TOKENS)
        assert lab.now() - began_s == pytest.approx(WHOLE_S + TTFT_S, abs=0.01)
        async with reply:
            [event async for event in reply]
        assert lab.now() - began_s == pytest.approx(2 * WHOLE_S, abs=0.02)
        await lab.drain()
        assert lab.attempt_path == [("primary", "together"), ("escalate", "openai")]
        [facts] = lab.facts
        assert (facts.route_tier, facts.escalated, facts.held_s) == ("large", True, None)
        assert facts.route_why == "small: too short"

    play(scene, **cascade(**DOUBTS_ALL))


def test_the_rejected_answer_is_in_the_calls_cost_to_the_nano_dollar() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask(tokens=TOKENS)
        await lab.drain()
        [facts] = lab.facts
        small, large = facts.attempts
        assert (small.outcome, large.outcome) == ("success", "success")
        assert facts.cost_nusd == small.cost_nusd + large.cost_nusd
        assert small.cost_nusd == lab.row(small).cost_nusd > 0
        lab.assert_paid_exactly()

    play(scene, **cascade(**DOUBTS_ALL))


@pytest.mark.parametrize("fault", ["reset", "truncate", "malformed_json", "in_band_error"])
def test_a_small_answer_that_breaks_midway_escalates_and_both_are_billed(fault: str) -> None:
    async def scene(lab: Lab) -> None:
        answer = await lab.ask(tokens=TOKENS)
        await lab.drain()
        assert answer.finish.reason == "stop"
        assert lab.attempt_path == [("primary", "together"), ("escalate", "openai")]
        small, large = lab.attempts
        assert (small.outcome, large.outcome) == ("failed", "success")
        assert small.cost_nusd > 0
        assert lab.facts[0].escalated

    play(scene, faults=[{"kind": fault, "provider": "together", "after_chunks": 5}], **cascade())


def test_a_small_tier_that_is_down_escalates_at_once() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask(tokens=TOKENS)
        assert lab.attempt_path == [("primary", "together"), ("escalate", "openai")]
        assert lab.facts[0].route_why == "small: overloaded"

    play(scene, faults=down("together"), **cascade())


def test_an_open_breaker_of_the_small_tier_is_not_insisted_on() -> None:
    async def scene(lab: Lab) -> None:
        for n in range(6):
            await lab.ask(f"c{n}", tokens=TOKENS)
        asked_small = [row for row in lab.rows if row.provider == "together"]
        assert 2 <= len(asked_small) < 6
        assert all(facts.outcome == "success" for facts in lab.facts)

    play(scene, faults=down("together"), breaker={"min_samples": 2, "open_s": 60}, **cascade())


def test_when_large_is_down_the_doubted_answer_is_better_than_none() -> None:
    async def scene(lab: Lab) -> None:
        answer = await lab.ask(tokens=TOKENS)
        await lab.drain()
        assert answer.finish.reason == "stop"
        assert [provider for _, provider in lab.attempt_path] == ["together", "openai", "anthropic"]
        [facts] = lab.facts
        assert (facts.outcome, facts.route_tier, facts.escalated) == ("success", "small", True)
        assert facts.held_s is not None
        assert facts.route_why == "served in doubt: small: too short, large: all_providers_failed"
        lab.assert_paid_exactly()

    play(scene, faults=down("openai", "anthropic"), **cascade(**DOUBTS_ALL))


def test_when_all_targets_fail_the_error_lists_every_failure() -> None:
    async def scene(lab: Lab) -> None:
        with pytest.raises(AllProvidersFailed) as failed:
            await lab.ask(tokens=TOKENS)
        names = [name for name, _ in failed.value.failures]
        assert names == ["together", "openai", "anthropic", "together"]

    play(scene, faults=down("together", "openai", "anthropic"), **cascade())


def test_time_that_is_over_is_not_spent_on_another_tier() -> None:
    async def scene(lab: Lab) -> None:
        with pytest.raises(ProviderError, match="total time"):
            await lab.ask(tokens=TOKENS)
        assert lab.attempt_path == [("primary", "together")]

    play(scene, deadlines={"total_s": 0.6}, **cascade())


@pytest.mark.parametrize("after_s", [0.1, TTFT_S + 0.1, WHOLE_S + 0.1, WHOLE_S + TTFT_S + 0.1])
def test_every_attempt_is_settled_when_the_caller_leaves(after_s: float) -> None:
    async def scene(lab: Lab) -> None:
        calling = asyncio.ensure_future(lab.ask(tokens=TOKENS))
        await asyncio.sleep(after_s)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert [facts.outcome for facts in lab.facts] == ["abandoned"]
        assert all(attempt.outcome is not None for attempt in lab.attempts)

    play(scene, **cascade(**DOUBTS_ALL))


def test_a_reply_that_is_not_streamed_is_judged_the_same_way() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask(tokens=TOKENS, stream=False)
        assert lab.attempt_path == [("primary", "together"), ("escalate", "openai")]

    play(scene, **cascade(**DOUBTS_ALL))


def test_what_a_judge_asks_costs_time_and_money_of_the_call() -> None:
    async def judge(call: Call, answer: Answer, next: Next) -> str | None:
        verdict = (Message("user", f"Is this right? {answer.text} Say yes or no, in about 10 tokens."),)
        async with await next(changed(call, messages=verdict)) as reply:
            await reply.text()
        return "the judge said no"

    async def scene(lab: Lab) -> None:
        options = StackOptions.model_validate(cascade())
        stack = build(options, lab.endpoints, sink=lab.facts.append, judge=judge)
        began_s = lab.now()
        reply = await lab.begin(tokens=TOKENS, stack=stack)
        assert lab.now() - began_s == pytest.approx(WHOLE_S + TTFT_S + 9 * GAP_S + TTFT_S, abs=0.02)
        async with reply:
            [event async for event in reply]
        await lab.drain()
        assert lab.attempt_path == [("primary", "together"), ("judge", "together"), ("escalate", "openai")]
        lab.assert_paid_exactly()
        await stack.aclose()

    play(scene)


def test_a_judge_that_fails_leaves_the_answer_in_doubt() -> None:
    async def judge(call: Call, answer: Answer, next: Next) -> str | None:
        raise ProviderError("overloaded", "the judge is busy")

    async def scene(lab: Lab) -> None:
        stack = build(
            StackOptions.model_validate(cascade()), lab.endpoints, sink=lab.facts.append, judge=judge
        )
        await lab.ask(tokens=TOKENS, stack=stack)
        assert lab.facts[0].route_why == "small: could not be judged (overloaded)"
        await stack.aclose()

    play(scene)


THREE = Tiers(
    ("fast", "balanced", "powerful"),
    (
        Target("mini", "openai", "gpt-4o-mini", tier="fast", context_tokens=100),
        Target("sonnet", "anthropic", "claude-sonnet-4-5", tier="balanced"),
        Target("opus", "anthropic", "claude-opus-4-5", tier="powerful"),
    ),
)


async def test_it_climbs_a_tier_at_a_time(call: Callable[..., Call], scripted: Any) -> None:
    inner = scripted(("I am not sure.",), ("I don't know.",), ("It is 4.",))
    asked = call()
    async with await Cascade(CascadeOptions(), THREE)(asked, inner) as reply:
        assert (await reply.text())[0] == "It is 4."
    assert [[target.name for target in each.routing.order] for each in inner.calls] == [
        ["mini"],
        ["sonnet"],
        ["opus"],
    ]
    assert [each.routing.may_escalate for each in inner.calls] == [True, True, False]
    assert (asked.facts.route_tier, asked.facts.route_rank) == ("powerful", 2)


async def test_a_tier_that_cannot_take_the_call_is_left_out(call: Callable[..., Call], scripted: Any) -> None:
    inner = scripted(("It is 4.",))
    asked = call(text="x" * 2_000)
    async with await Cascade(CascadeOptions(), THREE)(asked, inner) as reply:
        await reply.text()
    assert [target.name for target in inner.calls[0].routing.order] == ["sonnet"]
    assert asked.facts.escalated is False


async def test_an_invalid_request_is_not_escalated(call: Callable[..., Call], scripted: Any) -> None:
    inner = scripted(ProviderError("bad_request", "wrong"))
    with pytest.raises(ProviderError, match="wrong"):
        await Cascade(CascadeOptions(), THREE)(call(), inner)
    assert len(inner.calls) == 1
