"""Client rows, stack facts and the ledger meet on one time axis."""

from copy import deepcopy
from typing import Any

from harness.runs.join import SubjectRows, join
from harness.world.world import Measured

ATTEMPT = {
    "call_id": "c0",
    "n": 1,
    "kind": "primary",
    "provider": "openai",
    "model": "gpt-4o",
    "started_s": 100.5,
    "first_s": 101.0,
    "end_s": 102.0,
    "outcome": "success",
    "sent": True,
    "cost_nusd": 7,
}
FACT = {"call_id": "c0", "cache": "miss", "cost_nusd": 7, "attempts": [ATTEMPT]}


def collected(
    client: list[dict[str, Any]], facts: list[dict[str, Any]], ledger: list[dict[str, Any]] | None = None
) -> SubjectRows:
    return join("full", deepcopy(Measured(100.0, client, facts, ledger or [])))


CLIENT = {"call_id": "c0", "n": 0, "outcome": "success"}


def test_moments_of_the_stack_become_seconds_since_the_start() -> None:
    [attempt] = collected([CLIENT], [FACT]).attempts
    assert (attempt["started_s"], attempt["first_s"], attempt["end_s"]) == (0.5, 1.0, 2.0)
    assert (attempt["attempt_id"], attempt["subject"]) == ("c0/1", "full")
    assert "sent" not in attempt


def test_a_call_learns_from_the_stack_who_answered_and_what_it_cost() -> None:
    [call] = collected([CLIENT], [FACT]).calls
    assert (call["provider"], call["cache"], call["attempts"], call["cost_nusd"]) == ("openai", "miss", 1, 7)


def test_a_call_that_never_reached_the_stack_has_no_facts() -> None:
    [call] = collected([CLIENT], []).calls
    assert (call["provider"], call["cache"], call["attempts"], call["cost_nusd"]) == (None, "off", 0, 0)


def test_a_call_that_a_provider_billed_lost_its_facts_with_the_gateway() -> None:
    """It had no attempts, and a bill."""
    [call] = collected([CLIENT], [], [{"attempt_id": "c0/1", "cost_nusd": 7}]).calls
    assert (call["attempts"], call["cost_nusd"]) == (None, None)


def test_attempts_of_calls_the_client_never_finished_are_kept() -> None:
    found = collected([], [FACT], [{"cost_nusd": 7}])
    assert (found.calls, len(found.attempts)) == ([], 1)
    assert found.ledger == [{"subject": "full", "cost_nusd": 7}]


def test_calls_are_in_the_order_of_the_plan_whatever_order_they_ended_in() -> None:
    client = [CLIENT | {"call_id": f"c{n}", "n": n} for n in (2, 0, 1)]
    assert [call["n"] for call in collected(client, []).calls] == [0, 1, 2]


def test_a_call_learns_where_a_router_sent_it_and_nothing_when_none_did() -> None:
    route = {"route_policy": "cascade", "route_tier": "large", "route_rank": 1, "escalated": True}
    [routed] = collected([CLIENT], [FACT | route]).calls
    [plain] = collected([CLIENT], [FACT]).calls
    assert {name: routed[name] for name in route} == route
    assert {plain[name] for name in route} == {None}


def test_who_judged_an_answer_did_not_give_it() -> None:
    judge = ATTEMPT | {"n": 2, "kind": "judge", "provider": "anthropic", "model": "claude"}
    [call] = collected([CLIENT], [FACT | {"attempts": [ATTEMPT, judge]}]).calls
    assert (call["provider"], call["model"], call["attempts"]) == ("openai", "gpt-4o", 2)
