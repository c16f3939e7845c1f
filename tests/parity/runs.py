"""Small scenarios run by the command line in a new process."""

from pathlib import Path
from typing import Any

import orjson

from tests.processes import brownout, run

SHORT = """
title = "A short outage"
description = "Two providers are down for a second and a half."
duration_s = 3
drain_s = 20
via = "gateway"
subjects = ["naive", "full"]

[arrivals]
kind = "poisson"
rate_per_s = 12

[workload]
max_output_tokens = 60
fresh_share = 0.5

[[faults]]
kind = "outage"
provider = "openai"
from_s = 0.5
to_s = 2.0

[[faults]]
kind = "outage"
provider = "anthropic"
from_s = 1.0
to_s = 2.5
"""


def play(home: Path, *args: str, out: str, hash_seed: str = "0") -> dict[str, Any]:
    """`brownout run scenario.toml ARGS --json` in `home`: its summary, and the run directory as "folder"."""
    command = brownout("run", "scenario.toml", *args, "--out", out, "--json")
    ended = run(command, home, {"PYTHONHASHSEED": hash_seed})
    assert ended.returncode == 0, ended.stderr
    [folder] = (home / out).iterdir()
    summary: dict[str, Any] = orjson.loads(ended.stdout)
    return summary | {"folder": folder}
