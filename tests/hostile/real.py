"""Plays hostile runs on real sockets, and attacks them: kill -9 of a process, signals, disks that fill up."""

import json
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.hostile.draws import HostileRun
from tests.hostile.holds import violations
from tests.processes import brownout, children, children_that_run, started

WITHIN_S = 100.0
GONE_WITHIN_S = 20.0
PARTS = {"providers": "mock", "gateway": "gateway", "locust": "locust"}
"""Children of a run, and the argument by which each is known."""
ATTACKS = ("providers", "gateway", "locust", "main", "interrupt", "terminate", "disk", "none")


def attacked(run: HostileRun, attack: str | None = None) -> list[str]:
    """Play a run with one attack at a random moment (default: a random one); the promises that it breaks."""
    rng = random.Random(f"attack {run.seed}")
    attack = attack or rng.choice(ATTACKS)
    bytes_ = rng.choice([4_000, 20_000, 60_000, 200_000]) if attack == "disk" else None
    command = brownout("run", str(run.scenario), "--out", str(run.folder / "runs"), "--json")
    if bytes_ is not None:
        command = ["prlimit", f"--fsize={bytes_}", *command]
    with started(command, run.folder) as process:
        seen = _attack(process, attack, rng.uniform(0.0, 9.0))
        _, stderr = process.communicate(timeout=WITHIN_S)
    found = [*_left(seen), *_record(run, process.returncode, stderr)]
    return [f"{attack}: {each}" for each in found]


def _attack(process: "subprocess.Popen[str]", attack: str, after_s: float) -> set[int]:
    """Returns the ids of all children that were seen."""
    seen: set[int] = set()
    until_s = time.monotonic() + after_s
    while process.poll() is None and (time.monotonic() < until_s or not _ready(process.pid, attack)):
        seen |= set(children(process.pid))
        time.sleep(0.05)
        if time.monotonic() > until_s + 30:
            break
    seen |= set(children(process.pid))
    with suppress(ProcessLookupError):
        match attack:
            case part if part in PARTS:
                for pid in children_that_run(process.pid, PARTS[attack]):
                    os.kill(pid, signal.SIGKILL)
            case "main":
                process.kill()
            case "interrupt":
                process.send_signal(signal.SIGINT)
            case "terminate":
                process.send_signal(signal.SIGTERM)
    return seen


def _ready(pid: int, attack: str) -> bool:
    """Whether there is something to attack."""
    return attack not in PARTS or bool(children_that_run(pid, PARTS[attack]))


def _left(seen: set[int]) -> list[str]:
    """Children that outlive the run."""
    until_s = time.monotonic() + GONE_WITHIN_S
    while (alive := [pid for pid in seen if _alive(pid)]) and time.monotonic() < until_s:
        time.sleep(0.1)
    return [f"{len(alive)} children outlived the run"] if alive else []


def _alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _record(run: HostileRun, code: int, stderr: str) -> list[str]:
    if "Traceback" in stderr:
        return [f"a traceback: {stderr[-800:]}"]
    kept = [path.parent for path in run.folder.glob("runs/*/run.json")]
    if code == -signal.SIGKILL:
        return [each for path in kept for each in violations(path)]
    last = (stderr.strip().splitlines() or [""])[-1]
    if not kept:
        early = code in (130, -signal.SIGTERM)  # before anything was measured
        good = early or (code in (1, 2) and last.startswith("brownout: "))
        return [] if good else [f"exit {code} without a record: {stderr[-500:]}"]
    [folder] = kept
    found, expected = violations(folder), _expected_code(folder)
    unwritten = expected != 1 and "cannot be written" in last
    if unwritten and (folder / "report.html").exists():
        found.append("a report that could not be written")
    right = code == (1 if unwritten else expected)
    return found if right else [*found, f"exit {code}, expected {expected}: {stderr[-500:]}"]


def _expected_code(folder: Path) -> int:
    """The exit code that follows from the files of a run."""
    summary = folder / "summary.json"
    if not summary.exists():
        return 1
    if json.loads((folder / "run.json").read_text())["status"] == "partial":
        return 130
    return 1 if json.loads(summary.read_text())["validity"]["verdict"] == "INVALID" else 0
