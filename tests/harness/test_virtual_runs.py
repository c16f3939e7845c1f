"""`brownout run --engine virtual`: the same command, no sockets, no waiting, any client."""

import json
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.runs.seeds import summary_of
from harness.spec.run_options import RunOptions
from tests.lab.command import play, run_here
from tests.processes import WITHIN_S, brownout, cpu_s, started, wait_until

SCENARIO = """
title = "A short outage"
description = "OpenAI is down for three seconds."
engine = "virtual"
duration_s = 8
subjects = ["naive", "full"]
arrivals = { kind = "poisson", rate_per_s = 5 }
workload = { max_output_tokens = 60 }
faults = [{ kind = "outage", provider = "openai", from_s = 3, to_s = 6 }]
"""

CLIENT = """
import openai

class Chat:
    def __init__(self, providers):
        at = providers["openai"]
        self._client = openai.AsyncOpenAI(base_url=at.base_url, api_key=at.api_key, max_retries=0)

    async def __call__(self, messages, max_tokens):
        reply = await self._client.chat.completions.create(
            model="gpt-4o", messages=messages, max_tokens=max_tokens
        )
        return reply.choices[0].message.content

    async def aclose(self):
        await self._client.close()


async def whole(messages, max_tokens, providers):
    chat = Chat(providers)
    try:
        return await chat(messages, max_tokens)
    finally:
        await chat.aclose()


async def pieces(messages, max_tokens, providers):
    yield "The answer "
    yield "is nothing."
"""
CLIENTS = ("Chat", "whole", "pieces")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scenario and clients of one's own."""
    home = tmp_path_factory.mktemp("virtual")
    (home / "short.toml").write_text(SCENARIO)
    (home / "mine.py").write_text(CLIENT)
    for name in CLIENTS:
        (home / f"{name}.toml").write_text(f'kind = "python"\ncall = "mine:{name}"\n')
    return home


@pytest.fixture(scope="module")
def seeds(home: Path) -> dict[str, Any]:
    """Seeds 7 to 9, each in another process."""
    return play(home, "short.toml", "--seeds", "3", "--out", "seeds")


@pytest.fixture(scope="module")
def alone(home: Path) -> dict[str, Any]:
    """Seed 8 alone."""
    return play(home, "short.toml", "--seed", "8", "--out", "alone")


def test_a_virtual_run_has_everything_a_real_one_has(home: Path, alone: dict[str, Any]) -> None:
    assert (alone["engine"], alone["valid"]) == ("virtual", True)
    naive, full = alone["subjects"]["naive"], alone["subjects"]["full"]
    assert naive["success_rate"] < 0.8 < full["success_rate"] == 1.0
    assert naive["reconciliation_error_usd"] == full["reconciliation_error_usd"] == 0
    assert naive["send_lag_s_p99"] == pytest.approx(0.0, abs=1e-9)
    [folder] = (home / "alone").iterdir()
    assert (folder / "report.html").stat().st_size > 50_000


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_of_ones_own_is_a_class_a_coroutine_or_a_generator(name: str, home: Path) -> None:
    options = RunOptions(scenario=str(home / "short.toml"), stacks=(str(home / f"{name}.toml"),))
    subject = summary_of(options, 7, datetime(2026, 1, 1, tzinfo=UTC)).as_json()["subjects"][name]
    if name == "pieces":
        assert (subject["success_rate"], subject["billed_usd"], subject["attempts"]) == (1.0, None, None)
    else:
        assert 0.3 < subject["success_rate"] < 0.8
        assert subject["attempts"] == subject["calls"]
        assert set(subject["error_rate_by_kind"]) == {"overloaded"}
        assert subject["accounted_usd"] is None


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ('kind = "python"\ncall = "mine"', "mine.toml: call: "),
        ('kind = "python"\ncall = "nowhere:f"', "expected 'nowhere:f' to be importable"),
        ('kind = "python"\ncall = "mine:nothing"', "expected 'mine:nothing' to be importable"),
    ],
)
def test_a_client_that_is_not_there_is_one_line(subject: str, words: str, home: Path) -> None:
    (home / "mine.toml").write_text(subject)
    result = run_here(home, "run", "short.toml", "--stack", "mine.toml")
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_client_on_real_sockets_is_refused_with_a_hint(home: Path) -> None:
    result = run_here(home, "run", "short.toml", "--stack", "openai-sdk", "--engine", "locust")
    assert result.returncode == 2
    assert "openai-sdk is a Python client, expected --engine virtual" in result.stderr


def test_many_seeds_give_means_and_paired_differences(home: Path, seeds: dict[str, Any]) -> None:
    assert list(seeds["seeds"]) == ["7", "8", "9"]
    assert len(set(seeds["seeds"].values())) == 3
    success = seeds["metrics"]["success_rate"]
    assert (
        success["subjects"]["full"].items() >= {"mean": 1.0, "interval": [1.0, 1.0], "n": 3, "of": 3}.items()
    )
    low, high = success["differences"]["full"]["interval"]
    assert 0 < low < success["differences"]["full"]["mean"] < high
    [folder] = (home / "seeds").iterdir()
    assert json.loads((folder / "seeds.json").read_text()) == seeds


def test_one_seed_of_many_is_the_run_under_that_seed(seeds: dict[str, Any], alone: dict[str, Any]) -> None:
    assert seeds["seeds"]["8"] == alone["record_sha256"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_virtual_run_keeps_what_it_measured_and_its_ledger(
    number: signal.Signals, tmp_path: Path
) -> None:
    (tmp_path / "long.toml").write_text(SCENARIO.replace("duration_s = 8", "duration_s = 4000"))
    with started(brownout("run", "long.toml"), tmp_path) as process:
        assert process.stderr is not None
        while "calls planned" not in process.stderr.readline():
            assert process.poll() is None
        begun_s = cpu_s(process.pid)
        wait_until(lambda: cpu_s(process.pid) > begun_s + 1.0, "a second of computing")
        process.send_signal(number)
        _, said = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 130, said
    assert "partial run kept" in said
    assert "Traceback" not in said
    [folder] = (tmp_path / "runs").iterdir()
    manifest = json.loads((folder / "run.json").read_text())
    assert manifest["status_reason"] == "interrupted during naive"
    calls = pd.read_parquet(folder / "calls.parquet")
    assert len(calls) == manifest["subjects"][0]["planned"]
    answered = (calls["outcome"] == "success").sum()
    assert 0 < answered <= len(pd.read_parquet(folder / "ledger.parquet"))
    assert set(calls["outcome"]) <= {"success", "failed", "unfinished", "unstarted"}
