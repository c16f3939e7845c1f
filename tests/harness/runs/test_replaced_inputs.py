"""A scenario's title and claims are about its own inputs: where options replace them, nothing is claimed."""

from pathlib import Path

import pytest

from harness.runs.manifest import manifest
from harness.spec.run_options import RunOptions
from harness.spec.run_spec import RunSpec, make_spec
from reports.record.manifest import Manifest
from tests.lab.command import play, run_here

SCENARIO = """
title = "Nine wordings of one question"
description = "Questions of a catalogue."
engine = "virtual"
duration_s = 4
subjects = ["naive"]
arrivals = { kind = "constant", rate_per_s = 5 }
workload = { max_output_tokens = 60 }
claims = [{ text = "It answers", subject = "naive", metric = "success_rate", expected = ">= 0.5" }]
"""
QUESTIONS = "text,category\nHow are you?,greeting\nWho are you?,name\n"
STARTED_AT = "2026-01-01T12:00:00+00:00"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(SCENARIO)
    (tmp_path / "asked.csv").write_text(QUESTIONS)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "naive.toml").write_text('base = "full"\n')
    return tmp_path


def spec(home: Path, **options: object) -> RunSpec:
    return make_spec(RunOptions.model_validate({"scenario": str(home / "mine.toml"), **options}))


def manifest_of(of: RunSpec) -> Manifest:
    from datetime import datetime

    names = [subject.name for subject in of.subjects]
    return manifest(of, names, "id", datetime.fromisoformat(STARTED_AT))


def test_a_run_of_the_scenarios_own_inputs_has_its_title_and_claims(home: Path) -> None:
    about = manifest_of(spec(home, stacks=("naive",), seed=3, duration_s=2.0))
    assert about.title == "Nine wordings of one question"
    assert [claim.not_judged for claim in about.claims] == [""]


@pytest.mark.parametrize(
    ("options", "played"),
    [
        ({"incident": "openai-2024-12-11"}, "the faults of openai-2024-12-11"),
        ({"questions": "asked.csv"}, "the questions of asked.csv"),
    ],
    ids=["incident", "questions"],
)
def test_replaced_inputs_take_title_and_claims_away(home: Path, options: dict[str, str], played: str) -> None:
    if "questions" in options:
        options = {"questions": home / options["questions"]}  # type: ignore[dict-item]
    about = manifest_of(spec(home, **options))
    assert about.title == f"mine with {played}"
    assert "other inputs" in about.description
    assert [claim.not_judged for claim in about.claims] == [f"the run played {played}"]


def test_a_stack_of_the_same_name_is_not_the_scenarios_own(home: Path) -> None:
    about = manifest_of(spec(home, stacks=(str(home / "other" / "naive.toml"),)))
    assert about.title == "Nine wordings of one question"
    assert [claim.not_judged for claim in about.claims] == ["naive is not the scenario's own"]


def test_the_reason_is_on_terminal_and_in_the_summary(home: Path) -> None:
    found = play(home, "mine.toml", "--questions", "asked.csv", "--out", "json")
    [claim] = found["claims"]
    reason = "the run played the questions of asked.csv"
    assert (claim["verdict"], claim["not_judged"]) == ("not judged", reason)
    ended = run_here(home, "run", "mine.toml", "--questions", "asked.csv", "--out", "text")
    assert f"not judged: It answers ({reason})" in ended.stdout
    [folder] = (home / "text").iterdir()
    assert reason in (folder / "report.html").read_text()
