"""A run is alone: nothing of its working directory, of Locust's settings or of other runs reaches it."""

import json
import os
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import harness.commands.run
from harness.runs.folder import make_run_folder
from tests.lab.command import run_here
from tests.paths import ROOT
from tests.processes import brownout, children_that_run, run, started, wait_until

SCENARIO = """
title = "Alone"
description = "One stack on real sockets."
duration_s = {length_s}
subjects = ["naive"]
arrivals = {{ kind = "constant", rate_per_s = 8 }}
workload = {{ max_output_tokens = 20 }}

[[claims]]
text = "Every call is answered"
subject = "naive"
metric = "success_rate"
expected = ">= 0.999"
"""
BOOBY_TRAPS = ("reports", "harness", "scenarios", "mock_providers", "locust", "gevent", "orjson")
SETTINGS = {
    "LOCUST_RUN_TIME": "1s",
    "LOCUST_LOCUSTFILE": "nowhere.py",
    "LOCUST_HOST": "http://192.0.2.1",
    "LOCUST_USERS": "50",
    "LOCUST_PROCESSES": "4",
    "LOCUST_MODE_WORKER": "true",
    "LOCUST_STOP_TIMEOUT": "0",
}


def write_scenario(home: Path, length_s: float) -> None:
    (home / "alone.toml").write_text(SCENARIO.format(length_s=length_s))


def test_packages_settings_and_files_of_the_users_folder_do_not_reach_a_run(tmp_path: Path) -> None:
    """A `reports/` package in the working directory, and LOCUST_RUN_TIME, broke runs."""
    write_scenario(tmp_path, 1.5)
    for name in BOOBY_TRAPS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong package')")
    (tmp_path / "locust.conf").write_text("run-time = 1s\nusers = 50\n")
    (tmp_path / "pyproject.toml").write_text("[tool.locust]\nrun-time = '1s'\n")
    (tmp_path / ".locust.conf").write_text("run-time = 1s\n")
    command = [sys.executable, "-P", "-m", "harness", "run", "alone.toml", "--json"]
    ended = run(command, tmp_path, {**SETTINGS, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)})
    assert ended.returncode == 0, ended.stderr
    summary = json.loads(ended.stdout)
    assert (summary["status"], summary["subjects"]["naive"]["planned_calls"]) == ("complete", 12)
    assert summary["subjects"]["naive"]["success_rate"] == 1.0


class SameSecond(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> "SameSecond":
        return cls(2026, 1, 2, 3, 4, 5, tzinfo=tz)


def test_runs_of_one_second_print_folders_of_their_own_and_each_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scenario(tmp_path, 1.0)
    monkeypatch.setattr(harness.commands.run, "datetime", SameSecond)
    printed = []
    for seed in ("1", "2", "3"):
        ended = run_here(tmp_path, "run", "alone.toml", "--engine", "virtual", "--seed", seed)
        assert ended.returncode == 0, ended.stderr
        [report] = re.findall(r"report: (.*)", ended.stdout)
        printed.append(tmp_path / report)
    assert len(set(printed)) == 3
    seeds = [json.loads((report.parent / "run.json").read_text())["seed"] for report in printed]
    assert seeds == [1, 2, 3]
    assert [report.is_file() for report in printed] == [True] * 3


def test_a_folder_belongs_to_the_run_that_made_it_however_many_race(tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: make_run_folder(tmp_path / "runs", "mine", at), range(40)))
    assert len(set(folders)) == 40
    assert all(folder.is_dir() for folder in folders)


def answered(home: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in home.glob("runs/*/logs/naive.rows.ndjson"))


@pytest.mark.slow
def test_a_load_generator_that_stood_still_makes_a_run_invalid_everywhere(tmp_path: Path) -> None:
    write_scenario(tmp_path, 6.0)
    with started(brownout("run", "alone.toml"), tmp_path) as process:
        wait_until(lambda: answered(tmp_path), "the first call")
        [locust] = children_that_run(process.pid, "locust")
        os.kill(locust, signal.SIGSTOP)
        time.sleep(3.0)
        os.kill(locust, signal.SIGCONT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr
    first, *others = stdout.splitlines()
    assert first.startswith("INVALID")
    assert "calls were sent late" in others[0]
    assert "not judged: Every call is answered" in stdout
    [folder] = (tmp_path / "runs").iterdir()
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["validity"]["verdict"] == "INVALID"
    assert [claim["verdict"] for claim in summary["claims"]] == ["not judged"]
    page = (folder / "report.html").read_text()
    assert "Nothing can be concluded from this run." in page
    for text in (stdout, page):
        assert "confirmed" not in re.sub(r"(?s)<style>.*</style>", "", text)
