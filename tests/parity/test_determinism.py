"""A virtual run depends on its scenario and seed alone, not on the process or PYTHONHASHSEED."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.runs.seeds import summary_of
from harness.spec.run_options import RunOptions
from tests.parity.runs import SHORT, play

SUBJECTS = ("naive", "full", "openai-sdk", "anthropic-sdk")
HASH_SEEDS = ("0", "4242")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("determinism")
    (home / "scenario.toml").write_text(SHORT)
    return home


@pytest.fixture(scope="module")
def played(home: Path) -> list[dict[str, Any]]:
    """Seed 7 in new processes with the `HASH_SEEDS`."""
    args = ["--engine", "virtual", "--seed", "7", *(word for name in SUBJECTS for word in ("--stack", name))]

    def one(hash_seed: str) -> dict[str, Any]:
        return play(home, *args, out=f"runs-{hash_seed}", hash_seed=hash_seed)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, HASH_SEEDS))


def record_here(home: Path, seed: int) -> str:
    """The hash of the run's record, played in this process."""
    options = RunOptions(scenario=str(home / "scenario.toml"), stacks=SUBJECTS)
    return summary_of(options, seed, datetime(2026, 1, 1, tzinfo=UTC)).record_sha256


def test_the_same_seed_gives_the_same_record_in_any_process_whatever_the_hash_seed(
    home: Path, played: list[dict[str, Any]]
) -> None:
    assert {summary["record_sha256"] for summary in played} == {record_here(home, 7)}


def test_another_seed_gives_another_record(home: Path, played: list[dict[str, Any]]) -> None:
    assert record_here(home, 8) != played[0]["record_sha256"]


def test_the_runs_met_the_outage_and_clients_waited_between_tries(played: list[dict[str, Any]]) -> None:
    """The tests above would prove nothing if no random backoff had been drawn."""
    assert set(played[0]["subjects"]) == set(SUBJECTS)
    for name, subject in played[0]["subjects"].items():
        assert subject["calls"] > 20
        folder: Path = played[0]["folder"]
        ledger = pd.read_parquet(folder / "ledger.parquet").query("subject == @name")
        assert (ledger["fault"] == "outage").sum() > 5
        if name != "naive":
            assert len(ledger) > subject["calls"]
