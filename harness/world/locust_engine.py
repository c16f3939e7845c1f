"""Locust as the load engine: a headless Locust process plays one job.

It has its own process because gevent and asyncio do not mix, and because a load generator must not share an
event loop with the system under test.
"""

import subprocess
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from harness.errors import RunFailed
from harness.load.job import LoadJob

from .isolation import locust_env, python

POLL_S = 0.25
STARTS_WITHIN_S = 30.0
STOPS_WITHIN_S = 10.0

OnRows = Callable[[Path], None]


def locustfile() -> Path:
    """The shipped locustfile."""
    return Path(str(files("scenarios"))) / "locustfile.py"


def play(job: LoadJob, duration_s: float, folder: Path, name: str, on_rows: OnRows) -> None:
    """Play `job` to its end in `folder` (an absolute path), calling `on_rows` with the rows file every
    quarter of a second.

    Raises RunFailed with Locust's last line when it breaks or hangs. On any exception, a KeyboardInterrupt
    too, the process is ended and its rows are kept.
    """
    job_file = folder / f"{name}.job.json"
    job.write(job_file)
    log = folder / f"{name}.locust.log"
    args = ["--headless", "--users", "1", "--spawn-rate", "1", "--only-summary", "--exit-code-on-error", "0"]
    args += ["--skip-log-setup", "--brownout-job", str(job_file)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*python("locust"), "-f", str(locustfile()), *args],
            cwd=folder,  # no locust.conf and no pyproject.toml of the user's
            env=locust_env(folder),
            stdin=subprocess.PIPE,  # it quits when this closes, even if this process is killed
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    timeout_s = STARTS_WITHIN_S + duration_s + job.drain_s + STOPS_WITHIN_S
    try:
        for _ in range(int(timeout_s / POLL_S)):
            if process.poll() is not None:
                break
            time.sleep(POLL_S)
            on_rows(Path(job.rows))
    finally:
        _end(process)
    if process.returncode != 0:
        lines = log.read_text(errors="replace").strip().splitlines() or ["its log is empty"]
        raise RunFailed(f"Locust ended with code {process.returncode}: {lines[-1]} (its log is {log})")


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
