"""One run on real sockets with everything a run has, played once in a test session, read by many tests."""

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest

from harness.calibration.kept import VARIABLE, keep
from reports.record.this_machine import this_machine
from tests.processes import brownout, run
from tests.reports.machines import calibration
from tests.sdks.side_environment import shared_folder

ABOVE_THIS_RUN = {"highest_rate_per_s": 1_000.0, "highest_in_flight": 1_000}
FROM_S, TO_S = 1.0, 2.0
SEED = 47
SCENARIO = f"""
title = "A short outage"
description = "OpenAI is down for a second."
duration_s = 3.5
drain_s = 20
via = "gateway"
subjects = ["naive", {{ name = "full", base = "full", description = "In the scenario." }}]

[arrivals]
kind = "poisson"
rate_per_s = 12

[workload]
max_output_tokens = 60
fresh_share = 0.4
zipf_s = 1.3

[[faults]]
kind = "outage"
provider = "openai"
from_s = {FROM_S}
to_s = {TO_S}

[[claims]]
text = "Fallback keeps answering"
subject = "full"
metric = "success_rate"
expected = ">= 0.999"
"""


def whole_run(factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """(run directory, what `brownout run --json` printed). Workers of a session wait for one another."""
    home = shared_folder(factory.getbasetemp()) / "whole-run"
    home.mkdir(exist_ok=True)
    printed = home / "printed.json"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            (home / "scenario.toml").write_text(SCENARIO)
            kept = home / "calibration.json"
            keep(calibration(machine=this_machine(), **ABOVE_THIS_RUN), kept)
            command = brownout("run", "scenario.toml", "--seed", str(SEED), "--json")
            result = run(command, home, {VARIABLE: str(kept)})
            assert result.returncode == 0, result.stderr
            printed.write_text(result.stdout)
    [folder] = (home / "runs").iterdir()
    return folder, json.loads(printed.read_text())
