"""The main command on real sockets: providers, gateway and Locust in processes of their own."""

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.stack.assembly.options import load_stack_options
from reports import analyse, read_run
from reports.record.this_machine import this_machine
from tests.lab.whole_run import SCENARIO, whole_run
from tests.paths import SCENARIOS
from tests.processes import WITHIN_S, brownout, run, started, wait_until
from tests.reports.machines import calibration

LONG = SCENARIO.replace("duration_s = 3.5", "duration_s = 60")
ONE_SECOND = SCENARIO.replace("duration_s = 3.5", "duration_s = 1.5")


def processes_of(folder: Path) -> list[str]:
    """Command lines of processes that still mention `folder`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def rows_so_far(home: Path) -> int:
    """Calls of the first subject that have ended."""
    return sum(path.read_bytes().count(b"\n") for path in home.glob("runs/*/logs/naive.rows.ndjson"))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A whole run of two subjects, and what it printed with --json."""
    return whole_run(tmp_path_factory)


def test_json_on_standard_output_is_the_summary_and_nothing_else(played: tuple[Path, dict[str, Any]]) -> None:
    folder, printed = played
    assert printed == json.loads((folder / "summary.json").read_text())


def test_resilience_shows(played: tuple[Path, dict[str, Any]]) -> None:
    _, summary = played
    naive, full = summary["subjects"]["naive"], summary["subjects"]["full"]
    assert naive["success_rate"] < 0.85
    assert full["success_rate"] == 1.0
    assert full["fallback_rate"] > 0.1
    assert [claim["verdict"] for claim in summary["claims"]] == ["confirmed"]


def test_a_run_cites_the_calibration_of_its_machine(played: tuple[Path, dict[str, Any]]) -> None:
    run = read_run(played[0])
    cited = run.manifest.machine_calibration
    assert cited is not None
    assert cited.machine == run.manifest.machine == this_machine()
    page = (played[0] / "report.html").read_text("utf-8")
    assert "can be trusted up to 1000 calls/s and 1,000 streams in flight" in page


def test_a_run_above_its_machines_calibration_is_degraded(played: tuple[Path, dict[str, Any]]) -> None:
    run = read_run(played[0])
    lower = calibration(machine=this_machine(), highest_rate_per_s=1.0, highest_in_flight=1)
    manifest = run.manifest.model_copy(update={"machine_calibration": lower})
    validity = analyse(replace(run, manifest=manifest)).summary.validity
    reasons = [(reason.subject, reason.text) for reason in validity.reasons if "trusted up to" in reason.text]
    assert [subject for subject, _ in reasons] == ["naive", "naive", "full", "full"]
    assert validity.verdict == "DEGRADED"


def test_both_subjects_met_the_same_plan(played: tuple[Path, dict[str, Any]]) -> None:
    calls = pd.read_parquet(played[0] / "calls.parquet").sort_values(["subject", "n"])
    naive, full = (calls[calls["subject"] == name].reset_index() for name in ("naive", "full"))
    same = ["call_id", "question_id", "planned_s", "input_tokens"]
    pd.testing.assert_frame_equal(naive[same], full[same])


def test_our_accounting_meets_the_providers_ledger(played: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = played
    attempts = pd.read_parquet(folder / "attempts.parquet")
    ledger = pd.read_parquet(folder / "ledger.parquet")
    for name in ("naive", "full"):
        assert summary["subjects"][name]["reconciliation_error_usd"] == 0
        billed = ledger[ledger["subject"] == name].set_index("attempt_id")["cost_nusd"]
        accounted = attempts[attempts["subject"] == name].set_index("attempt_id")["cost_nusd"]
        assert billed.to_dict() == accounted.to_dict()
        assert billed.sum() > 0


def test_every_planned_call_has_one_row(played: tuple[Path, dict[str, Any]]) -> None:
    calls = pd.read_parquet(played[0] / "calls.parquet")
    for _, rows in calls.groupby("subject"):
        assert sorted(rows["n"]) == list(range(len(rows)))


def test_the_clients_ttft_is_checked_against_what_the_provider_sent(
    played: tuple[Path, dict[str, Any]],
) -> None:
    manifest = json.loads((played[0] / "run.json").read_text())
    for name in ("naive", "full"):
        error = manifest["calibration"][name]
        assert error["n"] > 10
        assert 0 < error["ttft_error_s_p50"] <= error["ttft_error_s_p99"] < 0.5


def test_the_report_is_there_and_raw_files_are_not(played: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = played
    assert (folder / "report.html").stat().st_size > 50_000
    assert not list(folder.rglob("*.ndjson"))


def test_a_subject_of_the_scenario_reaches_its_gateway_as_a_file(played: tuple[Path, dict[str, Any]]) -> None:
    written = load_stack_options(played[0] / "logs" / "full.stack.toml")
    assert (written.title, written.description) == ("Full", "In the scenario.")


def test_no_process_is_left(played: tuple[Path, dict[str, Any]]) -> None:
    assert processes_of(played[0]) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_stops_its_children_and_keeps_what_it_measured(
    number: signal.Signals, tmp_path: Path
) -> None:
    (tmp_path / "long.toml").write_text(LONG)
    with started(brownout("run", "long.toml", "--out", str(tmp_path / "runs")), tmp_path) as process:
        wait_until(lambda: rows_so_far(tmp_path) >= 5, "five calls that ended")
        process.send_signal(number)
        _, said = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 130, said
    assert "partial run kept" in said
    assert "Traceback" not in said
    [folder] = (tmp_path / "runs").iterdir()
    manifest = json.loads((folder / "run.json").read_text())
    assert (manifest["status"], manifest["status_reason"]) == ("partial", "interrupted during naive")
    assert [subject["name"] for subject in manifest["subjects"]] == ["naive"]
    assert len(pd.read_parquet(folder / "calls.parquet")) >= 5
    assert "interrupted" in (folder / "report.html").read_text()
    assert processes_of(folder) == []


def test_children_end_when_their_parent_is_killed_outright(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text(LONG)
    with started(brownout("run", "long.toml", "--out", str(tmp_path / "runs")), tmp_path) as process:
        wait_until(lambda: list(tmp_path.glob("runs/*/logs/naive.rows.ndjson")), "the first subject")
        process.kill()
        process.wait()
        wait_until(lambda: not processes_of(tmp_path), "the children's end")


def test_locust_alone_leads_a_run_and_writes_it(tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text(ONE_SECOND)
    locustfile = SCENARIOS / "locustfile.py"
    args = ["--headless", "-u", "1", "--scenario", "short.toml", "--stack", "full"]
    result = run([sys.executable, "-m", "locust", "-f", str(locustfile), *args], tmp_path)
    assert result.returncode == 0, result.stderr
    [folder] = (tmp_path / "runs").iterdir()
    assert f"report: runs/{folder.name}/report.html" in result.stdout
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["subjects"]["full"]["success_rate"] == 1.0
    assert processes_of(folder) == []
