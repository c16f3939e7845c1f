"""After thousands of calls, half of them abandoned, every attempt is settled and nothing leaks.

One storm is run (see `storm`), in virtual time; each test checks one promise.
"""

from collections import Counter
from typing import Any, get_args

import pytest

from harness.stack.assembly.providers import CODECS
from harness.stack.core.facts import AttemptFacts
from harness.stack.core.request import Message
from harness.stack.core.tokens import prompt_tokens
from harness.virtual import LeakReport
from mock_providers.ledger.row import Ended
from tests.chaos.storm import (
    FAULTS,
    LEAVES,
    LINK_DELAY_S,
    MOST_CHUNK_TOKENS,
    STACK,
    TOKENS_PER_S,
    Asked,
    Storm,
    unleash,
)
from tests.effort import effort

CALLS = effort(5_000)
CALLS_IN_FLIGHTS = effort(1_500)
CALLS_THROUGH_GATEWAY = effort(1_200)
MAX_TOKENS = 200

MOST_UNSEEN_TOKENS = round(3 * TOKENS_PER_S * 2 * LINK_DELAY_S) + MOST_CHUNK_TOKENS
"""What a stream can send that its abandoning reader never sees: the chunks that are on their way to the
client while the hang-up is on its way to the provider, at up to three times the median pace, and one more."""


@pytest.fixture(scope="module", params=["in process", "in flights", "through the gateway"])
def storm(request: pytest.FixtureRequest) -> Storm:
    match request.param:
        case "in process":
            return unleash(CALLS)
        case "in flights":
            return unleash(CALLS_IN_FLIGHTS, in_flights=True)
        case _:
            return unleash(CALLS_THROUGH_GATEWAY, through_gateway=True, in_flights=True)


def rows_by_attempt(storm: Storm) -> dict[str, dict[str, Any]]:
    """The ledger's rows by the stack's attempt id."""
    return {row["attempt_id"]: row for row in storm.ledger}


def test_the_storm_contains_every_fault_and_every_way_to_hang_up(storm: Storm) -> None:
    """Waits, refusals, retries, fallbacks and cache hits occurred too."""
    assert min(storm.asked[leave] for leave in LEAVES) > 80
    assert min(storm.became[how] for how in ("answered", "cancelled", "left")) > 80
    assert {row["fault"] for row in storm.ledger} >= {fault["kind"] for fault in FAULTS} - {
        "outage",
        "cache_wipe",
    }
    assert {row["ended"] for row in storm.ledger} == set(get_args(Ended))
    assert {attempt.kind for attempt in storm.attempts} == {"primary", "retry", "fallback"}
    assert {attempt.outcome for attempt in storm.attempts} == {"success", "failed", "abandoned", "rejected"}
    assert {attempt.provider for attempt in storm.attempts} == {"openai", "anthropic", "together"}
    assert sum(attempt.limiter_wait_s > 0 for attempt in storm.attempts) > 0.5 * len(storm.attempts)
    assert sum(facts.cache == "exact" for facts in storm.facts) > 150
    assert storm.most_connections > 20
    if sum(storm.asked.values()) == CALLS:
        assert storm.cancelled_as_admitted > 10


def test_no_task_is_pending_once_the_last_call_is_over(storm: Storm) -> None:
    assert storm.idle.tasks == ()


def test_no_connection_outlives_its_keep_alive_while_the_client_is_open(storm: Storm) -> None:
    assert storm.idle.connections == ()


def test_nothing_leaks_once_everything_is_closed(storm: Storm) -> None:
    assert storm.end == LeakReport()


def test_the_providers_have_no_request_in_flight(storm: Storm) -> None:
    assert storm.in_flight == 0


def test_every_call_emits_its_facts_exactly_once_and_final(storm: Storm) -> None:
    emitted = Counter(row["call_id"] for row in storm.emitted)
    assert set(emitted.values()) == {1}
    if sum(storm.asked.values()) == CALLS:
        assert len(emitted) == CALLS
    assert storm.emitted == [facts.as_row() for facts in storm.facts]
    assert {facts.outcome for facts in storm.facts} <= {"success", "failed", "abandoned", "rejected"}


def test_every_attempt_is_settled_exactly_once(storm: Storm) -> None:
    ids = [attempt.attempt_id for attempt in storm.attempts]
    assert storm.settled == Counter(ids)
    assert set(storm.settled.values()) == {1}
    assert all(attempt.outcome is not None and attempt.end_s is not None for attempt in storm.attempts)


