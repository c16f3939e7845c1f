"""Runs of schema version 1 are read as what they are: their planned counts are unknown."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from reports.analysis.analyse import analyse
from reports.record.run import read_run
from tests.reports.synthetic import attempt, call, ledger_row, run_of


def version_1(folder: Path, **keys: Any) -> Path:
    """A run as version 1 wrote it: without planned counts, without rows of calls that did not end."""
    rows = [call("a"), call("b", planned_s=2.0, started_s=2.0)]
    attempts = [attempt("a/1"), attempt("b/1"), attempt("open/1", outcome="abandoned", cost_nusd=70)]
    ledger = [ledger_row("a/1"), ledger_row("b/1"), ledger_row("open/1", cost_nusd=70)]
    run_of(folder, rows, attempts, ledger, **keys)
    about = json.loads((folder / "run.json").read_text())
    about["schema_version"] = 1
    del about["client_errors"]
    for subject in about["subjects"]:
        del subject["planned"], subject["plan_sha256"]
    (folder / "run.json").write_text(json.dumps(about))
    calls = pq.read_table(folder / "calls.parquet")
    pq.write_table(calls.drop_columns(["exception"]), folder / "calls.parquet")
    return folder


def test_a_complete_run_of_version_1_keeps_its_verdict_and_its_figures(tmp_path: Path) -> None:
    read = read_run(version_1(tmp_path / "run"))
    summary = analyse(read).summary
    assert (read.manifest.schema_version, read.manifest.status) == (2, "complete")
    assert summary.validity.verdict == "VALID"
    assert summary.value("full", "calls") == 2


@pytest.mark.parametrize(
    ("reason", "status", "verdict"),
    [
        ("interrupted during full", "partial", "DEGRADED"),
        ("stopped before the plan was played", "partial", "DEGRADED"),
        ("mock: the process ended early with code -9; its log is x", "broken", "INVALID"),
    ],
)
def test_a_run_of_version_1_that_ended_early_counts_attempts_of_calls_that_ended(
    reason: str, status: str, verdict: str, tmp_path: Path
) -> None:
    read = read_run(version_1(tmp_path / "run", status="partial", status_reason=reason))
    summary = analyse(read).summary
    assert read.manifest.status == status
    assert summary.validity.verdict == verdict
    assert summary.value("full", "retry_amplification") == 1.0
    assert summary.value("full", "wasted_usd") == 0.0
    assert summary.value("full", "billed_usd") == 2 * 290_000 / 1e9
