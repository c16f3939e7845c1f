"""Random hostile runs: clients that misbehave, or whole stacks, under faults, in either engine."""

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.stack.config.toml_file import format_toml
from mock_providers import describe_faults
from tests.hostile.client import BEHAVIOURS

HERE = Path(__file__).parent
STACKS = ("naive", "full", "no-retry", "economy", "exact-cache", "claude")
BEHAVIOURS_IN_A_RUN = 6
PLAIN_FAULTS = (
    "outage",
    "brownout",
    "hang",
    "http_error",
    "html_200",
    "in_band_error",
    "malformed_json",
    "malformed_sse",
    "quality_loss",
    "refuse",
    "reset",
    "slow_drip",
    "slow_first_token",
    "stall",
    "truncate",
)
OPTIONS: dict[str, dict[str, Any]] = {
    "http_error": {"status": 503},
    "brownout": {"extra_s": 1.0},
    "slow_drip": {"gap_s": 0.5},
    "slow_first_token": {"extra_s": 1.0},
    "hang": {"hold_s": 3.0},
    "stall": {"hold_s": 3.0},
}
assert set(PLAIN_FAULTS) <= set(describe_faults())


@dataclass(frozen=True, slots=True)
class HostileRun:
    """A scenario in a folder of its own."""

    seed: int
    folder: Path
    engine: str

    @property
    def scenario(self) -> Path:
        return self.folder / "hostile.toml"


def draw_run(seed: int, folder: Path, engine: str = "virtual") -> HostileRun:
    """Write the scenario of `seed`: the same for the same seed."""
    rng = random.Random(f"hostile {seed}")
    folder.mkdir(parents=True)
    scenario = _scenario(rng, engine)
    if engine == "virtual" and rng.random() < 0.7:
        _write_client(rng, folder)
        scenario["subjects"] = ["hostile_client.toml", *scenario["subjects"][: rng.randint(0, 1)]]
    (folder / "hostile.toml").write_text(format_toml(scenario), "utf-8")
    return HostileRun(seed, folder, engine)


def _scenario(rng: random.Random, engine: str) -> dict[str, Any]:
    long_s = 1.5 if engine == "virtual" else 4.0
    return {
        "title": "A hostile run",
        "description": "Anything that can go wrong.",
        "engine": engine,
        "duration_s": long_s,
        "drain_s": rng.choice([0.5, 2.0, 10.0]),
        "warmup_s": rng.choice([0.0, 0.0, 0.2]),
        "seed": rng.randint(0, 10**6),
        "via": rng.choice(["direct", "gateway"]),
        "subjects": rng.sample(STACKS, rng.randint(1, 2)),
        "arrivals": {
            "kind": rng.choice(["constant", "poisson"]),
            "rate_per_s": float(rng.choice([4, 8, 16])),
        },
        "workload": {
            "max_output_tokens": rng.choice([1, 30, 200]),
            "stream": rng.random() < 0.7,
            "fresh_share": rng.choice([0.0, 0.5, 1.0]),
            "zipf_s": 1.2,
            "tenants": rng.choice([1, 3]),
        },
        "faults": [_fault(rng, long_s) for _ in range(rng.randint(0, 3))],
    }


def _fault(rng: random.Random, long_s: float) -> dict[str, Any]:
    from_s = round(rng.uniform(0, long_s), 1)
    fault: dict[str, Any] = {
        "kind": rng.choice(PLAIN_FAULTS),
        "from_s": from_s,
        "to_s": from_s + rng.choice([0.5, 3.0]),
        "probability": rng.choice([0.3, 1.0]),
    }
    if rng.random() < 0.5:
        fault["provider"] = rng.choice(["openai", "anthropic", "together"])
    return fault | OPTIONS.get(fault["kind"], {})


def _write_client(rng: random.Random, folder: Path) -> None:
    chosen = ["ask", *rng.sample(BEHAVIOURS, BEHAVIOURS_IN_A_RUN)]
    (folder / "behaviours.json").write_text(json.dumps(chosen))
    shutil.copy(HERE / "client.py", folder / "client.py")
    client = {"kind": "python", "call": "client:Hostile", "timeout_s": rng.choice([1.0, 5.0, 60.0])}
    (folder / "hostile_client.toml").write_text(format_toml(client), "utf-8")
