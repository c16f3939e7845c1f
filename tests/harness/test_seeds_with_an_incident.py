"""`brownout run --seeds N --incident NAME`: the incident strikes in every seed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.runs.seeds import SeedRequest, summary_of

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


def request(home: Path, incident: str | None) -> SeedRequest:
    started_at = datetime(2026, 1, 1, tzinfo=UTC)
    return SeedRequest(str(home / "calm.toml"), None, (), None, incident, started_at, "brownout run")


def test_every_seed_has_the_faults_of_the_incident(home: Path) -> None:
    for seed in (0, 1, 2):
        spec = request(home, str(home / "down.toml")).spec(seed)
        assert [(fault["kind"], fault["from_s"]) for fault in spec.faults] == [("outage", 6.0)]
        assert request(home, None).spec(seed).faults == []


def test_the_incident_shows_in_the_summary_of_a_seed(home: Path) -> None:
    calm = summary_of(request(home, None), 3)["subjects"]["naive"]
    down = summary_of(request(home, str(home / "down.toml")), 3)["subjects"]["naive"]
    assert calm["success_rate"] == 1.0
    assert down["success_rate_in_faults"] == 0.0
    assert 0.0 < down["success_rate"] < 1.0


def test_an_unknown_incident_is_refused_before_any_seed_is_played(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    told = CliRunner().invoke(app, ["run", "calm.toml", "--seeds", "2", "--incident", "nope"])
    assert told.exit_code != 0
    assert "incident 'nope'" in str(told.exception or told.output)
    assert not (home / "runs").exists()


def test_the_command_hands_the_incident_to_its_seeds(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    args = ["run", "calm.toml", "--seeds", "2", "--incident", "down.toml", "--json"]
    told = CliRunner().invoke(app, args)
    assert told.exit_code == 0, told.output
    found = json.loads((next((home / "runs").iterdir()) / "seeds.json").read_text())
    assert json.dumps(found).count("success_rate_in_faults") > 0
