"""Whatever the router, the stack, the faults and the callers: what is always so in any world is so in a
routed one, and the facts say where each call went.
"""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from tests.chaos.small_world import Drawn, Remains, play, worlds
from tests.chaos.test_any_world import (
    a_limit_that_is_known_is_never_exceeded,
    every_attempt_settles_once,
    every_call_has_exactly_one_outcome,
    every_request_is_an_attempt_and_the_other_way_round,
    no_more_is_tried_again_than_the_budget_grants,
    nothing_is_left,
    what_is_known_is_what_is_billed,
)

WORLDS = 400
POLICIES = ("small", "large", "heuristic", "cascade", "cascade", "cascade", "latency", "cost", "oracle")


@st.composite
def routed_worlds(draw: st.DrawFn) -> Drawn:
    """Any world of at least two targets, with a router of any kind."""
    drawn = draw(worlds())
    targets = drawn.stack["target"]
    assume(len(targets) >= 2)
    small = draw(st.integers(1, len(targets) - 1))
    tiered = [target | {"tier": "small" if n < small else "large"} for n, target in enumerate(targets)]
    route: dict[str, Any] = {
        "policy": draw(st.sampled_from(POLICIES)),
        "cascade": {"check": {"min_chars": draw(st.sampled_from([1, 60, 100_000]))}},
        "latency": {"window": 2},
    }
    return replace(drawn, stack=drawn.stack | {"target": draw(st.permutations(tiered)), "route": route})


def each_call_says_where_it_went(drawn: Drawn, remains: Remains) -> None:
    route = drawn.stack["route"]
    tiers = {target["model"]: target["tier"] for target in drawn.stack["target"]}
    for facts in remains.facts:
        if not facts.attempts:
            continue  # answered from the cache, or it never came so far
        assert facts.route_policy == route["policy"]
        assert facts.route_rank == ("small", "large").index(facts.route_tier or "")
        cascade = route["policy"] == "cascade"
        assert (facts.escalated is not None) == cascade
        asked = [(attempt.kind, tiers[attempt.model]) for attempt in facts.attempts]
        if cascade:
            assert any(tier == "large" for _, tier in asked) <= bool(facts.escalated)
        assert any(kind == "escalate" for kind, _ in asked) <= cascade
        if facts.held_s is not None:
            assert facts.route_tier == "small"
            assert facts.first_s is not None


def no_more_is_tried_than_allowed(drawn: Drawn, remains: Remains) -> None:
    """As in any world, but a cascade may go down the chain twice."""
    tries = drawn.stack.get("retry", {}).get("attempts", 1)
    fallback = drawn.stack.get("fallback", {"after_first_token": "fail", "max_continuations": 0})
    again = 0 if fallback["after_first_token"] == "fail" else fallback["max_continuations"]
    hedges = 2 if "hedge" in drawn.stack else 1
    most = 2 * (len(drawn.stack["target"]) + 1) * tries * (1 + again) * hedges
    assert all(len(facts.attempts) <= most for facts in remains.facts)


@seed(6)
@settings(
    max_examples=WORLDS,
    derandomize=False,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(drawn=routed_worlds())
def test_in_any_routed_world_everything_is_settled_and_nothing_left(drawn: Drawn) -> None:
    remains = play(drawn)
    every_call_has_exactly_one_outcome(drawn, remains)
    every_attempt_settles_once(remains)
    every_request_is_an_attempt_and_the_other_way_round(remains)
    what_is_known_is_what_is_billed(remains)
    no_more_is_tried_than_allowed(drawn, remains)
    no_more_is_tried_again_than_the_budget_grants(drawn, remains)
    a_limit_that_is_known_is_never_exceeded(drawn, remains)
    each_call_says_where_it_went(drawn, remains)
    nothing_is_left(remains)
