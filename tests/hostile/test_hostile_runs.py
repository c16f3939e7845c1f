"""Every planned call is a row, and attempts, bills and calls speak of the same calls, in any run.

A small sample in virtual time; `python -m tests.hostile.many` plays thousands, also on real sockets, with
processes killed and disks filled.
"""

from pathlib import Path

import pytest

from harness.load.client_errors import ClientErrors
from tests.hostile.client import BEHAVIOURS
from tests.hostile.draws import draw_run
from tests.hostile.play import played

SEEDS = range(16)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", SEEDS)
def test_any_run_keeps_the_promises_of_its_record(seed: int, tmp_path: Path) -> None:
    assert played(draw_run(seed, tmp_path / "run"), judged=seed % 8 == 0) == []


def test_the_sample_meets_clients_and_stacks(tmp_path: Path) -> None:
    runs = [draw_run(seed, tmp_path / str(seed)) for seed in SEEDS]
    with_client = [run for run in runs if (run.folder / "client.py").exists()]
    assert 0 < len(with_client) < len(runs)
    met = {
        name
        for run in with_client
        for name in BEHAVIOURS
        if name in (run.folder / "behaviours.json").read_text()
    }
    assert len(met) > len(BEHAVIOURS) / 2


def test_a_message_with_half_a_character_can_be_kept() -> None:
    """Its log could not be written, and the whole run was lost."""
    errors = ClientErrors()
    errors.note("c0", ValueError("\ud800 \x1b[31mred"))
    [kept] = errors.as_rows()
    assert kept["message"] == r"\ud800 \x1b[31mred"
    kept["traceback"].encode()
    assert "\x1b" not in kept["traceback"]
