"""Bad input is one line that names the file, the key and what was expected, and exit code 2."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.command import run_here
from tests.paths import SCENARIOS
from tests.processes import run

SCENARIO = """
title = "t"
description = "d"
duration_s = 2
subjects = ["naive"]
arrivals = { kind = "poisson", rate_per_s = 5 }
"""


def complains(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2, result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert all(word in lines[0] for word in words), lines[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ('colour = "red"', ["mine.toml", "colour: unknown key"]),
        ("seed = -1", ["mine.toml", "seed", "greater than or equal to 0", "-1"]),
        ("[slo]\nttft_ms = 5", ["mine.toml", "slo.ttft_ms: unknown key"]),
        ("[workload]\nlengths = 'long'", ["mine.toml", "workload.lengths", "azure-conversation", "long"]),
        ("[[faults]]\nkind = 'meteor'", ["mine.toml", "faults.0", "outage", "meteor"]),
        (
            "[[faults]]\nkind = 'outage'\nprovider = 'opnai'",
            ["mine.toml", "faults.0.provider", "openai", "opnai"],
        ),
        (
            "[[claims]]\ntext='t'\nsubject='ful'\nmetric='calls'\nexpected='>= 1'",
            ["claims.0.subject", "naive"],
        ),
        (
            "[[claims]]\ntext='t'\nsubject='naive'\nmetric='calls'\nexpected='many'",
            ["claims.0.expected", "many"],
        ),
        ("[workload]\ncatalogue = 'mine.jsonl'", ["workload.catalogue", "mine.jsonl"]),
    ],
)
def test_a_wrong_key_in_a_scenario(change: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SCENARIO + change)
    complains(run_here(tmp_path, "run", "mine.toml"), *words)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["run", "nope"], ["scenario 'nope'", "azure-hour", "outage"]),
        (["run", "nope.toml"], ["scenario 'nope.toml'", "expected a path"]),
        (["run", "outage", "--stack", "nope"], ["stack 'nope'", "full", "naive"]),
        (["run", "azure-hour"], ["azure-hour.toml", "--trace"]),
        (["run", "azure-hour", "--trace", "nope.csv"], ["nope.csv", "cannot be read"]),
        (["run", "outage", "--trace", "nope.csv"], ["arrivals.kind", 'expected "trace"']),
        (["mock", "--profile", "nope"], ["nope", "typical"]),
        (["mock", "--incident", "nope"], ["incident 'nope'", "openai-2024-12-11"]),
        (["run", "outage", "--incident", "nope"], ["incident 'nope'", "openai-2024-12-11"]),
        (["mock", "--port", "nobody=1"], ["--port nobody=1", "openai, anthropic, gemini, together, admin"]),
        (["mock", "--port", "openai=x"], ["--port openai=x", "NAME=PORT"]),
        (["gateway", "nope"], ["stack 'nope'", "full", "naive"]),
    ],
)
def test_a_name_that_does_not_exist(args: list[str], words: list[str], tmp_path: Path) -> None:
    complains(run_here(tmp_path, *args), *words)


@pytest.mark.parametrize("args", [["mock", "--openai-port"], ["gateway", "naive", "--port"]])
def test_a_port_in_use(args: list[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        complains(run_here(tmp_path, *args, port), port, "already in use")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["mine.csv: cannot be read", "text and category"]),
        ("question,label\na,b\n", ["mine.csv line 1: expected labelled questions", "question,label"]),
        ("text,category\na,b\n,c\n", ["mine.csv line 3, column text: expected some text"]),
    ],
)
def test_a_bad_file_of_questions(content: str | None, words: list[str], tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "mine.csv").write_text(content)
    complains(run_here(tmp_path, "run", "outage", "--questions", "mine.csv"), *words)


def test_a_bad_duration(tmp_path: Path) -> None:
    result = run_here(tmp_path, "run", "outage", "--duration", "soon")
    assert result.returncode == 2
    assert "such as 60s, 10m or 1h" in result.stderr


def test_locust_alone_ends_with_one_line_too(tmp_path: Path) -> None:
    locustfile = SCENARIOS / "locustfile.py"
    args = ["-m", "locust", "-f", str(locustfile), "--headless", "-u", "1", "--scenario", "nope"]
    result = run([sys.executable, *args], tmp_path)
    assert result.returncode == 2
    assert "brownout: scenario 'nope': expected a path to a .toml file or one of" in result.stderr
    assert "Traceback" not in result.stderr
