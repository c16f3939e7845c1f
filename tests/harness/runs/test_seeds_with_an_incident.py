"""`brownout run --seeds N --incident NAME`: the incident strikes in every seed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.commands import seeds
from harness.runs.seeds import spec_of, summary_of
from harness.spec.run_options import RunOptions
from tests.lab.command import InlineExecutor, play

CALM = """
title = "Calm"
description = "Nothing is scheduled."
engine = "virtual"
duration_s = 12
subjects = ["naive"]
arrivals = { kind = "poisson", rate_per_s = 4 }
"""
DOWN = """
title = "Down"
description = "Everybody is down from the sixth second on."
source = "our own"

[[faults]]
kind = "outage"
from_s = 6.0
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "calm.toml").write_text(CALM)
    (tmp_path / "down.toml").write_text(DOWN)
    return tmp_path


STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def options(home: Path, incident: str | None) -> RunOptions:
    return RunOptions(scenario=str(home / "calm.toml"), incident=incident)


def test_every_seed_has_the_faults_of_the_incident(home: Path) -> None:
    for seed in (0, 1, 2):
        spec = spec_of(options(home, str(home / "down.toml")), seed)
        assert [(fault["kind"], fault["from_s"]) for fault in spec.faults] == [("outage", 6.0)]
        assert spec_of(options(home, None), seed).faults == []


def test_the_incident_shows_in_the_summary_of_a_seed(home: Path) -> None:
    calm = summary_of(options(home, None), 3, STARTED_AT)
    down = summary_of(options(home, str(home / "down.toml")), 3, STARTED_AT)
    assert calm.value("naive", "success_rate") == 1.0
    assert down.value("naive", "success_rate_in_faults") == 0.0
    assert 0.0 < down.subjects["naive"].share("success_rate") < 1.0


def test_an_unknown_incident_is_refused_before_any_seed_is_played(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    told = CliRunner().invoke(app, ["run", "calm.toml", "--seeds", "2", "--incident", "nope"])
    assert told.exit_code != 0
    assert "incident 'nope'" in str(told.exception or told.output)
    assert not (home / "runs").exists()


def test_the_command_hands_the_incident_to_its_seeds(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeds, "ProcessPoolExecutor", InlineExecutor)
    found = play(home, "calm.toml", "--seeds", "2", "--incident", "down.toml")
    assert json.dumps(found).count("success_rate_in_faults") > 0
    [folder] = (home / "runs").iterdir()
    assert json.loads((folder / "seeds.json").read_text()) == found
