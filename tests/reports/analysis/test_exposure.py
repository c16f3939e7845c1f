"""A claim is tested only where calls met a scheduled fault."""

from pathlib import Path
from typing import Any

import pytest

from reports.analysis.analyse import analyse
from tests.reports.synthetic import call, ledger_row, run_of

CLAIM = {"text": "answers", "subject": "full", "metric": "success_rate", "expected": ">= 0.9"}


@pytest.mark.parametrize(
    ("fault", "struck", "verdict"),
    [
        ({"from_s": 4.0, "to_s": 6.0}, None, "confirmed"),
        ({"from_s": 7.0, "to_s": 17.0}, None, "not tested"),  # the call of 5 s was still under way then
        ({"from_s": 9.0, "to_s": 19.0}, None, "not tested"),
        ({"from_s": 7.0, "to_s": 17.0}, "outage", "confirmed"),  # one of its requests met it
    ],
)
def test_a_fault_after_the_last_call_was_sent_is_not_tested(
    fault: dict[str, Any], struck: str | None, verdict: str, tmp_path: Path
) -> None:
    rows = [call("a", planned_s=5.0, started_s=5.0, first_s=5.4, end_s=8.0, chunk_s=[5.4])]
    ledger = [ledger_row("a/1", received_s=5.1, fault=struck)]
    run = run_of(tmp_path, rows, [], ledger, faults=[{"kind": "outage", **fault}], claims=[CLAIM])
    [claim] = analyse(run).summary.claims
    assert claim.verdict == verdict
