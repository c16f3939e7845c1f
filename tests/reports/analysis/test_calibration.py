from pathlib import Path

import pytest

from reports.analysis.calibration import NO_ANSWERS, ttft_error
from reports.record.manifest import Calibration
from tests.reports.synthetic import (
    attempt,
    call,
    failed_attempt,
    failed_call,
    failed_ledger_row,
    ledger_row,
    run_of,
)


def test_the_error_is_the_clients_first_content_minus_what_the_answering_attempt_was_sent(
    tmp_path: Path,
) -> None:
    calls = [
        call("plain", first_s=1.40),
        call("fell back", first_s=3.00),
        call("cached", first_s=1.1, cache="exact", attempts=0),
        failed_call("failed"),
        call("unseen by the ledger"),
    ]
    attempts = [
        attempt("plain/1"),
        failed_attempt("fell back/1"),
        attempt("fell back/2", kind="fallback"),
        failed_attempt("failed/1"),
        attempt("unseen by the ledger/1"),
    ]
    ledger = [
        ledger_row("plain/1", first_sent_s=1.39),
        ledger_row("fell back/1", first_sent_s=1.0, ended="reset"),
        ledger_row("fell back/2", first_sent_s=2.97),
        failed_ledger_row("failed/1"),
    ]
    run = run_of(tmp_path, calls, attempts, ledger)
    found = ttft_error(run.calls, run.attempts, run.ledger)
    assert found.n == 2
    assert found.ttft_error_s_p50 == pytest.approx(0.01)
    assert found.ttft_error_s_p99 == pytest.approx(0.03)


@pytest.mark.parametrize("kind", NO_ANSWERS)
def test_a_request_that_serves_a_call_later_is_not_its_answer(kind: str, tmp_path: Path) -> None:
    """`summarise` on real sockets was INVALID: a summary, made after the answer, was taken for it."""
    attempts = [attempt("c0/1"), attempt("c0/2", kind=kind)]
    ledger = [ledger_row("c0/1", first_sent_s=1.39), ledger_row("c0/2", first_sent_s=3.9)]
    run = run_of(tmp_path, [call("c0", first_s=1.40, attempts=2)], attempts, ledger)
    assert ttft_error(run.calls, run.attempts, run.ledger).ttft_error_s_p50 == pytest.approx(0.01)


def test_without_a_pair_there_is_no_error_to_tell(tmp_path: Path) -> None:
    run = run_of(tmp_path, [call()])
    assert ttft_error(run.calls, run.attempts, run.ledger) == Calibration(
        ttft_error_s_p50=None, ttft_error_s_p99=None, n=0
    )


def test_the_time_for_which_the_stack_held_a_reply_back_is_no_error_of_the_clock(tmp_path: Path) -> None:
    calls = [call("held", first_s=3.4, held_s=2.0), call("escalated", first_s=3.0)]
    attempts = [attempt("held/1"), attempt("escalated/1"), attempt("escalated/2", kind="escalate")]
    attempts.append(attempt("escalated/3", kind="judge"))
    ledger = [ledger_row(f"{each['attempt_id']}", first_sent_s=1.39) for each in attempts]
    ledger[2]["first_sent_s"] = 2.99
    run = run_of(tmp_path, calls, attempts, ledger)
    found = ttft_error(run.calls, run.attempts, run.ledger)
    assert found.n == 2
    assert found.ttft_error_s_p01 == found.ttft_error_s_p50 == pytest.approx(0.01)
    assert found.ttft_error_s_p99 == pytest.approx(0.01)


def test_the_first_content_of_a_continued_reply_is_that_of_its_first_part(tmp_path: Path) -> None:
    attempts = [
        failed_attempt("a/1", first_s=1.385, error_kind="truncated"),
        attempt("a/2", kind="continue", first_s=9.0),
    ]
    ledger = [ledger_row("a/1", first_sent_s=1.38, ended="truncate"), ledger_row("a/2", first_sent_s=8.9)]
    run = run_of(tmp_path, [call("a", first_s=1.4)], attempts, ledger)
    found = ttft_error(run.calls, run.attempts, run.ledger)
    assert found.n == 1
    assert found.ttft_error_s_p01 == pytest.approx(0.02)


def test_a_client_that_saw_a_content_before_it_was_sent_has_an_error_too(tmp_path: Path) -> None:
    run = run_of(tmp_path, [call("early", first_s=1.0)], [attempt("early/1")], [ledger_row("early/1")])
    found = ttft_error(run.calls, run.attempts, run.ledger)
    assert found.ttft_error_s_p01 == pytest.approx(1.0 - 1.38)
