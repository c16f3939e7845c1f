"""Locust as the load engine: a headless Locust process plays one job.

A process of its own because gevent and asyncio do not mix, and because a load generator must not share a
core's event loop with what it measures.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from harness.errors import RunFailed
from harness.load.job import LoadJob

POLL_S = 0.25
STARTS_WITHIN_S = 30.0
STOPS_WITHIN_S = 10.0

OnRows = Callable[[Path], None]


def locustfile() -> Path:
    """The locustfile that comes along."""
    return Path(str(files("scenarios"))) / "locustfile.py"


def play(job: LoadJob, duration_s: float, folder: Path, name: str, on_rows: OnRows) -> None:
    """Play `job` to its end, calling `on_rows` with the rows file now and then.

    Raises RunFailed with Locust's last line when it breaks or hangs. Whatever is raised here or in `on_rows`
    (a KeyboardInterrupt, say), the process is ended and its rows stay.
    """
    job_file = folder / f"{name}.job.json"
    job.write(job_file)
    log = folder / f"{name}.locust.log"
    args = ["--headless", "--users", "1", "--spawn-rate", "1", "--only-summary", "--exit-code-on-error", "0"]
    args += ["--skip-log-setup", "--brownout-job", str(job_file)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "locust", "-f", str(locustfile()), *args],
            stdin=subprocess.PIPE,  # it quits when this closes: with us, even if we are killed outright
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    patience_s = STARTS_WITHIN_S + duration_s + job.drain_s + STOPS_WITHIN_S
    try:
        for _ in range(int(patience_s / POLL_S)):
            if process.poll() is not None:
                break
            time.sleep(POLL_S)
            on_rows(Path(job.rows))
    finally:
        _end(process)
    if process.returncode != 0:
        said = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
        raise RunFailed(f"Locust ended with code {process.returncode}: {said[-1]} (its log is {log})")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        if process.stdin is not None:
            process.stdin.close()
