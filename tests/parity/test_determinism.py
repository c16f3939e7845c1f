"""A virtual run depends on its scenario and seed alone, not on the process or PYTHONHASHSEED."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.parity.runs import SHORT, play

SUBJECTS = {
    "stacks": (),
    "sdks": ("--stack", "openai-sdk", "--stack", "anthropic-sdk"),
}
RUNS = {"first": ("7", "0"), "again": ("7", "4242"), "other seed": ("8", "0")}
"""(seed, PYTHONHASHSEED)"""


@pytest.fixture(scope="module", params=SUBJECTS)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The summaries of RUNS, each from a new process."""
    home = tmp_path_factory.mktemp("determinism")
    subjects = SUBJECTS[request.param]

    def one(name: str) -> tuple[str, dict[str, Any]]:
        seed, hash_seed = RUNS[name]
        own = home / name.replace(" ", "-")
        own.mkdir()
        (own / "scenario.toml").write_text(SHORT)
        return name, play(own, "--engine", "virtual", "--seed", seed, *subjects, hash_seed=hash_seed)

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(one, RUNS))


def test_the_same_seed_gives_the_same_record_whatever_the_hash_seed(played: dict[str, Any]) -> None:
    assert played["again"]["record_sha256"] == played["first"]["record_sha256"]


def test_another_seed_gives_another_record(played: dict[str, Any]) -> None:
    assert played["other seed"]["record_sha256"] != played["first"]["record_sha256"]


def test_the_runs_met_the_outage_and_clients_waited_between_tries(played: dict[str, Any]) -> None:
    """The tests above would prove nothing if no random backoff had been drawn."""
    for name, subject in played["first"]["subjects"].items():
        assert subject["calls"] > 20
        folder: Path = played["first"]["folder"]
        ledger = pd.read_parquet(folder / "ledger.parquet").query("subject == @name")
        assert (ledger["fault"] == "outage").sum() > 5
        if name != "naive":
            assert len(ledger) > subject["calls"]
