"""Planned calls are recorded calls, and attempts, bills and calls speak of the same calls."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reports.analysis.analyse import analyse
from reports.analysis.summary import Summary
from reports.record.planned import PlanRow, plan_sha256
from tests.reports.synthetic import attempt, call, failed_call, ledger_row, run_of

Row = dict[str, Any]
NOTHING: Row = {"first_s": None, "chunk_s": [], "answer_right": None, "attempts": 0, "cost_nusd": 0}
UNSENT: Row = {**NOTHING, "started_s": None, "end_s": None}


def plan_row(row: Row) -> PlanRow:
    return PlanRow(
        row["n"], row["call_id"], row["planned_s"], row["tenant"], row.get("question_id"), row["input_tokens"]
    )


def planned(rows: Sequence[Row]) -> Row:
    """The manifest's entry of a subject that was to play `rows`."""
    return {"name": "full", "planned": len(rows), "plan_sha256": plan_sha256(map(plan_row, rows))}


def summary_of(
    path: Path,
    plan: Sequence[Row],
    rows: Sequence[Row],
    attempts: Sequence[Row] = (),
    ledger: Sequence[Row] = (),
    **keys: Any,
) -> Summary:
    return analyse(run_of(path, rows, attempts, ledger, [planned(plan)], **keys)).summary


def eight(outcome: str, **facts: Any) -> list[Row]:
    """Seven answered calls and one with this outcome."""
    last = call("c7", n=7, **{**facts, "outcome": outcome})
    return [*(call(f"c{n}", n=n, planned_s=1.0 + n, end_s=3.0 + n) for n in range(7)), last]


def test_a_run_that_recorded_its_plan_is_valid(tmp_path: Path) -> None:
    rows = eight("success")
    assert summary_of(tmp_path, rows, rows).validity.reasons == ()


def test_a_missing_row_makes_a_run_invalid_and_is_counted(tmp_path: Path) -> None:
    rows = eight("success")
    found = summary_of(tmp_path, rows, rows[:5]).validity
    assert found.verdict == "INVALID"
    assert [reason.text for reason in found.reasons] == [
        "5 calls are recorded, 8 were planned: 3 have no row"
    ]


@pytest.mark.parametrize("change", [{"planned_s": 1.5}, {"tenant": "x"}, {"input_tokens": 9}, {"n": 9}])
def test_a_row_of_another_call_than_the_planned_one_makes_a_run_invalid(change: Row, tmp_path: Path) -> None:
    rows = eight("success")
    found = summary_of(tmp_path, rows, [*rows[:7], {**rows[7], **change}]).validity
    assert [reason.text for reason in found.reasons] == ["the recorded calls are not those of the plan"]


@pytest.mark.parametrize(
    ("outcome", "facts", "verdict", "calls"),
    [
        ("lost", UNSENT, "INVALID", 7),
        ("generator_error", UNSENT, "INVALID", 7),
        ("cut", NOTHING, "DEGRADED", 7),
        ("unfinished", NOTHING, "DEGRADED", 7),
        ("dropped", UNSENT, "INVALID", 7),
        ("unstarted", UNSENT, "VALID", 7),
        ("client_error", {**NOTHING, "error_kind": "client_error", "exception": "KeyError"}, "DEGRADED", 8),
        ("failed", {**NOTHING, "error_kind": "connection"}, "VALID", 8),
        ("rejected", NOTHING, "VALID", 8),
        ("empty", NOTHING, "VALID", 8),
        ("filtered", NOTHING, "VALID", 8),
    ],
)
def test_each_outcome_counts_where_it_belongs(
    outcome: str, facts: Row, verdict: str, calls: int, tmp_path: Path
) -> None:
    rows = eight(outcome, **facts)
    summary = summary_of(tmp_path, rows, rows)
    assert summary.validity.verdict == verdict
    assert summary.value("full", "planned_calls") == 8
    assert summary.value("full", "calls") == calls
    assert summary.value("full", "success_rate") == pytest.approx(7 / calls)


def test_attempts_and_bills_of_calls_under_way_are_recorded_and_in_no_rate(tmp_path: Path) -> None:
    rows = eight("unfinished", **NOTHING)
    attempts = [attempt(f"c{n}/1") for n in range(7)] + [attempt("c7/1", outcome="abandoned", cost_nusd=70)]
    ledger = [ledger_row(f"c{n}/1") for n in range(7)] + [ledger_row("c7/1", cost_nusd=70)]
    summary = summary_of(tmp_path, rows, rows, attempts, ledger, status="partial")
    assert summary.value("full", "retry_amplification") == 1.0
    assert summary.value("full", "wasted_usd") == 0.0
    assert summary.value("full", "billed_usd") == pytest.approx(7 * 290_000 / 1e9)
    assert summary.value("full", "unended_usd") == 70 / 1e9
    assert summary.value("full", "reconciliation_error_usd") == 0.0


def test_requests_that_name_no_call_are_counted_per_call_sent(tmp_path: Path) -> None:
    rows = [{**row, "attempts": None, "cost_nusd": None} for row in eight("cut", **NOTHING)]
    ledger = [ledger_row(None, request_id=f"r{n}") for n in range(8)]
    assert summary_of(tmp_path, rows, rows, [], ledger).value("full", "retry_amplification") == 1.0


@pytest.mark.parametrize("side", ["attempts", "ledger"])
def test_an_attempt_or_a_bill_of_no_planned_call_makes_a_run_invalid(side: str, tmp_path: Path) -> None:
    rows = eight("success")
    tables = ([attempt("x/1")], []) if side == "attempts" else ([], [ledger_row("x/1")])
    found = summary_of(tmp_path, rows, rows, *tables).validity
    assert "1 attempts or bills belong to calls that were not planned" in [r.text for r in found.reasons]


def test_facts_that_the_stack_lost_make_a_run_invalid(tmp_path: Path) -> None:
    rows = [*eight("success")[:7], failed_call("c7", n=7, attempts=None, cost_nusd=None)]
    found = summary_of(tmp_path, rows, rows, [attempt("c0/1")]).validity
    assert [reason.text for reason in found.reasons] == ["the subject's own facts of 1 calls are lost"]


def test_a_hit_on_an_entry_of_the_warm_up_is_judged(tmp_path: Path) -> None:
    """The denominator had these hits, the numerator did not."""
    rows = [
        call("warm", n=0, planned_s=1.0, question_id="q1", cache="miss"),
        call("false", n=1, planned_s=6.0, question_id="q2", cache="semantic", cached_from="warm"),
        call("true", n=2, planned_s=7.0, question_id="q1", cache="exact", cached_from="warm"),
    ]
    summary = summary_of(tmp_path, rows, rows, warmup_s=5.0)
    assert summary.value("full", "false_hit_share") == 1 / 2
    assert summary.value("full", "false_hit_rate") == 1 / 2