def test_every_request_at_a_provider_is_an_attempt_of_the_stack_and_recorded_once(storm: Storm) -> None:
    recorded = Counter(row["attempt_id"] for row in storm.ledger)
    assert set(recorded.values()) == {1}
    sent = {attempt.attempt_id for attempt in storm.attempts if attempt.sent}
    assert recorded.keys() <= sent
    # Sent and never seen there: cancelled while it connected, or on its way.
    never_there = sent - recorded.keys()
    unseen = [attempt for attempt in storm.attempts if attempt.attempt_id in never_there]
    assert {attempt.outcome for attempt in unseen} <= {"abandoned"}
    assert len(unseen) < 0.005 * len(sent)


def test_no_permit_is_held_and_every_permit_taken_belongs_to_a_request_that_was_sent(storm: Storm) -> None:
    assert len(storm.queues) == len(STACK["target"])
    for target, queue in zip(STACK["target"], storm.queues, strict=True):
        assert (len(queue), queue._admitting, queue.in_flight) == (0, None, 0)
        sent = [a for a in storm.attempts if a.provider == target["provider"] and a.sent]
        assert queue.taken_requests == len(sent) > 0
        by_usage = target["limiter"].get("settle") == "usage"
        assert queue.taken_tokens == sum(counted_tokens(attempt, by_usage=by_usage) for attempt in sent)


def counted_tokens(attempt: AttemptFacts, *, by_usage: bool) -> int:
    """Tokens an attempt finally counts against the token limit: its usage, or its reservation."""
    count = CODECS[attempt.provider].reserved_tokens  # type: ignore[index]  # providers' names are the keys
    if by_usage and attempt.outcome == "success":
        return count(attempt.input_tokens, attempt.output_tokens)
    prompt = Asked(int(attempt.call_id.removeprefix("c"))).prompt
    return count(prompt_tokens((Message("system", "Be brief."), Message("user", prompt))), MAX_TOKENS)


def test_costs_the_stack_marks_as_known_equal_the_bill_to_the_nano_dollar(storm: Storm) -> None:
    rows = rows_by_attempt(storm)
    known = [attempt for attempt in storm.attempts if attempt.usage_known]
    wrong = [
        (attempt.attempt_id, attempt.outcome, attempt.error_kind, attempt.cost_nusd, billed)
        for attempt in known
        if attempt.cost_nusd != (billed := rows.get(attempt.attempt_id, {"cost_nusd": 0})["cost_nusd"])
    ]
    assert wrong == []
    assert len(known) > 0.6 * len(storm.attempts)


def test_usage_is_known_for_every_success_and_for_no_abandoned_reply(storm: Storm) -> None:
    known = {(attempt.outcome, attempt.usage_known) for attempt in storm.attempts if attempt.sent}
    assert ("success", False) not in known
    assert ("abandoned", True) not in known


def test_an_estimate_errs_by_the_tokens_in_flight_at_most(storm: Storm) -> None:
    """For an abandoned or broken reply, either the prompt is right and only tokens in flight are missing, or
    the provider charged nothing (it never received the request, hung, or was about to refuse it) and only the
    prompt was counted in excess.
    """
    rows = rows_by_attempt(storm)
    charged_nothing = 0
    estimated = [attempt for attempt in storm.attempts if attempt.sent and not attempt.usage_known]
    assert {attempt.outcome for attempt in estimated} == {"abandoned", "failed"}
    for attempt in estimated:
        row = rows.get(attempt.attempt_id)
        if row is None or row["input_tokens"] == 0:
            charged_nothing += attempt.outcome == "abandoned"
            assert attempt.output_tokens == 0
            continue
        assert attempt.input_tokens == row["input_tokens"]
        most = MOST_UNSEEN_TOKENS if row["stream"] else row["planned_output_tokens"]
        assert 0 <= row["output_tokens"] - attempt.output_tokens <= most
    assert charged_nothing < 0.05 * sum(attempt.outcome == "abandoned" for attempt in estimated)


def test_the_whole_bill_of_abandoned_replies_is_estimated_within_eight_percent(storm: Storm) -> None:
    """Streams are estimated closely. Of a whole reply that its caller left no word was seen, only its prompt
    is charged, while the provider bills the words that it had written.
    """
    rows = rows_by_attempt(storm)
    abandoned = [attempt for attempt in storm.attempts if attempt.outcome == "abandoned"]
    billed = sum(rows[a.attempt_id]["cost_nusd"] for a in abandoned if a.attempt_id in rows)
    assert billed > 0
    assert sum(attempt.cost_nusd for attempt in abandoned) == pytest.approx(billed, rel=0.08)


def test_a_storm_repeats_from_its_seed() -> None:
    first, again = unleash(400), unleash(400)
    assert first.emitted == again.emitted
    assert first.ledger == again.ledger
    assert first.became == again.became
