"""Each recipe of CONTRIBUTING.md is carried out in a copy of the checkout, and works."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT
from tests.recipes.examples import FAULT, LAYER, METRIC, PROTOCOL, SCENARIO

EXAMPLES = {"layer": LAYER, "fault": FAULT, "protocol": PROTOCOL, "metric": METRIC, "scenario": SCENARIO}
MOST_FILES = {"layer": 3, "fault": 1, "protocol": 5, "metric": 1, "scenario": 1}
MOST_LINES = 15


def recipe(name: str) -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    found = re.search(rf"### Add a {name}\n(.*?)(?=\n### |\n## )", text, flags=re.DOTALL)
    assert found is not None
    return found[1].strip()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_recipe_is_short_and_names_every_file_that_it_touches(name: str) -> None:
    text, example = recipe(name), EXAMPLES[name]
    assert len(text.splitlines()) <= MOST_LINES
    assert len(example.files) <= MOST_FILES[name]
    for file in example.edited:
        assert f"`{file}`" in text
    for file in example.added:
        assert f"`{Path(file).parent}/" in text


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product's code in which every recipe was carried out."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in ("harness", "mock_providers", "reports", "scenarios"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for example in EXAMPLES.values():
        example.carry_out(root)
    return root


def run(checkout: Path, *command: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=checkout,
        env=env,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def summary(checkout: Path) -> dict[str, Any]:
    """What the scenario of the recipe, with its fault, layer and metric, came to in virtual time."""
    command = ("-m", "harness", "run", "sleepy", "--engine", "virtual", "--json", "--out", "runs")
    told: dict[str, Any] = json.loads(run(checkout, *command))
    return told


def test_a_scenario_of_one_file_is_played_by_its_name(summary: dict[str, Any]) -> None:
    assert summary["scenario"] == "sleepy"
    assert set(summary["subjects"]) == {"naive", "paused"}


def test_a_fault_of_one_file_strikes_what_its_schedule_says(summary: dict[str, Any]) -> None:
    naive = summary["subjects"]["naive"]
    assert naive["ttft_s_p95"] > naive["ttft_s_p50"] + 1.0


def test_a_layer_of_three_files_does_what_its_table_says(summary: dict[str, Any]) -> None:
    paused, naive = (summary["subjects"][name]["ttft_s_p50"] for name in ("paused", "naive"))
    assert paused - naive == pytest.approx(0.5, abs=0.05)


def test_a_metric_of_one_file_is_computed_and_shown(checkout: Path, summary: dict[str, Any]) -> None:
    assert summary["subjects"]["naive"]["slowest_s"] > 0
    [report] = checkout.glob("runs/*/report.html")
    assert "Slowest call" in report.read_text()


def test_a_protocol_is_spoken_by_the_providers_of_a_profile(checkout: Path) -> None:
    program = """
import asyncio
from mock_providers import MockApp, load_profile
profile = load_profile("groq")
app = MockApp(profile, seed=1)
body = b'{"model": "llama", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}'
sent = []
async def main():
    app.start(asyncio.get_running_loop().time())
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "query_string": b"",
             "headers": [(b"authorization", b"Bearer sk-x"), (b"content-type", b"application/json")]}
    parts = iter([{"type": "http.request", "body": body, "more_body": False}])
    async def receive():
        for part in parts:
            return part
        await asyncio.sleep(60)
    async def send(message):
        sent.append(message)
    await app.provider("groq")(scope, receive, send)
asyncio.run(main())
print(sent[0]["status"])
"""
    assert run(checkout, "-c", program).strip() == "200"
