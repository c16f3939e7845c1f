"""The verdict of a run decides its exit code; what can be checked is checked before the first call."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.commands import seeds
from harness.runs.folder import make_run_folder
from tests.lab.command import InlineExecutor, run_here
from tests.processes import brownout, run

SCENARIO = """
title = "t"
description = "d"
engine = "virtual"
duration_s = 3
subjects = ["naive"]
arrivals = { kind = "constant", rate_per_s = 2 }

[[faults]]
kind = "outage"
from_s = 60

[[claims]]
text = "every call fails"
subject = "naive"
metric = "success_rate"
expected = "<= 0.1"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(SCENARIO)
    return tmp_path


@pytest.mark.parametrize(
    ("from_s", "options", "code", "verdict"),
    [
        (1, (), 0, "refuted"),
        (1, ("--fail-on", "refuted"), 3, "refuted"),
        (1, ("--fail-on", "untested,invalid,degraded"), 0, "refuted"),
        (60, ("--fail-on", "refuted"), 0, "not tested"),
        (60, ("--fail-on", "refuted,untested"), 3, "not tested"),
    ],
)
def test_a_claim_fails_the_command_only_when_asked_to(
    home: Path, from_s: int, options: tuple[str, ...], code: int, verdict: str
) -> None:
    (home / "mine.toml").write_text(SCENARIO.replace("from_s = 60", f"from_s = {from_s}"))
    ended = run_here(home, "run", "mine.toml", *options)
    assert ended.returncode == code, ended.stderr
    assert ended.stdout.startswith("VALID\n")
    assert f"{verdict}: every call fails" in ended.stdout
    assert ("the outage begins at 60 s: it is not tested" in ended.stderr) == (from_s == 60)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fail-on", "everything"), "--fail-on everything: expected refuted, untested, degraded, invalid"),
        (("--out", "mine.toml"), "--out mine.toml: expected a folder that can be written"),
        (("--duration", "100000h"), "at most 168h"),
    ],
)
def test_bad_options_end_before_anything_is_played(home: Path, options: tuple[str, ...], words: str) -> None:
    ended = run_here(home, "run", "mine.toml", *options)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert not (home / "runs").exists()


def test_a_warm_up_as_long_as_the_run_is_refused(home: Path) -> None:
    (home / "mine.toml").write_text(SCENARIO.replace("duration_s = 3", "duration_s = 3\nwarmup_s = 3"))
    ended = run_here(home, "run", "mine.toml")
    assert ended.returncode == 2
    assert "warmup_s" in ended.stderr


def test_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    folders = [make_run_folder(tmp_path / "runs", "mine", at) for _ in range(3)]
    assert len(set(folders)) == 3
    assert all(folder.is_dir() for folder in folders)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_terminal_that_lacks_signs_gets_them_spelled(home: Path, options: tuple[str, ...]) -> None:
    """The naive subject's error-adjusted TTFT is ∞ once a call fails."""
    (home / "mine.toml").write_text(SCENARIO.replace("from_s = 60", "from_s = 1"))
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = run(brownout("run", "mine.toml", *options), cwd=home, env=environment)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    if options:
        json.loads(ended.stdout)
    else:
        assert " inf " in ended.stdout


@pytest.mark.parametrize(
    ("expected", "options", "code"),
    [
        ("<= 0.1", (), 0),
        ("<= 0.1", ("--fail-on", "refuted"), 3),
        (">= 0", ("--fail-on", "refuted,untested,degraded"), 0),
    ],
)
def test_a_claim_fails_many_seeds_as_it_fails_one(
    home: Path, expected: str, options: tuple[str, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--fail-on` was ignored with `--seeds`."""
    monkeypatch.setattr(seeds, "ProcessPoolExecutor", InlineExecutor)
    scenario = SCENARIO.replace("from_s = 60", "from_s = 1").replace("<= 0.1", expected)
    (home / "mine.toml").write_text(scenario)
    ended = run_here(home, "run", "mine.toml", "--seeds", "2", *options)
    assert ended.returncode == code, ended.stderr
    assert ("seed 7: VALID; refuted: every call fails" in ended.stdout) == (code == 3)
