"""Invariants for any stack, faults and callers, checked on 640 random runs, times `BROWNOUT_EFFORT`.

The runs come in shards, each with a fixed seed, so that they repeat and can run in parallel.
"""

from collections.abc import Sequence

import pytest
from hypothesis import given, seed, settings

from harness.stack.core.facts import AttemptFacts
from tests.chaos.small_world import Remains, play
from tests.chaos.worlds import DRAWN, RPM, Asked, Drawn, worlds
from tests.effort import effort
from tests.lab.lab import CHAIN

SHARDS = 8
WORLDS_A_SHARD = effort(80)
MOST_UNSEEN_TOKENS = 4
"""A caller that leaves may not have read the last chunk that was sent, of at most four tokens."""


def every_call_has_exactly_one_outcome(drawn: Drawn, remains: Remains) -> None:
    ids = [f"c{n}" for n in range(len(drawn.calls))]
    assert sorted(id_ for id_, _ in remains.outcomes) == sorted(ids)
    emitted = [row["call_id"] for row in remains.emitted]
    assert len(set(emitted)) == len(emitted)
    assert remains.emitted == [facts.as_row() for facts in remains.facts]
    for facts in remains.facts:
        seen = dict(remains.outcomes)[facts.call_id]
        expected = {"answered": "success", "cancelled": "abandoned", "closed": "abandoned"}.get(seen)
        if expected is None:
            assert facts.outcome in ("failed", "rejected")
            assert facts.error_kind == seen
        else:
            assert facts.outcome == expected or (seen != "answered" and facts.outcome == "success")


def every_attempt_settles_once(remains: Remains) -> None:
    ids = [attempt.attempt_id for attempt in remains.attempts]
    assert sorted(remains.settled.elements()) == sorted(ids)
    assert all(attempt.outcome is not None and attempt.end_s is not None for attempt in remains.attempts)


def every_request_is_an_attempt_and_the_other_way_round(remains: Remains) -> None:
    recorded = [row["attempt_id"] for row in remains.ledger]
    assert len(set(recorded)) == len(recorded)
    sent = {attempt.attempt_id for attempt in remains.attempts if attempt.sent}
    assert set(recorded) <= sent
    unseen = [a for a in remains.attempts if a.sent and a.attempt_id not in set(recorded)]
    assert {attempt.outcome for attempt in unseen} <= {"abandoned"}


def what_is_known_is_what_is_billed(remains: Remains) -> None:
    rows = {row["attempt_id"]: row for row in remains.ledger}
    for attempt in remains.attempts:
        row = rows.get(attempt.attempt_id)
        billed = 0 if row is None else row["cost_nusd"]
        if attempt.usage_known or not attempt.sent:
            assert attempt.cost_nusd == billed, attempt
        elif row is None or row["input_tokens"] == 0:
            assert attempt.output_tokens == 0, attempt
        else:
            assert attempt.input_tokens == row["input_tokens"], attempt
            most = MOST_UNSEEN_TOKENS if row["stream"] else row["planned_output_tokens"]
            assert 0 <= row["output_tokens"] - attempt.output_tokens <= most, attempt


def was_resent(attempts: Sequence[AttemptFacts], attempt: AttemptFacts) -> bool:
    """Whether an attempt is the one more after a connection that broke unread, which costs no retry."""
    before = attempts[attempt.n - 2] if attempt.n > 1 else None
    at_once = attempt.kind == "retry" and attempt.backoff_s == 0.0
    return at_once and before is not None and before.error_kind == "connection"


def no_more_is_tried_than_allowed(drawn: Drawn, remains: Remains, descents: int = 1) -> None:
    """Attempts stay within the retry options; `descents`: passes a call may make through the chain."""
    tries = drawn.stack.get("retry", {}).get("attempts", 1)
    fallback = drawn.stack.get("fallback", {"after_first_token": "fail", "max_continuations": 0})
    again = 0 if fallback["after_first_token"] == "fail" else fallback["max_continuations"]
    targets = len(drawn.stack["target"])
    hedges = 2 if "hedge" in drawn.stack else 1
    for facts in remains.facts:
        sent = [attempt for attempt in facts.attempts if not was_resent(facts.attempts, attempt)]
        assert len(sent) <= descents * (targets + 1) * tries * (1 + again) * hedges
        continued = sum(attempt.kind == "continue" for attempt in facts.attempts)
        assert continued <= descents * again * (targets + 1) * tries


def no_more_is_tried_again_than_the_budget_grants(drawn: Drawn, remains: Remains) -> None:
    budget = drawn.stack.get("retry_budget")
    if budget is not None and drawn.stack.get("fallback", {}).get("after_first_token") != "restart":
        again = sum(
            attempt.kind in ("retry", "hedge") and not was_resent(facts.attempts, attempt)
            for facts in remains.facts
            for attempt in facts.attempts
        )
        last_s = max((attempt.started_s for attempt in remains.attempts), default=0.0)
        granted = budget["initial"] + budget["ratio"] * len(drawn.calls) + budget["min_per_s"] * last_s
        assert again <= granted


def a_limit_that_is_known_is_never_exceeded(drawn: Drawn, remains: Remains) -> None:
    injected = [fault for fault in drawn.faults if fault.get("status") == 429]
    limits = [row for row in remains.ledger if row["status"] == 429 and row["provider"] in drawn.limited]
    if not injected:
        assert limits == [], f"more than {RPM} a minute"


def nothing_is_left(remains: Remains) -> None:
    assert remains.idle_tasks == ()
    assert remains.in_flight == 0
    assert not any((remains.end.tasks, remains.end.connections, remains.end.servers, remains.end.timers))


def what_is_always_so(drawn: Drawn, remains: Remains) -> None:
    every_call_has_exactly_one_outcome(drawn, remains)
    every_attempt_settles_once(remains)
    every_request_is_an_attempt_and_the_other_way_round(remains)
    what_is_known_is_what_is_billed(remains)
    no_more_is_tried_again_than_the_budget_grants(drawn, remains)
    a_limit_that_is_known_is_never_exceeded(drawn, remains)
    nothing_is_left(remains)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_any_run_settles_every_attempt_and_leaks_nothing(shard: int) -> None:
    @seed(shard)
    @settings(DRAWN, max_examples=WORLDS_A_SHARD)
    @given(drawn=worlds())
    def in_any_world(drawn: Drawn) -> None:
        remains = play(drawn)
        what_is_always_so(drawn, remains)
        no_more_is_tried_than_allowed(drawn, remains)

    in_any_world()


def test_a_random_run_repeats() -> None:
    fault = {"kind": "reset", "probability": 0.5, "after_chunks": 2, "from_s": 0.0, "to_s": 9.0}
    stack = {
        "fallback": {},
        "retry": {},
        "breaker": {"min_samples": 2},
        "target": list(CHAIN),
    }
    calls = tuple(Asked(n / 10, 30, True, "interactive", None, None) for n in range(12))
    drawn = Drawn(5, stack, [fault], (), calls)
    first, again = play(drawn), play(drawn)
    assert len(first.attempts) > len(calls)
    assert (first.emitted, first.ledger) == (again.emitted, again.ledger)
