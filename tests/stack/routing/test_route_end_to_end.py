"""A routed stack over the mock providers, in virtual time: attempts, cost and facts."""

from typing import Any

from harness.stack.core.facts import AttemptFacts, CallFacts
from harness.stack.core.kinds import AttemptKind
from harness.stack.core.request import Message
from tests.lab.lab import Lab, play, prompt, target
from tests.lab.received import Received

SMALL = target("together", tier="small")
LARGE = target("openai", tier="large")
SPARE = target("anthropic", tier="large")
CHAIN = (LARGE, SPARE, SMALL)
DOWN = {"kind": "http_error", "status": 503}


def routed(policy: str, **more: Any) -> dict[str, Any]:
    return {"target": CHAIN, "route": {"policy": policy, **more}}


def test_a_tier_is_asked_whatever_its_place_in_the_chain() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask()
        await lab.drain()
        assert lab.attempt_path == [("primary", "together")]
        [facts] = lab.facts
        assert (facts.route_policy, facts.route_tier, facts.route_rank) == ("small", "small", 0)
        lab.assert_paid_exactly()

    play(scene, **routed("small"))


def test_when_the_routed_tier_fails_the_others_answer() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask()
        await lab.drain()
        assert lab.attempt_path == [("primary", "together"), ("fallback", "openai")]
        assert lab.facts[0].outcome == "success"
        lab.assert_paid_exactly()

    play(scene, faults=[DOWN | {"provider": "together"}], **routed("small"))


def test_when_the_whole_large_tier_fails_the_small_one_answers() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask()
        assert lab.attempt_path == [
            ("primary", "openai"),
            ("fallback", "anthropic"),
            ("fallback", "together"),
        ]

    faults = [DOWN | {"provider": name} for name in ("openai", "anthropic")]
    play(scene, faults=faults, **routed("large"))


def test_a_stream_that_breaks_goes_on_along_the_route() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask()
        await lab.drain()
        assert lab.attempt_path == [("primary", "together"), ("continue", "openai")]
        lab.assert_paid_exactly()

    play(scene, faults=[{"kind": "reset", "provider": "together", "after_chunks": 5}], **routed("small"))


def test_a_hedge_goes_to_the_next_of_the_route() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask("c1")
        await lab.ask("c2")
        assert lab.attempt_path == [("primary", "together"), ("primary", "together"), ("hedge", "openai")]

    slow = {"kind": "slow_first_token", "provider": "together", "extra_s": 3.0, "from_s": 0.5}
    hedge = {"min_samples": 1, "max_share": 1.0}
    play(scene, faults=[slow], hedge=hedge, retry_budget={}, **routed("small"))


def test_a_cached_answer_was_never_routed() -> None:
    async def scene(lab: Lab) -> None:
        await lab.ask("c1")
        asked = (Message("system", lab.system), Message("user", prompt("c1", 40)))
        async with await lab.stack.ask(lab.stack.call("c2", asked, lab.now())) as reply:
            await reply.text()
        assert [facts.route_tier for facts in lab.facts] == ["large", None]

    play(scene, cache={}, **routed("large"))


def test_the_gateways_headers_name_the_tier() -> None:
    async def scene(lab: Lab) -> None:
        received = await lab.ask_gateway(Received())
        assert received.headers["x-brownout-policy"] == "small"
        assert received.headers["x-brownout-tier"] == "small"

    play(scene, **routed("small"))


def test_a_judges_attempt_is_not_the_one_that_answered() -> None:
    facts = CallFacts("c1")
    kinds: tuple[AttemptKind, ...] = ("primary", "judge")
    for n, kind in enumerate(kinds, 1):
        one = AttemptFacts("c1", n, kind, "openai", f"model-{n}", 0.0)
        one.first_s, one.outcome = 1.0, "success"
        facts.attempts.append(one)
    assert facts.answered_by is not None
    assert facts.answered_by.model == "model-1"
