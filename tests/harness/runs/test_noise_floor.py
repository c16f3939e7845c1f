"""`brownout run --aa`: a subject beside itself, under one plan with other draws."""

from pathlib import Path

import pandas as pd

from reports.analysis.summary import read_summary
from tests.lab.command import run_here

SCENARIO = """
title = "Chat"
description = "Forty calls."
engine = "virtual"
duration_s = 8
subjects = ["naive", "full"]
arrivals = { kind = "constant", rate_per_s = 5 }
workload = { max_output_tokens = 60 }
claims = [{ text = "It answers", subject = "naive", metric = "success_rate", expected = ">= 0.9" }]
"""


def test_a_subject_against_itself_has_one_plan_other_luck_and_a_noise_floor(tmp_path: Path) -> None:
    (tmp_path / "chat.toml").write_text(SCENARIO)
    printed = run_here(tmp_path, "run", "chat.toml", "--aa", "--out", "aa").stdout
    assert "Noise floor: naive against itself" in printed
    [folder] = (tmp_path / "aa").iterdir()
    summary = read_summary(folder / "summary.json")
    assert summary.names == ["naive", "naive-again"]
    assert [claim.subject for claim in summary.claims] == ["naive"]
    calls = pd.read_parquet(folder / "calls.parquet")
    first, again = (of.reset_index() for _, of in calls.groupby("subject"))
    assert first[["planned_s", "question_id", "input_tokens"]].equals(
        again[["planned_s", "question_id", "input_tokens"]]
    )
    assert (first["first_s"] != again["first_s"]).mean() > 0.9
    found = summary.subjects["naive-again"].differences["ttft_s_p50"]
    assert found.least is not None
    assert found.least > 0


def test_the_noise_floor_is_that_of_one_run(tmp_path: Path) -> None:
    (tmp_path / "chat.toml").write_text(SCENARIO)
    ended = run_here(tmp_path, "run", "chat.toml", "--aa", "--seeds", "3")
    assert ended.returncode == 2
    assert "--aa: expected no --seeds" in ended.stderr
