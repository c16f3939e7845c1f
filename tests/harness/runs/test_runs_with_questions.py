"""`brownout run --questions FILE`: anybody's questions, judged by the right answers of their categories."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.commands import seeds
from tests.lab.command import InlineExecutor, play

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


def ask(folder: Path, *args: str) -> dict[str, Any]:
    (folder / "quiet.toml").write_text(SCENARIO)
    (folder / "mine.csv").write_text(QUESTIONS)
    return play(folder, "quiet.toml", "--questions", "mine.csv", *args)


@pytest.fixture(scope="module")
def virtual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A run in virtual time: its folder and summary."""
    home = tmp_path_factory.mktemp("questions")
    summary = ask(home)
    [folder] = (home / "runs").iterdir()
    return folder, summary


def test_every_call_asks_one_of_them_and_its_reply_is_judged(virtual: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = virtual
    calls = pd.read_parquet(folder / "calls.parquet")
    assert set(calls["question_id"]) == {"card_arrival", "refund", "pin"}
    assert calls["answer_right"].notna().all()
    assert 0.5 < summary["subjects"]["exact-cache"]["quality_rate"] <= 1.0
    ledger = pd.read_parquet(folder / "ledger.parquet")
    assert set(ledger["answer"]) <= {"right", "wrong", "hallucinated"}
    assert len(ledger) <= 5
    assert "3 questions of mine.csv" in json.loads((folder / "run.json").read_text())["workload"]


def test_many_seeds_ask_them_too(
    virtual: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "ProcessPoolExecutor", InlineExecutor)
    many = ask(tmp_path, "--seeds", "2")
    assert many["seeds"]["7"] == virtual[1]["record_sha256"] != many["seeds"]["8"]


def test_on_real_sockets_the_mock_knows_them_too(
    virtual: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """In a run of two seconds every question is asked, and each gets the answer of the virtual run."""
    ask(tmp_path, "--engine", "locust", "--duration", "2s")
    [folder] = (tmp_path / "runs").iterdir()
    real, expected = (pd.read_parquet(of / "calls.parquet").set_index("n") for of in (folder, virtual[0]))
    assert len(real) > 10
    assert set(real["question_id"]) == {"card_arrival", "refund", "pin"}
    same = ["question_id", "answer_right"]
    pd.testing.assert_frame_equal(real[same], expected.loc[real.index, same])
