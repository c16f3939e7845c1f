"""A summary is paid for and wanted: it is no answer, no retry, and no waste."""

from pathlib import Path

import pytest

from reports.metrics import facts_of, plain, subject_metrics
from tests.reports.synthetic import attempt, call, failed_attempt, ledger_row, run_of


@pytest.mark.parametrize("made", [True, False])
def test_a_summary_is_none_of_the_attempts_at_an_answer(tmp_path: Path, made: bool) -> None:
    timing = {"kind": "summary", "model": "gpt-4o-mini", "started_s": 1.5, "first_s": 3.0, "end_s": 3.0}
    summary = attempt("c0/2", cost_nusd=7_000, **timing)
    if not made:
        summary = failed_attempt("c0/2", **{**timing, "first_s": None})
    rows = [ledger_row("c0/1"), ledger_row("c0/2", model="gpt-4o-mini", cost_nusd=7_000 if made else 0)]
    run = run_of(tmp_path, [call("c0", attempts=2)], [attempt("c0/1"), summary], rows)
    facts = facts_of(run, "full")
    found = {name: plain(value) for name, value in subject_metrics(facts).items()}
    assert found["wasted_usd"] == 0
    assert found["retry_amplification"] == 1.0
    assert found["failover_s_p95"] is None
    assert list(facts.answering["attempt_id"]) == ["c0/1"]
    assert found["billed_usd"] == (290_000 + (7_000 if made else 0)) / 1e9
