"""For any router, stack, faults and callers: the invariants of `test_any_world` hold, facts name routes."""

from dataclasses import replace
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tests.chaos.small_world import Remains, play
from tests.chaos.test_any_world import no_more_is_tried_than_allowed, what_is_always_so
from tests.chaos.worlds import DRAWN, Drawn, worlds
from tests.effort import effort

WORLDS = effort(200)
POLICIES = st.sampled_from(
    ("small", "large", "heuristic", "cascade", "cascade", "cascade", "latency", "cost", "oracle")
)
MIN_CHARS = st.sampled_from([1, 60, 100_000])
CHAINS = worlds(least_targets=2)


@st.composite
def routed_worlds(draw: st.DrawFn) -> Drawn:
    """Any run with at least two targets and a router of any kind."""
    drawn = draw(CHAINS)
    targets = drawn.stack["target"]
    small = draw(st.integers(1, len(targets) - 1))
    tiered = [target | {"tier": "small" if n < small else "large"} for n, target in enumerate(targets)]
    route: dict[str, Any] = {
        "policy": draw(POLICIES),
        "cascade": {"check": {"min_chars": draw(MIN_CHARS)}},
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
        if facts.held_s is not None:  # by the cascade, or by a reply that may begin again
            restarts = drawn.stack.get("fallback", {}).get("after_first_token") == "restart"
            assert facts.route_tier == "small" or restarts
            assert facts.first_s is not None


@seed(6)
@settings(DRAWN, max_examples=WORLDS)
@given(drawn=routed_worlds())
def test_any_routed_run_settles_every_attempt_and_leaks_nothing(drawn: Drawn) -> None:
    """A cascade may go down the chain twice."""
    remains = play(drawn)
    what_is_always_so(drawn, remains)
    no_more_is_tried_than_allowed(drawn, remains, descents=2)
    each_call_says_where_it_went(drawn, remains)
