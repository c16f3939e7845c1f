"""The promises of a storm, when most replies are odd: as real providers and proxies send them."""

import pytest

from tests.chaos.storm import ODD_FAULTS, Storm, unleash
from tests.chaos.test_nothing_left import (  # noqa: F401  # the same promises, of the storm below
    rows_by_attempt,
    test_costs_the_stack_marks_as_known_equal_the_bill_to_the_nano_dollar,
    test_every_attempt_is_settled_exactly_once,
    test_no_connection_outlives_its_keep_alive_while_the_client_is_open,
    test_no_task_is_pending_once_the_last_call_is_over,
    test_nothing_leaks_once_everything_is_closed,
    test_the_providers_have_no_request_in_flight,
)
from tests.effort import effort

CALLS = effort(1_000)


@pytest.fixture(scope="module")
def storm() -> Storm:
    return unleash(CALLS, faults=ODD_FAULTS)


def test_every_oddity_occurs(storm: Storm) -> None:
    assert {row["fault"] for row in storm.ledger} >= {fault["kind"] for fault in ODD_FAULTS}


def test_usage_that_was_not_told_is_estimated_and_marked(storm: Storm) -> None:
    told = [a.cost_nusd for a in storm.attempts if a.outcome == "success" and a.usage_known]
    estimated = [a.cost_nusd for a in storm.attempts if a.outcome == "success" and not a.usage_known]
    assert len(estimated) > 20
    assert min(estimated) > 0
    assert len(told) > 10 * len(estimated)


def test_a_request_that_no_provider_saw_met_a_closed_connection_or_its_caller_left(storm: Storm) -> None:
    sent = [attempt for attempt in storm.attempts if attempt.sent]
    rows = rows_by_attempt(storm)
    assert rows.keys() <= {attempt.attempt_id for attempt in sent}
    unseen = [attempt for attempt in sent if attempt.attempt_id not in rows]
    assert {(a.outcome, a.error_kind) for a in unseen} == {("abandoned", None), ("failed", "connection")}
    assert not any(attempt.usage_known for attempt in unseen if attempt.outcome == "failed")


def test_an_odd_reply_is_an_answer(storm: Storm) -> None:
    """Few calls that their caller waits for fail: those that every provider refuses."""
    left = storm.became["cancelled"] + storm.became["left"]
    assert storm.became["answered"] > 0.97 * (CALLS - left)
