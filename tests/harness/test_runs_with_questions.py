"""`brownout run --questions FILE`: anybody's questions, judged by the right answers of their categories."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from tests.processes import brownout, run

SCENARIO = """
title = "A quiet minute"
description = "Nothing breaks."
engine = "virtual"
duration_s = 8
subjects = ["exact-cache"]
arrivals = { kind = "poisson", rate_per_s = 10 }

[workload]
fresh_share = 0
notes = false
paraphrase_share = 0.5
reply_tokens = 40
"""
QUESTIONS = """text,category
Where is my card?,card_arrival
Has my card been sent?,card_arrival
I want my money back,refund
Where does my refund hang?,refund
How do I change my PIN?,pin
"""


def play(folder: Path, *args: str) -> dict[str, Any]:
    (folder / "quiet.toml").write_text(SCENARIO)
    (folder / "mine.csv").write_text(QUESTIONS)
    result = run(brownout("run", "quiet.toml", "--questions", "mine.csv", "--json", *args), folder)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_every_call_asks_one_of_them_and_its_reply_is_judged(tmp_path: Path) -> None:
    summary = play(tmp_path)
    [folder] = (tmp_path / "runs").iterdir()
    calls = pd.read_parquet(folder / "calls.parquet")
    assert set(calls["question_id"]) == {"card_arrival", "refund", "pin"}
    assert calls["answer_right"].notna().all()
    assert 0.5 < summary["subjects"]["exact-cache"]["quality_rate"] <= 1.0
    ledger = pd.read_parquet(folder / "ledger.parquet")
    assert set(ledger["answer"]) <= {"right", "wrong", "hallucinated"}
    assert len(ledger) <= 5
    assert "3 questions of mine.csv" in json.loads((folder / "run.json").read_text())["workload"]


def test_many_seeds_ask_them_too(tmp_path: Path) -> None:
    many = play(tmp_path, "--seeds", "2")
    assert many["seeds"]["8"] == play(tmp_path, "--seed", "8")["record_sha256"]


def test_on_real_sockets_the_mock_knows_them_too(tmp_path: Path) -> None:
    real, virtual = (
        play(tmp_path, "--engine", engine, "--duration", "3s")["subjects"]["exact-cache"]
        for engine in ("locust", "virtual")
    )
    assert real["calls"] == virtual["calls"]
    assert real["quality_rate"] == virtual["quality_rate"]
