"""Ledger rows: billing, and times relative to t = 0. No sockets here."""

import json
from dataclasses import replace

import pytest

from mock_providers.exchange.request import Problem
from mock_providers.exchange.request_info import RequestInfo
from mock_providers.ledger.entry import Entry
from mock_providers.ledger.ledger import Ledger
from mock_providers.plan import Piece, Plan, refusal
from mock_providers.prices import Prices

INFO = RequestInfo(
    "openai", "chat.completions", "us", "call-1/0", "req_1", "key-abc", "gpt-4o", True, "0" * 16
)
PRICE = Prices.model_validate({"input": "2.50", "output": "10"})
PIECES = tuple(Piece(0.5 + nth, "abcd", 2) for nth in range(4))
PLAN = Plan(
    status=200, ends="complete", ends_s=3.5, headers_s=0.5, pieces=PIECES, input_tokens=100, answer="right"
)

COLUMNS = """
attempt_id request_id provider model endpoint key_id region stream batch_id received_s queued_s status error
fault ended input_tokens cached_input_tokens cache_write_tokens output_tokens planned_output_tokens cost_nusd
first_scheduled_s first_sent_s last_scheduled_s last_sent_s chunks_planned chunks_sent answer prompt_digest
"""


def entry(plan: Plan | None = PLAN, price: Prices | None = PRICE) -> Entry:
    return Entry(INFO, received=1000.0, plan=plan, price=price)


def test_a_whole_reply_is_billed_whole() -> None:
    done = entry()
    done.sent(PIECES[:1], 1000.6)
    done.sent(PIECES[1:], 1004.0)
    done.status, done.ended = 200, "complete"
    row = done.row(t0=990.0)
    assert (row.input_tokens, row.output_tokens, row.cost_nusd) == (100, 8, 100 * 2500 + 8 * 10_000)
    assert (row.received_s, row.first_scheduled_s, row.last_scheduled_s) == (10.0, 10.5, 13.5)
    assert row.first_sent_s == pytest.approx(10.6)
    assert row.last_sent_s == 14.0
    assert (row.chunks_planned, row.chunks_sent) == (4, 4)


@pytest.mark.parametrize("ended", ["client_closed", "reset"])
def test_a_broken_stream_is_billed_for_its_input_and_what_was_sent(ended: str) -> None:
    broken = entry()
    broken.sent(PIECES[:2], 1001.6)
    broken.ended = "client_closed" if ended == "client_closed" else "reset"
    row = broken.row(t0=1000.0)
    assert (row.output_tokens, row.planned_output_tokens) == (4, 8)
    assert row.cost_nusd == 100 * 2500 + 4 * 10_000
    assert row.ended == ended


def test_a_client_that_leaves_before_the_first_token_is_billed_for_its_input() -> None:
    left = entry()
    left.ended = "client_closed"
    row = left.row(t0=1000.0)
    assert (row.status, row.output_tokens, row.cost_nusd) == (0, 0, 250_000)
    assert (row.first_sent_s, row.first_scheduled_s) == (None, 0.5)


@pytest.mark.parametrize(
    "plan", [refusal(Problem(503, "t", "m", "overloaded"), 0.02), PLAN.hung(600.0, "hang"), None]
)
def test_refusals_hangs_and_unread_requests_are_free(plan: Plan | None) -> None:
    row = entry(plan).row(t0=1000.0)
    assert (row.input_tokens, row.output_tokens, row.cost_nusd) == (0, 0, 0)


def test_an_error_is_named_by_its_code_else_by_its_type() -> None:
    coded = entry(refusal(Problem(503, "service_unavailable_error", "m", "server_is_overloaded"), 0.02))
    assert coded.row(0.0).error == "server_is_overloaded"
    assert entry(refusal(Problem(529, "overloaded_error", "m"), 0.02)).row(0.0).error == "overloaded_error"
    assert entry().row(0.0).error is None


def test_rows_leave_as_json_lines_with_the_contracts_columns() -> None:
    ledger = Ledger()
    for number in range(2500):
        one = entry()
        one.info = replace(INFO, request_id=f"req_{number}")
        ledger.append(one.row(1000.0))
    parts = list(ledger.ndjson())
    rows = [json.loads(line) for line in b"".join(parts).splitlines()]
    assert len(parts) == 3
    assert [row["request_id"] for row in rows] == [f"req_{number}" for number in range(2500)]
    assert list(rows[0]) == COLUMNS.split()
